package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/internal/zktest"
	"github.com/quobyte/mesos-framework/plans"
)

// gate is a proxy before the master that lets a SUBSCRIBE wait: on its way there, or, when the master has answered, on its way back.
type gate struct {
	*httptest.Server
	arrived chan struct{} // a SUBSCRIBE has come to where it waits
	open    chan struct{} // it may go on
}

func newGate(t *testing.T, master string, answered bool) *gate {
	t.Helper()
	g := &gate{arrived: make(chan struct{}, 1), open: make(chan struct{})}
	wait := func(ctx context.Context) error {
		select {
		case g.arrived <- struct{}{}:
		default:
		}
		select {
		case <-g.open:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: master})
	proxy.FlushInterval = -1 // events must not wait
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	proxy.ModifyResponse = func(resp *http.Response) error {
		if answered && resp.Header.Get("Mesos-Stream-Id") != "" {
			return wait(resp.Request.Context())
		}
		return nil
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answered && r.URL.Path == "/api/v1/scheduler" && r.Header.Get("Mesos-Stream-Id") == "" {
			if wait(r.Context()) != nil {
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(g.CloseClientConnections)
	return g
}

func (g *gate) await(t *testing.T) {
	t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(patience):
		t.Fatalf("no SUBSCRIBE in %s", patience)
	}
}

// before are flags of serve, with the gate in place of the master.
func (g *gate) before(flags []string, extra ...string) []string {
	flags[slices.Index(flags, "--master")+1] = strings.TrimPrefix(g.URL, "http://")
	return append(flags, extra...)
}

// known is what the master knows of frameworks: the ids of those there are, of those among them that are connected, and of those that have ended.
type known struct{ All, Connected, Ended []string }

func (c *cluster) frameworks(t *testing.T) known {
	t.Helper()
	resp, err := http.Get("http://" + c.master + "/frameworks")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Frameworks, Completed []struct {
			ID        string
			Connected bool
		}
	}
	var raw map[string]json.RawMessage
	err = json.NewDecoder(resp.Body).Decode(&raw)
	err = errors.Join(err, json.Unmarshal(raw["frameworks"], &answer.Frameworks), json.Unmarshal(raw["completed_frameworks"], &answer.Completed))
	if err != nil {
		t.Fatalf("frameworks: %v", err)
	}
	var out known
	for _, f := range answer.Frameworks {
		out.All = append(out.All, f.ID)
		if f.Connected {
			out.Connected = append(out.Connected, f.ID)
		}
	}
	for _, f := range answer.Completed {
		out.Ended = append(out.Ended, f.ID)
	}
	return out
}

// serve subscribes for the first time, the master makes a framework, and serve ends before the id is durable: killed before it hears of it, or
// because the first commit after it fails. Started again it tears that framework down, and deploys as another one.
func TestFrameworkIDIsLost(t *testing.T) {
	for name, test := range map[string]struct {
		network  string
		answered bool
		end      func(*testing.T, *gate, *process, api)
	}{
		"killed": {"127.0.37.", true, func(t *testing.T, g *gate, p *process, _ api) {
			g.await(t)
			p.signal(syscall.SIGKILL)
			p.wait()
		}},
		"commit failed": {"127.0.38.", false, func(t *testing.T, g *gate, p *process, a api) {
			g.await(t)
			eventually(t, "the first decision is durable", func() bool { _, ok := a.view(); return ok })
			// From now on nothing can be written to any file: what was decided before is there.
			if err := writeNothing(p.cmd.Process.Pid); err != nil {
				t.Fatal(err)
			}
			close(g.open)
			if code := p.wait(); code == 0 {
				t.Error("a commit failed, and the exit code is 0")
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, test.network, 3)
			g := newGate(t, c.master, test.answered)
			expect := "--expect=registry=3,metadata=3,data=3"
			first := start(t, "serve 1", built(t).framework(), g.before(c.flags(t), expect)...)
			test.end(t, g, first, api{t: t, url: first.find(`msg=serving api=(\S+)`)[1]})
			var lost known
			eventually(t, "the framework that was lost is disconnected", func() bool {
				lost = c.frameworks(t)
				return len(lost.All) == 1 && len(lost.Connected) == 0
			})
			if shown, _ := run(t, built(t).framework(), "state", "show", "--state-dir", filepath.Join(c.dir, "state")); !strings.Contains(shown, "none: it never subscribed") {
				t.Fatalf("the id was not lost:\n%s", shown)
			}

			second, after := c.serve(t, "serve 2", expect)
			eventually(t, "deploy is complete", func() bool { return after.deploy().Status == plans.Complete })
			view, _ := after.view()
			want := known{All: []string{view.FrameworkID}, Connected: []string{view.FrameworkID}, Ended: lost.All}
			if diff := cmp.Diff(want, c.frameworks(t)); diff != "" || view.FrameworkID == lost.All[0] {
				t.Errorf("frameworks (-want +got):\n%s", diff)
			}
			if text := second.text(); !strings.Contains(text, `msg="orphaned framework torn down" framework_id=`+lost.All[0]) {
				t.Error("the log does not tell of the end of the framework")
			}
		})
	}
}

// The same with ZooKeeper: the leader is killed in between, and the instance that takes over does what is to be done.
func TestFrameworkIDIsLostByALeader(t *testing.T) {
	t.Parallel()
	zk := "zk://" + zktest.Start(t).Address + "/quobyte"
	c := startCluster(t, "127.0.36.", 1)
	g := newGate(t, c.master, true)
	lead := start(t, "leader", built(t).framework(), g.before(c.zkFlags(t, zk), "--expect=registry=1")...)
	g.await(t)
	standby, after := c.serveZK(t, "standby", zk, "--expect=registry=1")
	standby.find("standing by")
	lost := c.frameworks(t)
	lead.signal(syscall.SIGKILL)
	lead.wait()
	eventually(t, "deploy is complete", func() bool { return after.deploy().Status == plans.Complete })
	view, _ := after.view()
	want := known{All: []string{view.FrameworkID}, Connected: []string{view.FrameworkID}, Ended: lost.All}
	if diff := cmp.Diff(want, c.frameworks(t)); diff != "" || len(lost.All) != 1 || view.FrameworkID == lost.All[0] {
		t.Errorf("frameworks (-want +got):\n%s", diff)
	}
}

// A state that is empty while Mesos shows tasks of a framework of the same name: serve ends and says so, and nothing is changed.
func TestStateIsLostWhileTasksRun(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.39.", 3)
	expect := "--expect=registry=3,metadata=3,data=3"
	first, before := c.serve(t, "serve 1", expect)
	eventually(t, "deploy is complete", func() bool { return before.deploy().Status == plans.Complete })
	tasks, frameworks := before.tasks(), c.frameworks(t)
	elsewhere := []string{expect, "--state-dir", filepath.Join(t.TempDir(), "empty")}
	for _, alive := range []bool{true, false} {
		if !alive {
			first.signal(syscall.SIGKILL)
			first.wait()
			eventually(t, "the framework is disconnected", func() bool { return len(c.frameworks(t).Connected) == 0 })
		}
		out, code := run(t, built(t).framework(), append(c.flags(t), elsewhere...)...)
		if code != 13 || !strings.Contains(out, "there is no state, and Mesos knows already") || !strings.Contains(out, frameworks.All[0]) ||
			!strings.Contains(out, " tasks that may run") || !strings.Contains(out, "--ignore-leftovers") {
			t.Errorf("alive %t: exit code %d, want 13 and a line about framework %s:\n%s", alive, code, frameworks.All[0], tail(out, 5))
		}
	}
	// Settings that were changed as well make it no other service.
	for want, settings := range map[string][]string{
		`roles ["quobyte"] and not ["other" "quobyte"]`:   {"--pre-reserved-roles=other"},
		`roles ["quobyte"] and not ["other"]`:             {"--framework-role=other"},
		`principal "" and not "store"`:                    {"--framework-principal=store"},
		`tasks of the service "quobyte" in the same role`: {"--framework-name=renamed"},
	} {
		out, code := run(t, built(t).framework(), append(c.flags(t), append(elsewhere, settings...)...)...)
		if code != 13 || !strings.Contains(out, want) || !strings.Contains(out, frameworks.All[0]) {
			t.Errorf("%v: exit code %d, want 13 and %s:\n%s", settings, code, want, tail(out, 5))
		}
	}
	if now := c.frameworks(t); !cmp.Equal(now.All, frameworks.All) || len(now.Ended) > 0 {
		t.Errorf("frameworks: %v", now)
	}
	// A master that was just elected knows of no task until the agents are back: they are waited for.
	c.fault(t, "master-failover", "--delay=4s")
	out, code := run(t, built(t).framework(), append(c.flags(t), elsewhere...)...)
	if code != 13 || !strings.Contains(out, "agents have not come back since this master was elected") || !strings.Contains(out, frameworks.All[0]) {
		t.Errorf("after a failover: exit code %d, want 13, and that agents were waited for:\n%s", code, tail(out, 8))
	}
	_, after := c.serve(t, "serve 2", expect)
	eventually(t, "deploy is complete still", func() bool { return after.deploy().Status == plans.Complete && len(after.tasks()) == len(tasks) })
	if diff := cmp.Diff(tasks, after.tasks()); diff != "" {
		t.Errorf("tasks (-before +after):\n%s", diff)
	}
	// Beside it, if that is asked for.
	third := start(t, "serve 3", built(t).framework(), append(c.flags(t), append(elsewhere, "--ignore-leftovers")...)...)
	third.find("msg=subscribed")
}

// A proxy before the master lets only the scheduler API and the older endpoints through, and later not even these: the state that was lost is missed all the same.
func TestStateIsLostBehindAProxy(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.104.", 1)
	target, err := url.Parse("http://" + c.master)
	if err != nil {
		t.Fatal(err)
	}
	var closed atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		older := r.URL.Path == "/state" || r.URL.Path == "/slaves"
		if r.URL.Path != "/api/v1/scheduler" && (closed.Load() || !older) {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close) // when the frameworks have ended, which are connected through it
	c.master = strings.TrimPrefix(front.URL, "http://")
	flags := []string{"--expect=registry=1", "--reserve=devices", "--framework-principal=quobyte"}
	first, api := c.serve(t, "serve", flags...) // nothing is there: it subscribes
	eventually(t, "the registry runs", func() bool { return len(api.tasks()) >= 2 })
	first.signal(syscall.SIGTERM)
	first.wait()
	if err := os.RemoveAll(filepath.Join(c.dir, "state")); err != nil {
		t.Fatal(err)
	}
	out, code := run(t, built(t).framework(), append(c.flags(t), flags...)...)
	if code != 13 || !strings.Contains(out, "tasks that may run") {
		t.Errorf("exit code %d, want 13 and the tasks:\n%s", code, tail(out, 5))
	}
	closed.Store(true)
	blind, _ := c.serve(t, "serve without any answer", flags...)
	blind.find("neither can be asked, and whether a framework of ours was left behind is not known")
	if strings.Contains(blind.text(), "msg=subscribed") {
		t.Error("it has subscribed all the same")
	}
	blind.signal(syscall.SIGTERM)
	blind.wait()
	bold, _ := c.serve(t, "serve that does not mind", append(flags, "--ignore-leftovers")...)
	bold.find("msg=subscribed ")
}
