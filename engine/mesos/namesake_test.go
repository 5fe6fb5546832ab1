package mesos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
)

// existing is a framework that the master of a test knows.
type existing struct {
	id, name, principal string
	roles               []string
	connected           bool
	subscribed          int64
	// What it has: tasks as GET_TASKS has them by the list that they are in, and as /state-summary counts them by their state.
	tasks                           map[string]int
	counted                         map[string]int
	executors, operations, reserved int
	allocated                       bool
}

// orphan is a framework that was made and lost.
func orphan(change ...func(*existing)) existing {
	e := existing{id: "M-0000", name: "quobyte", roles: []string{"quobyte"}, subscribed: 1}
	for _, f := range change {
		f(&e)
	}
	return e
}

// registry is the operator API of a master with frameworks.
type registry struct {
	t *testing.T

	mu       sync.Mutex
	list     []existing
	calls    []string
	tornDown []string
	answers  map[string]answer              // in place of those that the list gives
	on       func(r *registry, call string) // is told of every call beforehand
}

type object = map[string]any

func (r *registry) operator(call, id string) answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
	if r.on != nil {
		r.on(r, call)
	}
	if a, ok := r.answers[call]; ok {
		return a
	}
	var body any
	switch call {
	case "GET_FRAMEWORKS":
		body = object{"type": call, "get_frameworks": r.frameworks()}
	case "GET_MASTER":
		body = object{"type": call, "get_master": object{"master_info": object{"id": "M"}}}
	case "GET_STATE":
		body = object{"type": call, "get_state": r.state()}
	case "GET_OPERATIONS":
		body = object{"type": call, "get_operations": object{"operations": r.each(func(e existing) int { return e.operations }, ofFramework)}}
	case "/state-summary":
		body = r.summary()
	case "/master/state", "/state":
		body = object{"id": "M", "frameworks": r.endpointFrameworks(), "recovered_slaves": []any{}}
	case "/master/slaves", "/slaves":
		body = object{"slaves": []any{object{"reserved_resources_full": object{"role": r.resources()}}}}
	case "TEARDOWN":
		r.tornDown = append(r.tornDown, id)
		r.list = slices.DeleteFunc(r.list, func(e existing) bool { return e.id == id })
		return answer{status: http.StatusOK}
	default:
		r.t.Errorf("call %s", call)
	}
	text, err := json.Marshal(body)
	if err != nil {
		r.t.Error(err)
	}
	return answer{status: http.StatusOK, text: string(text)}
}

// each makes so many objects of each framework.
func (r *registry) each(count func(existing) int, one func(id string) any) []any {
	out := []any{}
	for _, e := range r.list {
		for range count(e) {
			out = append(out, one(e.id))
		}
	}
	return out
}

func value(s string) object { return object{"value": s} }

func ofFramework(id string) any { return object{"framework_id": value(id)} }

func (r *registry) frameworks() object {
	list := []any{}
	for _, e := range r.list {
		f := object{
			"framework_info": object{"id": value(e.id), "name": e.name, "principal": e.principal, "roles": e.roles},
			"connected":      e.connected, "reregistered_time": object{"nanoseconds": e.subscribed},
		}
		if e.allocated {
			f["allocated_resources"] = []any{object{"name": "cpus"}}
		}
		list = append(list, f)
	}
	return object{"frameworks": list}
}

func (r *registry) state() object {
	tasks := object{}
	for _, name := range []string{"tasks", "unreachable_tasks", "completed_tasks"} {
		tasks[name] = r.each(func(e existing) int { return e.tasks[name] }, ofFramework)
	}
	executors := r.each(func(e existing) int { return e.executors }, func(id string) any { return object{"executor_info": ofFramework(id)} })
	return object{
		"get_tasks": tasks, "get_executors": object{"executors": executors}, "get_frameworks": r.frameworks(),
		"get_agents": object{"agents": []any{object{"total_resources": r.resources()}}},
	}
}

func (r *registry) resources() []any {
	return r.each(func(e existing) int { return e.reserved }, func(id string) any {
		return object{"reservations": []any{object{"labels": object{"labels": []any{object{"key": "any", "value": id}}}}}}
	})
}

// endpointFrameworks is what /state has of them.
func (r *registry) endpointFrameworks() []any {
	list := []any{}
	for _, e := range r.list {
		f := object{
			"id": e.id, "name": e.name, "principal": e.principal, "roles": e.roles, "connected": e.connected, "reregistered_time": float64(e.subscribed),
			"executors": make([]object, e.executors), "used_resources": object{"cpus": 0, "mem": 0},
		}
		if e.allocated {
			f["used_resources"] = object{"cpus": 1, "ports": "[1-2]"}
		}
		for _, name := range []string{"tasks", "unreachable_tasks", "completed_tasks"} {
			f[name] = make([]object, e.tasks[name])
		}
		list = append(list, f)
	}
	return list
}

func (r *registry) summary() object {
	list := []any{}
	for _, e := range r.list {
		f := object{"id": e.id}
		for state, n := range e.counted {
			f["TASK_"+state] = n
		}
		list = append(list, f)
	}
	return object{"frameworks": list}
}

// begin starts a session without a framework id. It asks what is there before it subscribes.
func begin(t *testing.T, network *pipenet.Network, r *registry, change ...func(*session.Config)) (*fakeMaster, *harness) {
	m := newMaster(t, network, masterA)
	t.Cleanup(func() { m.server.Close() })
	r.t, m.operator = t, r.operator
	cfg := config(masterA)
	for _, f := range change {
		f(&cfg)
	}
	return m, start(t, network, cfg, "")
}

func (r *registry) gone() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.tornDown)
}

// A framework whose id was lost is torn down when nobody came back to it, and only then a new one is made.
func TestOrphanIsTornDown(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		r := &registry{list: []existing{
			orphan(func(e *existing) { e.id = "M-0003" }), orphan(), orphan(func(e *existing) { e.id, e.name = "M-0001", "other" }),
			orphan(func(e *existing) { e.id, e.roles = "M-0002", []string{"quobyte", "more"} }), orphan(func(e *existing) { e.id, e.principal = "M-0004", "p" }),
		}}
		m, h := begin(t, network, r)
		h.after(29 * time.Second)
		if gone := r.gone(); len(gone) > 0 || m.attempts() > 0 {
			t.Errorf("torn down at once: %v, %d SUBSCRIBEs", gone, m.attempts())
		}
		wantEvents(t, h, machine.Disconnected{Err: "master master-a:5050: framework M-0000, M-0003 was left behind by a subscription that was lost; " +
			"it is torn down in 30s unless somebody comes back to it"})
		h.after(2 * time.Second)
		if diff := cmp.Diff([]string{"M-0000", "M-0003"}, r.gone()); diff != "" {
			t.Errorf("torn down (-want +got):\n%s", diff)
		}
		wantEvents(t, h, welcome)
		h.stop()
	})
}

// In the most common case, a first start, there are two calls more.
func TestNothingIsInTheWay(t *testing.T) {
	for name, list := range map[string][]existing{
		"nothing": nil, "a framework of another name": {orphan(func(e *existing) { e.name, e.allocated, e.connected = "other", true, true })},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				r := &registry{list: list}
				_, h := begin(t, network, r)
				wantEvents(t, h, welcome)
				if diff := cmp.Diff([]string{"GET_FRAMEWORKS", "GET_STATE"}, r.calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				h.stop()
			})
		})
	}
}

// Who has an id asks nothing, whatever is there.
func TestAFrameworkWithAnIDIsNotInItsOwnWay(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		r := &registry{t: t, list: []existing{orphan()}}
		m.operator = r.operator
		h := start(t, network, config(masterA), "M-0000")
		h.after(time.Minute)
		if len(r.calls) > 0 || m.attempts() != 1 {
			t.Errorf("calls = %v, %d SUBSCRIBEs", r.calls, m.attempts())
		}
		h.stop()
	})
}

// A framework of our name that has or ever had anything ends the session, and is left as it is.
func TestNamesakeIsLeftAlone(t *testing.T) {
	for want, change := range map[string]func(*existing){
		"with 2 tasks that may run": func(e *existing) { e.tasks = map[string]int{"tasks": 1, "unreachable_tasks": 1} },
		"with 3 tasks that may run": func(e *existing) { e.counted = map[string]int{"STAGING": 1, "UNREACHABLE": 2} }, // that we may not see
		"with 1 tasks that may run, 4 tasks that have ended": func(e *existing) {
			e.tasks = map[string]int{"tasks": 1, "completed_tasks": 4}
			e.counted = map[string]int{"RUNNING": 1, "FINISHED": 3}
		},
		"with 2 tasks that have ended":         func(e *existing) { e.counted = map[string]int{"LOST": 1, "KILLED": 1} },
		"with 1 executors":                     func(e *existing) { e.executors, e.allocated = 1, true },
		"with 1 operations":                    func(e *existing) { e.operations = 1 },
		"with 1 reserved resources":            func(e *existing) { e.reserved = 1 },
		"with resources in use":                func(e *existing) { e.allocated = true },
		"connected, with 1 tasks that may run": func(e *existing) { e.connected, e.tasks = true, map[string]int{"tasks": 1} },
		"from the time of another master":      func(e *existing) { e.id = "L-0000" },
		"M-10-0000 (from the time of another":  func(e *existing) { e.id = "M-10-0000" },
	} {
		t.Run(want, func(t *testing.T) {
			for _, beside := range []bool{false, true} {
				bubble(t, func(t *testing.T, network *pipenet.Network) {
					r := &registry{list: []existing{orphan(change)}}
					m, h := begin(t, network, r, func(c *session.Config) { c.BesideNamesakes = beside })
					if beside {
						wantEvents(t, h, welcome)
						h.stop()
					} else {
						err := h.result()
						if !errors.Is(err, session.ErrNamesake) || !strings.Contains(err.Error(), want) || m.attempts() > 0 {
							t.Errorf("run = %v after %d SUBSCRIBEs, want %q", err, m.attempts(), want)
						}
					}
					if gone := r.gone(); len(gone) > 0 {
						t.Errorf("torn down: %v", gone)
					}
				})
			}
		})
	}
}

// Roles and principal are what an operator may have changed since: it is left alone all the same. Only one that has and had nothing is no obstacle,
// and that is not torn down either.
func TestNamesakeOfOtherSettings(t *testing.T) {
	for want, settings := range map[string]func(*existing){
		`; roles ["other" "quobyte"] and not ["quobyte"]`: func(e *existing) { e.roles = []string{"quobyte", "other"} },
		`; principal "p" and not ""`:                      func(e *existing) { e.principal = "p" },
	} {
		for name, has := range map[string]func(*existing){
			"tasks":        func(e *existing) { e.tasks = map[string]int{"tasks": 7} },
			"reservations": func(e *existing) { e.reserved = 1 },
			"foreign":      func(e *existing) { e.id = "L-0000" },
		} {
			t.Run(name+want, func(t *testing.T) {
				bubble(t, func(t *testing.T, network *pipenet.Network) {
					r := &registry{list: []existing{orphan(settings, has)}}
					m, h := begin(t, network, r)
					err := h.result()
					if !errors.Is(err, session.ErrNamesake) || !strings.Contains(err.Error(), want) || m.attempts() > 0 || len(r.gone()) > 0 {
						t.Errorf("run = %v after %d SUBSCRIBEs, torn down %v", err, m.attempts(), r.gone())
					}
				})
			})
		}
		t.Run("nothing"+want, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				r := &registry{list: []existing{orphan(settings)}}
				_, h := begin(t, network, r)
				wantEvents(t, h, welcome)
				if gone := r.gone(); len(gone) > 0 {
					t.Errorf("torn down: %v", gone)
				}
				h.stop()
			})
		})
	}
}

// Tasks and reservations of our service stop a new framework whatever the framework is called that they belong to.
func TestRemainsAreLeftAlone(t *testing.T) {
	const tasks = `{"get_state":{"get_tasks":{"tasks":[{"framework_id":{"value":"M-0000"},"labels":{"labels":[{"key":"service_label","value":"quobyte"}]}}]}}}`
	const reserved = `{"get_state":{"get_agents":{"agents":[{"total_resources":[{"reservations":[{"role":"r","labels":{"labels":[
		{"key":"service","value":"quobyte"},{"key":"pod","value":"data-0"},{"key":"resource_id","value":"1"}]}}]}]}]}}}`
	for want, text := range map[string]string{`has 1 tasks of the service "quobyte"`: tasks, `reserved in role "r"`: reserved} {
		for _, beside := range []bool{false, true} {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				r := &registry{
					list:    []existing{orphan(func(e *existing) { e.name = "renamed" })},
					answers: map[string]answer{"GET_STATE": {status: http.StatusOK, text: text}},
				}
				m, h := begin(t, network, r, func(c *session.Config) { c.BesideNamesakes, c.ServiceLabel = beside, "service_label" })
				if beside {
					wantEvents(t, h, welcome)
					h.stop()
					return
				}
				if err := h.result(); !errors.Is(err, session.ErrNamesake) || !strings.Contains(err.Error(), want) || m.attempts() > 0 {
					t.Errorf("run = %v after %d SUBSCRIBEs, want %q", err, m.attempts(), want)
				}
			})
		}
	}
}

// An instance that comes back to its framework keeps it, however late in the wait that is.
func TestNobodyWhoIsConnectedIsTornDown(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, 29 * time.Second} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				r := &registry{list: []existing{orphan(func(e *existing) { e.connected = after == 0 })}}
				m, h := begin(t, network, r)
				change := func(f func(*existing)) {
					r.mu.Lock()
					f(&r.list[0])
					r.mu.Unlock()
				}
				h.after(after)
				change(func(e *existing) { e.connected, e.subscribed = true, 2 })
				h.after(10 * time.Minute)
				events := h.take()
				if last := fmt.Sprint(events[len(events)-1]); !strings.Contains(last, "connected, with nothing yet") || !strings.Contains(last, "is another instance at work?") {
					t.Errorf("last event: %s", last)
				}
				if gone := r.gone(); len(gone) > 0 || m.attempts() > 0 {
					t.Errorf("torn down: %v, %d SUBSCRIBEs", gone, m.attempts())
				}
				// A connection that was dead ends at last.
				change(func(e *existing) { e.connected = false })
				h.after(time.Minute)
				if gone := r.gone(); len(gone) != 1 || m.attempts() != 1 {
					t.Errorf("torn down: %v, %d SUBSCRIBEs", gone, m.attempts())
				}
				h.stop()
			})
		})
	}
}

// An instance that was back for a moment between the two looks counts as back.
func TestAMomentIsEnough(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		r := &registry{list: []existing{orphan()}}
		m, h := begin(t, network, r)
		h.after(10 * time.Second)
		r.mu.Lock()
		r.list[0].subscribed = 2
		r.mu.Unlock()
		h.after(21 * time.Second)
		if gone := r.gone(); len(gone) > 0 || m.attempts() > 0 {
			t.Errorf("torn down: %v, %d SUBSCRIBEs", gone, m.attempts())
		}
		h.after(time.Minute)
		if gone := r.gone(); len(gone) != 1 {
			t.Errorf("torn down in the end: %v", gone)
		}
		h.stop()
	})
}

// Where the operator API does not answer as it should.
func TestOperatorAPIThatIsNotThere(t *testing.T) {
	const text = "no"
	for _, tt := range []struct {
		call string
		in   answer
		// again: the attempt is made again; gone: how many are torn down.
		again bool
		gone  int
	}{
		{"GET_FRAMEWORKS", answer{status: 401, text: text}, true, 0},
		{"GET_FRAMEWORKS", answer{status: 403, text: text}, true, 0},
		{"GET_FRAMEWORKS", answer{status: 404, text: text}, false, 0}, // the older endpoints tell
		{"GET_FRAMEWORKS", answer{status: 501, text: text}, false, 0},
		{"GET_STATE", answer{status: 404, text: text}, false, 0},
		{"GET_FRAMEWORKS", answer{status: 200, text: "<html>"}, true, 0},
		{"GET_FRAMEWORKS", answer{status: 200, text: "{}"}, true, 0},
		{"GET_FRAMEWORKS", answer{status: 503, text: text}, true, 0},
		{"GET_FRAMEWORKS", answer{status: 429, text: text}, true, 0},
		{"GET_FRAMEWORKS", answer{hold: true}, true, 0},
		{"GET_FRAMEWORKS", answer{cut: true}, true, 0},
		{"GET_STATE", answer{status: 403, text: text}, true, 0},
		{"GET_STATE", answer{status: 500, text: text}, true, 0},
		{"GET_STATE", answer{status: 200, text: `{"get_state":{"get_frameworks":[]}}`}, true, 0},
		{"GET_STATE", answer{status: 200, text: `{"get_state":{"get_frameworks":{},"get_agents":{"recovered_agents":[{}]}}}`}, true, 0},
		{"GET_MASTER", answer{status: 200, text: `{}`}, true, 0},
		{"GET_OPERATIONS", answer{hold: true}, true, 0},
		{"/state-summary", answer{status: 404, text: text}, false, 0},
		{"/state-summary", answer{status: 200, text: `{"frameworks":[]}`}, true, 0},
		{"TEARDOWN", answer{status: 403, text: text}, false, 0},
		{"TEARDOWN", answer{status: 400, text: "No framework found with specified ID"}, false, 0},
		{"TEARDOWN", answer{status: 500, text: text}, true, 0},
		{"TEARDOWN", answer{cut: true}, true, 0},
	} {
		t.Run(fmt.Sprintf("%s %d %s", tt.call, tt.in.status, tt.in.text), func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				r := &registry{list: []existing{orphan()}, answers: map[string]answer{tt.call: tt.in}}
				m, h := begin(t, network, r)
				h.after(5 * time.Minute)
				if again := m.attempts() == 0; again != tt.again || len(r.gone()) != tt.gone {
					t.Errorf("%d SUBSCRIBEs, %d torn down, calls %v", m.attempts(), len(r.gone()), r.calls)
				}
				if tt.again { // as soon as it answers
					r.mu.Lock()
					r.answers = nil
					r.mu.Unlock()
					h.after(5 * time.Minute)
					if m.attempts() == 0 || len(r.gone()) != 1 {
						t.Errorf("when it answers: %d SUBSCRIBEs, %d torn down", m.attempts(), len(r.gone()))
					}
				}
				h.stop()
			})
		})
	}
}

// An answer that is too long to be read is none: nothing is known of what stands in the rest.
func TestOperatorAPIAnswersTooMuch(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		r := &registry{answers: map[string]answer{"GET_STATE": {status: 200, text: `{"type":"GET_STATE"}` + strings.Repeat(" ", 64<<10)}}}
		m, h := begin(t, network, r, func(c *session.Config) { c.MaxRecord = 64 << 10 })
		h.after(5 * time.Minute)
		const want = "GET_STATE: answer too long: more than 65536 bytes; raise the limit if the cluster is that large"
		if got := h.take(); m.attempts() != 0 || len(got) == 0 || !strings.Contains(fmt.Sprint(got), want) {
			t.Errorf("%d SUBSCRIBEs, %v", m.attempts(), got)
		}
		h.stop()
	})
}

// Who may not look closely at a framework that uses something stops, too.
func TestNamesakeThatIsOnlyGlimpsed(t *testing.T) {
	for _, call := range []string{"GET_MASTER", "GET_STATE", "GET_OPERATIONS", "/state-summary"} {
		bubble(t, func(t *testing.T, network *pipenet.Network) {
			r := &registry{list: []existing{orphan(func(e *existing) { e.allocated = true })}, answers: map[string]answer{call: {status: 403}}}
			m, h := begin(t, network, r)
			if err := h.result(); !errors.Is(err, session.ErrNamesake) || !strings.Contains(err.Error(), "with resources in use") || m.attempts() > 0 || len(r.gone()) > 0 {
				t.Errorf("%s: run = %v after %d SUBSCRIBEs, torn down %v", call, err, m.attempts(), r.gone())
			}
		})
	}
}

// The leader is asked, wherever the masters say that it is, and with our credentials; and it is he who is told.
func TestOrphanAtAnotherMaster(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		r := &registry{t: t, list: []existing{orphan(func(e *existing) { e.principal = "store" })}}
		a, b := newMaster(t, network, masterA), newMaster(t, network, masterB)
		defer a.server.Close()
		defer b.server.Close()
		a.operator = func(call, _ string) answer {
			if call != "GET_FRAMEWORKS" {
				t.Errorf("%s to a master that does not lead", call)
			}
			return answer{status: http.StatusTemporaryRedirect, location: "//" + masterB + "/master/api/v1"}
		}
		b.operator = r.operator
		b.guard = func(req *http.Request) answer {
			if p := req.URL.Path; p != "/api/v1" && p != "/api/v1/scheduler" && p != "/state-summary" {
				t.Errorf("path %s", p)
			}
			if user, secret, ok := req.BasicAuth(); !ok || user != "store" || secret != "s" {
				return answer{status: http.StatusUnauthorized}
			}
			return answer{}
		}
		cfg := config(masterA, masterB)
		cfg.Framework.Principal, cfg.Credentials = "store", session.Basic{Principal: "store", Secret: "s"}
		h := start(t, network, cfg, "")
		h.after(time.Minute)
		if a.attempts() != 0 || b.attempts() != 1 || len(r.gone()) != 1 {
			t.Errorf("%d and %d SUBSCRIBEs, torn down %v", a.attempts(), b.attempts(), r.gone())
		}
		h.stop()
	})
}

// A SUBSCRIBE whose answer is lost leaves an orphan behind, too: the next attempt finds it.
func TestAnswerOfSubscribeIsLost(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		r := &registry{t: t}
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		m.operator = r.operator
		lost := false
		m.refuse = func() answer {
			if lost {
				return answer{}
			}
			lost = true
			r.mu.Lock()
			r.list = append(r.list, orphan())
			r.mu.Unlock()
			return answer{cut: true}
		}
		h := start(t, network, config(masterA), "")
		h.after(time.Minute)
		if m.attempts() != 2 || len(r.gone()) != 1 {
			t.Errorf("%d SUBSCRIBEs, torn down %v", m.attempts(), r.gone())
		}
		h.stop()
	})
}

// The wait ends with the session.
func TestStoppedWhileWaitingForAnOrphan(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		r := &registry{list: []existing{orphan()}}
		_, h := begin(t, network, r)
		h.after(10 * time.Second)
		began := time.Now()
		if err := h.stop(); err != nil || time.Since(began) > 0 || len(r.gone()) > 0 {
			t.Errorf("run = %v after %v, torn down %v", err, time.Since(began), r.gone())
		}
	})
}
