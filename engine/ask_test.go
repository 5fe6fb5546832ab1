package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/plans"
)

// gated is a service whose pod is stopped only when the gate is open.
type gated struct{ single }

func (gated) Phases() []machine.PhaseSpec {
	phases := single{}.Phases()
	phases[0].Gated = true
	return phases
}

// askerFunc answers in a test.
type askerFunc func(context.Context, machine.Ask) (machine.Judgement, error)

func (f askerFunc) Ask(ctx context.Context, a machine.Ask) (machine.Judgement, error) {
	return f(ctx, a)
}

// A running pod is stopped when the asker says yes, and not before: neither when it says no, nor when it does not know or says nothing. When the
// engine ends, it waits for answers that are under way.
func TestAskerIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan machine.Judgement)
		var asked []string
		j := &journal{}
		session := newSession(j)
		disk := &store.Disk{Before: func(g machine.Group) error {
			for _, r := range g.Puts {
				j.add("commit %s", r.Key)
			}
			return nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		e, err := New(ctx, Config{
			Machine: machine.Config{DiscoveryWindow: time.Second}, Service: gated{}, Store: disk.Open(), Session: session,
			Asker: askerFunc(func(ctx context.Context, a machine.Ask) (machine.Judgement, error) {
				asked = append(asked, strings.Join(a.Pods, " "))
				select {
				case said := <-answers:
					if said.Code == "broken" {
						return machine.Judgement{Gate: plans.GateOpen}, errors.New("the API is broken")
					}
					return said, nil
				case <-ctx.Done():
					return machine.Judgement{}, ctx.Err()
				}
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		event := func(ev machine.Event) {
			session.events <- ev
			synctest.Wait()
		}
		event(machine.Subscribed{FrameworkID: "F"})
		event(offer("O1"))
		time.Sleep(2 * time.Second)
		event(offer("O2"))
		v, _ := e.View()
		task := v.Pods[0].TaskID
		event(machine.Updated{Status: machine.TaskStatus{TaskID: task, State: machine.Running, AgentID: "S", UUID: make([]byte, 16)}})
		if a, err := e.Do(t.Context(), machine.Verb{Kind: machine.Restart, Plan: "deploy", Actor: "ann"}); err != nil || a.Code != machine.Done {
			t.Fatalf("restart: %+v %v", a, err)
		}
		for _, c := range []struct {
			say  *machine.Judgement
			hold string
		}{
			{nil, "no answer came in 5s"},
			{&machine.Judgement{Gate: plans.GateClosed, Text: "not now"}, `does not let pod "web-0" be stopped: not now`},
			{&machine.Judgement{Code: "broken"}, "the API is broken"},
		} {
			if c.say != nil {
				answers <- *c.say
			}
			time.Sleep(6 * time.Second)
			synctest.Wait()
			v, _ := e.View()
			if p, _ := v.Plan("deploy"); len(p.Holds) == 0 || !strings.Contains(p.Holds[0].Text, c.hold) || strings.Contains(j.text(), "send KILL") {
				t.Fatalf("want %q, and nothing killed: %+v\n%s", c.hold, p.Holds, j.text())
			}
			time.Sleep(5 * time.Second) // what was said is too old now, and it is asked again
			synctest.Wait()
		}
		answers <- machine.Judgement{Gate: plans.GateOpen}
		synctest.Wait()
		if got := j.text(); !strings.HasSuffix(got, "commit pods/web-0\ncommit runs/deploy\nsend KILL") {
			t.Errorf("want a KILL, after the record of it:\n%s", got)
		}
		if len(asked) != 4 || asked[0] != "web-0" {
			t.Errorf("asked about %q, want four times web-0", asked)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// An engine that ends does not leave behind who asks.
func TestEndsWhileItAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		returned := false
		e, err := New(ctx, Config{
			Service: gated{}, Store: (&store.Disk{}).Open(), Session: newSession(&journal{}),
			Asker: askerFunc(func(ctx context.Context, _ machine.Ask) (machine.Judgement, error) {
				<-ctx.Done()
				returned = true
				return machine.Judgement{}, ctx.Err()
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		e.ask(ctx, []machine.Ask{{ID: 1, Pods: []string{"web-0"}, Deadline: time.Now().Add(time.Hour)}})
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil || !returned {
			t.Errorf("Run: %v; the asker has returned: %t", err, returned)
		}
	})
}
