package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/engine"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// pinned is a service of one pod on one host. Its tasks end after a while, one after the other.
type pinned struct {
	host     string
	reserves bool // has its resources reserved, and a volume
}

func (pinned) Name() string              { return "pinned" }
func (pinned) Fingerprint(string) string { return "1" }
func (pinned) Phases() []machine.PhaseSpec {
	return []machine.PhaseSpec{{Name: "db", Strategy: plans.Serial, PodTypes: []string{"db"}}}
}
func (pinned) Admit(machine.Host) *plans.Hold      { return nil }
func (pinned) Scout() string                       { return "" }
func (pinned) ScoutSilence() time.Duration         { return 0 }
func (pinned) Read([]byte) (machine.Report, error) { return machine.Report{}, nil }
func (p pinned) Survey(hosts []machine.Host) machine.Survey {
	if len(hosts) < 3 {
		return machine.Survey{Missing: []plans.Hold{{Code: plans.CodeMissing, Text: "too few hosts"}}}
	}
	return machine.Survey{Pods: []machine.Wanted{{Type: "db", Host: p.host}}}
}
func (s pinned) Requirement(p machine.Pod) offers.Requirement {
	r := offers.Requirement{Subject: p.Name, Host: p.Host, CPUs: 1000, Mem: 32_000}
	if s.reserves {
		r.Claim, r.Volumes = &offers.Claim{}, []offers.Volume{{Name: "data", Type: offers.RootVolume, Size: 10_000, ContainerPath: "data"}}
	}
	return r
}
func (pinned) Task(machine.Pod, machine.Place, machine.Cluster) (offers.Task, error) {
	return offers.Task{Command: offers.Command{Shell: true, Value: "exec sleep 4"}}, nil
}
func (pinned) TaskName(string) string                     { return "server" }
func (pinned) Message(machine.Host, []machine.Pod) []byte { return nil }
func (pinned) Health(string) bool                         { return false }
func (pinned) Budgets() []plans.Budget                    { return nil }
func (pinned) Judge([]string, []machine.Standing) machine.Judgement {
	return machine.Judgement{Gate: plans.GateOpen}
}

// eavesdropped is a session of which it is noted which hosts were offered, and of which some events get lost.
type eavesdropped struct {
	*mesos.Session
	lost    func(machine.Event) bool // nil: none
	mu      sync.Mutex
	offered []string
}

func (s *eavesdropped) Run(ctx context.Context, frameworkID string, sink func(machine.Event)) error {
	return s.Session.Run(ctx, frameworkID, func(e machine.Event) {
		if o, ok := e.(machine.Offered); ok {
			s.mu.Lock()
			for i := range o.Offers {
				s.offered = append(s.offered, o.Offers[i].Host)
			}
			s.mu.Unlock()
		}
		if s.lost == nil || !s.lost(e) {
			sink(e)
		}
	})
}

// heard returns the hosts that were offered since it was asked last.
func (s *eavesdropped) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.offered
	s.offered = nil
	return out
}

// Idle hosts are refused for half a second, and yet not offered any more; the one with the pod is when that is to be launched again. A master
// that is not told offers them all the time, so that the test would see it.
func TestIdleHostsAreNotOffered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		off  bool
	}{{"told", false}, {"not told", true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			session, view, constraints := deployPinned(t, "127.0.92.", tt.off)
			if tt.off {
				session.heard()
				var again []string
				eventually(t, "all hosts are offered again", func() bool {
					again = append(again, session.heard()...)
					return slices.Contains(again, "b") && slices.Contains(again, "c")
				})
				return
			}
			eventually(t, "all hosts are idle and excluded", func() bool {
				text := constraints()
				return strings.Contains(text, `"a"`) && strings.Contains(text, `"b"`) && strings.Contains(text, `"c"`)
			})
			first := view().Pods[0].TaskID
			session.heard() // offers that were on their way
			eventually(t, "the pod is launched again, in the place of a task that has ended", func() bool {
				p := view().Pods[0]
				return p.TaskID != first && p.State == machine.Running
			})
			heard := session.heard()
			if !slices.Contains(heard, "a") || slices.Contains(heard, "b") || slices.Contains(heard, "c") {
				t.Errorf("offered were %v, want only a, which is not idle", heard)
			}
		})
	}
}

// deployPinned runs an engine for the pod on host a of three, until the pod runs. It returns how the hosts are offered, what is published, and the
// constraints that the master has.
func deployPinned(t *testing.T, network string, off bool) (*eavesdropped, func() *machine.View, func() string) {
	t.Helper()
	master := threeHosts(t, network).MasterAddress()
	l := begin(t, master, pinned{host: "a"}, store.OpenMemory(), off, nil)
	l.runs(t)
	return l.session, l.view, func() string { return constraintsOf(t, master) }
}

// When a master does not want to be told, or nobody knows whether it was, that is no reason for a pod not to come back.
func TestExclusionFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		fault   fault.Fault
		warning string
	}{
		{"refused", fault.Fault{Kind: fault.CallStatus, Call: "UPDATE_FRAMEWORK", Status: 400, Text: "no", Count: -1}, "does not want to be told which hosts are idle"},
		{"done and not answered", fault.Fault{Kind: fault.CallLostAfter, Call: "UPDATE_FRAMEWORK"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			box := threeHosts(t, "127.0.94.")
			if _, err := box.Inject(tt.fault); err != nil {
				t.Fatal(err)
			}
			l := begin(t, box.MasterAddress(), pinned{host: "a"}, store.OpenMemory(), false, nil)
			first := l.runs(t)
			eventually(t, "the call has failed", func() bool {
				got := l.session.Stats().Calls["UPDATE_FRAMEWORK"]
				return got.Refused+got.Ambiguous > 0
			})
			eventually(t, "the pod is launched again", func() bool {
				p := l.view().Pods[0]
				return p.TaskID != first && p.State == machine.Running
			})
			warned := slices.ContainsFunc(l.view().Warnings, func(h plans.Hold) bool { return strings.Contains(h.Text, tt.warning) })
			if warned != (tt.warning != "") {
				t.Errorf("warnings are %v, want %q", l.view().Warnings, tt.warning)
			}
		})
	}
}

// threeHosts starts a sandbox of the hosts a, b and c.
func threeHosts(t *testing.T, network string) *sandbox.Sandbox {
	t.Helper()
	var agents []sandbox.Agent
	for i, name := range []string{"a", "b", "c"} {
		agents = append(agents, sandbox.Agent{
			Hostname: name, IP: network + string(rune('1'+i)), Port: sandbox.AnyPort, WorkDir: filepath.Join(t.TempDir(), name),
			Resources: sandbox.Resources{CPUs: 4, Mem: 1024, Disk: 1000},
		})
	}
	box, err := sandbox.Start(t.Context(), sandbox.Config{
		MasterAddress: "127.0.0.1:0", Agents: agents, AllocationInterval: 50 * time.Millisecond,
		Supervisor: []string{built(t).framework(), "sandbox", "supervise", "--"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	return box
}

// life is an engine that runs until it is ended, or the test ends.
type life struct {
	session *eavesdropped
	engine  *engine.Engine
	end     func()
}

func (l life) view() *machine.View { v, _ := l.engine.View(); return v }

// runs waits until the pod runs, and returns the id of its task.
func (l life) runs(t *testing.T) string {
	t.Helper()
	eventually(t, "the pod runs", func() bool {
		v := l.view()
		return v != nil && len(v.Pods) == 1 && v.Pods[0].State == machine.Running
	})
	return l.view().Pods[0].TaskID
}

// begin runs an engine for a service. What it does often is done fast.
func begin(t *testing.T, master string, service pinned, state store.Store, unconstrained bool, lost func(machine.Event) bool) life {
	t.Helper()
	inner, err := mesos.New(mesos.Config{
		Masters: []string{master}, Framework: mesos.Framework{User: "root", Name: "pinned", Roles: []string{"r"}, FailoverTimeout: time.Hour},
		CallTimeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	session := &eavesdropped{Session: inner, lost: lost}
	e, err := engine.New(t.Context(), engine.Config{
		Machine: machine.Config{
			DiscoveryWindow: 100 * time.Millisecond, BackoffInitial: 100 * time.Millisecond, RefuseIdle: 500 * time.Millisecond,
			ExcludeDelay: 300 * time.Millisecond, NoOfferConstraints: unconstrained,
		},
		Service: service, Store: state, Session: session,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	end := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("engine: %v", err)
		}
	})
	t.Cleanup(end)
	return life{session: session, engine: e, end: end}
}

// constraintsOf returns what the master knows of the only framework's offer constraints.
func constraintsOf(t *testing.T, master string) string {
	t.Helper()
	resp, err := http.Get("http://" + master + "/state")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var state struct {
		Frameworks []struct {
			Constraints json.RawMessage `json:"offer_constraints"`
		} `json:"frameworks"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil || len(state.Frameworks) != 1 {
		t.Fatalf("state of the master: %v, %d frameworks", err, len(state.Frameworks))
	}
	return string(state.Frameworks[0].Constraints)
}
