package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// scenes are the views that a script can publish, by name.
func scenes() map[string]func() *machine.View {
	return map[string]func() *machine.View{
		"working": working, "failed": failed, "complete": complete, "lost": lost, "degraded": degraded, "recovering": recovering, "stray": stray, "vanished": vanished, "reserved": reserved,
		"empty": func() *machine.View { return &machine.View{FrameworkID: "5-0001"} },
		"none":  func() *machine.View { return nil },
	}
}

// minutesAgo is in the middle of a minute, so that the age is the same for half a minute.
func minutesAgo(n int) time.Time {
	return time.Now().Add(-time.Duration(n)*time.Minute - 30*time.Second)
}

func step(name, host string, s plans.Status, since time.Time, holds ...plans.Hold) plans.StepView {
	return plans.StepView{
		ID: elementID("id-" + name), Name: name + ":[server]", Kind: plans.Launch, Status: s, Since: since, Message: s.String(),
		Pod: name, Host: host, Holds: holds,
	}
}

func phase(name string, s plans.Status, since time.Time, steps ...plans.StepView) plans.PhaseView {
	p := plans.PhaseView{ID: elementID("id-" + name), Name: name, Strategy: plans.Serial, Status: s, Since: since, Steps: steps}
	for _, st := range steps {
		if st.Status == plans.Complete {
			p.StepsDone++
		}
	}
	return p
}

func view(deploy plans.View) *machine.View {
	deploy.ID, deploy.Name, deploy.Strategy = elementID("id-deploy"), "deploy", plans.Serial
	deploy.Run = plans.Run{Number: 1, Actor: "package"}
	for _, p := range deploy.Phases {
		deploy.StepsDone += p.StepsDone
		deploy.StepsTotal += len(p.Steps)
	}
	return &machine.View{
		Service: "quobyte", FrameworkID: "5-0001", Connection: machine.Connection{Connected: true},
		Plans: []plans.View{deploy, {ID: elementID("id-recovery"), Name: "recovery", Strategy: plans.Parallel, Status: plans.Complete}},
		Pods: []machine.PodView{
			{Name: "data-0", Type: "data", Host: "node1", TaskID: "data-0-server__1", State: machine.Running, Since: minutesAgo(3), Healthy: true},
			{Name: "data-1", Type: "data", Host: "node2", TaskID: "data-1-server__2", State: machine.Running, Since: minutesAgo(1), Message: "no registry answers"},
			{Name: "api-0", Type: "api"},
		},
		Hosts: []machine.HostView{
			{Key: "node1", Hostname: "node1", Address: "127.0.1.1", AgentID: "A1", FirstSeen: minutesAgo(9), ReportedAt: minutesAgo(8), HeardAt: minutesAgo(2), Excluded: true},
			{
				Key: "node2", Hostname: "node2", Address: "127.0.1.2", AgentID: "A2", FirstSeen: minutesAgo(9),
				Holds: []plans.Hold{{Code: plans.CodeDuplicate, Text: "two live agents are called node2"}},
			},
		},
	}
}

// stray has a task that belongs to no pod.
func stray() *machine.View {
	v := complete()
	v.Strangers = []machine.Stranger{{TaskID: "data-7-server__9", AgentID: "A7", State: machine.Running}}
	return v
}

// reserved is a service with a pod that is down and has something reserved, and a host with what is nobody's.
func reserved() *machine.View {
	v := complete()
	v.Pods[1].State, v.Pods[1].Message = machine.Failed, "disk broke"
	v.Pods[1].Claim = &machine.ClaimView{
		Claim: "c-1", Host: "node2", Role: "quobyte", Text: "cpus:1;mem:512 and a volume, which is destroyed with its data, on host node2", Volumes: []string{"data-1.c-1"},
	}
	v.Hosts[0].Leftovers = []machine.LeftoverView{{Claim: "c-7", Pod: "data-7", Text: "cpus:1 for data-7", Volume: true}, {Claim: "c-8", Pod: "data-8", Text: "mem:32 for data-8"}}
	return v
}

// vanished is a service of which nobody knows what became of a pod.
func vanished() *machine.View {
	v := complete()
	p := &v.Pods[1]
	p.AgentID, p.State, p.Message = "A2", machine.Unreachable, "health check timed out"
	p.Replaced = []machine.ReplacedView{{TaskID: "data-1-server__1", AgentID: "A0", Seen: machine.Running}}
	return v
}

func working() *machine.View {
	wait := plans.Hold{Code: plans.CodePredecessor, Subject: "data", Text: `waits for phase "data"`}
	sick := plans.Hold{Code: plans.CodeUnhealthy, Text: "runs, is not ready yet"}
	api := phase("api", plans.Pending, time.Time{}, step("api-0", "", plans.Pending, time.Time{}, wait))
	api.Holds = []plans.Hold{wait}
	return view(plans.View{Status: plans.InProgress, Since: minutesAgo(9), Phases: []plans.PhaseView{
		phase("data", plans.InProgress, minutesAgo(3),
			step("data-0", "node1", plans.Complete, minutesAgo(3)), step("data-1", "node2", plans.Started, minutesAgo(1), sick)),
		api,
	}})
}

func failed() *machine.View {
	s := step("data-1", "node2", plans.Error, minutesAgo(1))
	s.Errors = []string{"no such image: quobyte/server:9"}
	return view(plans.View{
		Status: plans.Error, Since: minutesAgo(1), Errors: s.Errors,
		Phases: []plans.PhaseView{phase("data", plans.Error, minutesAgo(1), step("data-0", "node1", plans.Complete, minutesAgo(3)), s)},
	})
}

// warn adds a warning as the machine does: to the view and to all of its plans.
func warn(v *machine.View, w plans.Hold) *machine.View {
	v.Warnings = append(v.Warnings, w)
	for i := range v.Plans {
		v.Plans[i].Warnings = v.Warnings
	}
	return v
}

// lost is a scheduler whose session with Mesos ended a minute ago.
func lost() *machine.View {
	v := complete()
	v.Connection = machine.Connection{Since: minutesAgo(1), Error: "connection refused"}
	v = warn(v, plans.Hold{Code: plans.CodeDevice, Subject: "node1", Text: "host node1: two devices have serial 7"})
	return warn(v, plans.Hold{Code: plans.CodeDisconnected, Text: "no session with a Mesos master: connection refused"})
}

// degraded is a service of which a pod runs and is not ready.
func degraded() *machine.View {
	return warn(complete(), plans.Hold{Code: plans.CodeUnhealthy, Text: "1 of 3 pods run and are not ready: data-1 (no registry answers)"})
}

// recovering is a service of which a pod has fallen, and backs off.
func recovering() *machine.View {
	v := complete()
	until := time.Now().Add(2*time.Minute + 30*time.Second)
	why := plans.Hold{
		Code: plans.CodeBackoff, Subject: "data-1", Until: until,
		Text: "failed once: FAILED; tries again at " + until.UTC().Format("15:04:05Z"),
	}
	v.Plans[1].Status, v.Plans[1].Since, v.Plans[1].StepsTotal = plans.Delayed, minutesAgo(1), 1
	v.Plans[1].Phases = []plans.PhaseView{phase("data-1", plans.Delayed, minutesAgo(1), step("data-1", "node2", plans.Delayed, minutesAgo(1), why))}
	why.Element, why.Text = "data-1:[server]", "data-1:[server]: "+why.Text
	v.Plans[1].Phases[0].Holds = []plans.Hold{why}
	v.Plans[1].Holds = v.Plans[1].Phases[0].Holds
	return v
}

func complete() *machine.View {
	return view(plans.View{Status: plans.Complete, Since: minutesAgo(1), Phases: []plans.PhaseView{
		phase("data", plans.Complete, minutesAgo(2),
			step("data-0", "node1", plans.Complete, minutesAgo(3)), step("data-1", "node2", plans.Complete, minutesAgo(2))),
		phase("api", plans.Complete, minutesAgo(1), step("api-0", "node1", plans.Complete, minutesAgo(1))),
	}})
}

// elementID is an id as a reader of JSON has it.
func elementID(text string) (id plans.ElementID) {
	id.UnmarshalText([]byte(text))
	return id
}

// rollouts are plans that a script can publish and steer, by name.
func rollouts() map[string]func() plans.Input {
	return map[string]func() plans.Input{"steered": steered, "halted": halted}
}

// steered is a rollout in its first phase; registry-1 is on a host that has died, and data is a canary.
func steered() plans.Input {
	launch := func(pod, host string) plans.Step {
		return plans.Step{Name: pod + ":[server]", Kind: plans.Launch, Pod: pod, Host: host}
	}
	at := minutesAgo(9)
	in := plans.Input{
		Now: time.Now(),
		Run: plans.Run{Number: 1, Actor: "package", StartedAt: at, FrozenAt: at},
		Definition: plans.Definition{Service: "quobyte", Name: "deploy", Strategy: plans.Serial, Phases: []plans.Phase{
			{Name: "registry", Strategy: plans.Serial, Steps: []plans.Step{launch("registry-0", "node1"), launch("registry-1", "node2")}},
			{Name: "data", Strategy: plans.ParallelCanary, Steps: []plans.Step{launch("data-0", "node1"), launch("data-1", "node2"), launch("data-2", "node3")}},
			{Name: "api", Strategy: plans.Parallel, Steps: []plans.Step{launch("api-0", "")}},
		}},
		Observations: [][]plans.Observation{{
			{Status: plans.Complete, Since: minutesAgo(3), BegunAt: at, TriedAt: at, Done: plans.Mark{Run: 1, At: minutesAgo(3)}},
			{BegunAt: minutesAgo(3), TriedAt: minutesAgo(3), Holds: []plans.Hold{{
				Code: plans.CodeUnknownTask, Since: minutesAgo(1), Text: "task registry-1-server__2 is UNREACHABLE: it may still run",
			}}},
		}},
	}
	for _, p := range in.Definition.Phases {
		for _, s := range p.Steps {
			in.Ledger.Pods = append(in.Ledger.Pods, plans.PodState{Name: s.Pod, Down: s.Pod != "registry-0"})
		}
	}
	slices.SortFunc(in.Ledger.Pods, func(a, b plans.PodState) int { return strings.Compare(a.Name, b.Name) })
	return in
}

// halted is the same rollout with a registry-1 that has failed once more than it may.
func halted() plans.Input {
	in := steered()
	in.Definition.Policy.Attempts = 3
	in.Observations[0][1] = plans.Observation{BegunAt: minutesAgo(3), TriedAt: minutesAgo(1), Attempts: 3}
	in.Run = plans.Evaluate(in).Run
	return in
}
