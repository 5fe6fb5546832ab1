package fault_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

var start = time.Unix(1000, 0)

func complete(t *testing.T, f fault.Fault) fault.Fault {
	t.Helper()
	f, err := f.Complete()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEveryKindIsDescribedAndTakesWhatItRequires(t *testing.T) {
	seen := map[fault.Kind]bool{}
	for _, e := range fault.Table() {
		if seen[e.Kind] || e.Summary == "" || e.Text == "" || !strings.HasSuffix(e.Text, ".") {
			t.Errorf("kind %s: there twice, or without a summary or a text", e.Kind)
		}
		seen[e.Kind] = true
		if len(fault.ParamsOf(e.Kind)) != len(e.Takes) {
			t.Errorf("kind %s: takes %v, of which only %d are known", e.Kind, e.Takes, len(fault.ParamsOf(e.Kind)))
		}
		for _, name := range e.Requires {
			if !slices.Contains(e.Takes, name) {
				t.Errorf("kind %s: requires %s, which it does not take", e.Kind, name)
			}
		}
		if e.Nature == fault.State && !slices.Contains(e.Takes, "for") {
			t.Errorf("kind %s: a state that can't be given a time", e.Kind)
		}
	}
}

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault fault.Fault
		want  string // the error, or the fault in one line
	}{
		{"a kind that does not exist", fault.Fault{Kind: "nope"}, `fault "nope": there is no such kind; there are agent-kill, `},
		{"required", fault.Fault{Kind: fault.AgentKill}, "fault agent-kill: agent: missing; agent: its id, its hostname, or its number from 0"},
		{"not for this kind", fault.Fault{Kind: fault.AgentHeal, Agent: "0", Call: "ACCEPT"}, "fault agent-heal: call: not for this kind, which takes agent"},
		{"a call that does not exist", fault.Fault{Kind: fault.CallLostAfter, Call: "accept"}, `fault call-lost-after: call: "accept": must be one of SUBSCRIBE, `},
		{"several", fault.Fault{Kind: fault.CallStatus, Count: -2}, "status: missing"},
		{"several, too", fault.Fault{Kind: fault.CallStatus, Count: -2}, "count: -2: must be 1 or more"},
		{"status", fault.Fault{Kind: fault.CallStatus, Status: 200}, "status: 200: must be 300 to 599"},
		{"where to", fault.Fault{Kind: fault.Redirect, To: "x"}, `to: "x": must be HOST:PORT, loop or nowhere`},
		{"negative", fault.Fault{Kind: fault.CallDelay, Delay: -1}, "delay: must not be negative"},

		{"once", fault.Fault{Kind: fault.CallLostAfter}, "call-lost-after count=1"},
		{"for a time", fault.Fault{Kind: fault.CallLostAfter, For: fault.Duration(time.Second)}, "call-lost-after count=-1 for=1s"},
		{"an update", fault.Fault{Kind: fault.UpdateLost, Task: "t*"}, "update-lost task=t* event=UPDATE count=1"},
		{"a reboot", fault.Fault{Kind: fault.AgentReboot, Agent: "1"}, "agent-reboot agent=1 for=1s"},
		{"an enum", fault.Fault{Kind: fault.EventUnknown, What: "enum"}, "event-unknown event=UPDATE count=1 what=enum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := c.fault.Complete()
			got := f.String()
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestStrike(t *testing.T) {
	accept := fault.Subject{Call: "ACCEPT", Framework: []string{"F-0000", "quobyte"}, Agents: []string{"S0", "host1", "0"}, Tasks: []string{"data-0__1"}}
	for _, c := range []struct {
		name  string
		fault fault.Fault
		want  []bool // of five equal calls in a row, a second apart
	}{
		{"once", fault.Fault{Kind: fault.CallLostAfter}, []bool{true, false, false, false, false}},
		{"twice, after two", fault.Fault{Kind: fault.CallLostAfter, Count: 2, Skip: 2}, []bool{false, false, true, true, false}},
		{"for three seconds", fault.Fault{Kind: fault.CallLostAfter, For: fault.Duration(3 * time.Second)}, []bool{true, true, true, false, false}},
		{"until it is cleared", fault.Fault{Kind: fault.CallLostAfter, Count: -1}, []bool{true, true, true, true, true}},
		{"another kind", fault.Fault{Kind: fault.CallLostBefore}, []bool{false, false, false, false, false}},
		{"another call", fault.Fault{Kind: fault.CallLostAfter, Call: "KILL"}, []bool{false, false, false, false, false}},
		{"by the framework's name", fault.Fault{Kind: fault.CallLostAfter, Framework: "quobyte"}, []bool{true, false, false, false, false}},
		{"by the agent's number", fault.Fault{Kind: fault.CallLostAfter, Agent: "0"}, []bool{true, false, false, false, false}},
		{"another agent", fault.Fault{Kind: fault.CallLostAfter, Agent: "1"}, []bool{false, false, false, false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var set fault.Set
			set.Add(start, complete(t, c.fault))
			var got []bool
			for i := range c.want {
				_, struck := set.Strike(start.Add(time.Duration(i)*time.Second), accept, fault.CallLostAfter)
				got = append(got, struck)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStrikeTasks(t *testing.T) {
	update := fault.Subject{Event: "UPDATE", Tasks: []string{"data-0__1"}, State: "TASK_RUNNING"}
	for task, want := range map[string]bool{"data-0__1": true, "data-*": true, "data-0": false, "*": true, "registry-*": false} {
		var set fault.Set
		set.Add(start, complete(t, fault.Fault{Kind: fault.UpdateLost, Task: task, State: "TASK_RUNNING"}))
		if _, got := set.Strike(start, update, fault.UpdateLost); got != want {
			t.Errorf("task %s: struck %v", task, got)
		}
	}
}

func TestClearAndExpire(t *testing.T) {
	var set fault.Set
	partition := set.Add(start, complete(t, fault.Fault{Kind: fault.AgentPartition, Agent: "0", For: fault.Duration(time.Minute)}))
	lost := set.Add(start, complete(t, fault.Fault{Kind: fault.CallLostAfter}))
	if next := set.Next(); !next.Equal(start.Add(time.Minute)) {
		t.Errorf("next %v", next)
	}
	if ended := set.Expire(start.Add(59 * time.Second)); ended != nil {
		t.Errorf("ended early: %v", ended)
	}
	if _, err := set.Clear(lost.ID, 7); err == nil || err.Error() == "" || len(set.List()) != 2 {
		t.Errorf("clear of one that is not there: %v, left %v", err, set.List())
	}
	if ended := set.Expire(start.Add(time.Minute)); len(ended) != 1 || ended[0].ID != partition.ID {
		t.Errorf("ended: %v", ended)
	}
	cleared, err := set.Clear()
	if err != nil || len(cleared) != 1 || cleared[0].ID != lost.ID || len(set.List()) != 0 {
		t.Errorf("cleared %v, %v, left %v", cleared, err, set.List())
	}
}

func TestFaultsAsJSON(t *testing.T) {
	var f fault.Fault
	if err := json.Unmarshal([]byte(`{"kind":"agent-drain","agent":"2","grace":"1m30s","mark-gone":true}`), &f); err != nil {
		t.Fatal(err)
	}
	want := fault.Fault{Kind: fault.AgentDrain, Agent: "2", Grace: fault.Duration(90 * time.Second), MarkGone: true}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	if err := json.Unmarshal([]byte(`{"kind":"call-delay","delay":"soon"}`), &f); err == nil || !strings.Contains(err.Error(), `"soon": must be a duration, such as 500ms`) {
		t.Errorf("a bad duration: %v", err)
	}
}

// Whatever comes over the wire is refused or becomes a fault that can be told, listed and sent again.
func FuzzFault(f *testing.F) {
	for _, e := range fault.Table() {
		f.Add(`{"kind":"` + string(e.Kind) + `","agent":"0","count":2,"for":"1s"}`)
	}
	f.Add(`{"kind":"call-status","status":503,"call":"KILL","skip":-1}`)
	f.Add(`{"kind":"redirect","to":"[::1]:5050","delay":"-9223372036854775808ns"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var given fault.Fault
		if json.Unmarshal([]byte(text), &given) != nil {
			return
		}
		done, err := given.Complete()
		if err != nil {
			return
		}
		again, err := done.Complete()
		if err != nil || again != done {
			t.Errorf("%s completes to %v, and that to %v: %v", text, done, again, err)
		}
		wire, err := json.Marshal(done)
		if err != nil {
			t.Fatal(err)
		}
		var read fault.Fault
		if err := json.Unmarshal(wire, &read); err != nil || read != done {
			t.Errorf("%v is written as %s and read as %v: %v", done, wire, read, err)
		}
		var set fault.Set
		set.Add(start, done)
		if list := set.List(); len(list) != 1 || list[0].String() == "" {
			t.Errorf("%v is listed as %v", done, list)
		}
	})
}
