package sim

import (
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/quobyte"
)

// recordsOfOld: the framework is started from a backup that is older than what runs. What happened since nobody knows: pods were launched and launched again, hosts
// have joined, operators have said something and were told that it is done. When it starts, the master may be new, and agents may be out of sight and come back late.
func (t *story) recordsOfOld() {
	if t.r.IntN(2) == 0 {
		t.at = t.upTo(90 * time.Second) // while all is deployed
	}
	t.HostPorts = t.r.IntN(3) > 0
	saved, age := t.at, 5*time.Second+t.upTo(3*time.Minute)
	t.Faults = append(t.Faults, Fault{At: saved, Kind: oldBackup, For: age, Count: t.r.IntN(20)})
	for range t.r.IntN(5) {
		t.sinceThen(age)
	}
	t.at = saved + age - 20*time.Second
	t.at = max(t.at, 0)
	for range t.r.IntN(3) {
		t.away(30*time.Second, t.on(t.aType()), 20*time.Second, 6*time.Minute)
	}
	if t.r.IntN(2) == 0 {
		f := Fault{Kind: masterFalls}
		drawFall(t.r, &f)
		t.fault(30*time.Second, f)
	}
	t.at = saved + age
	switch t.r.IntN(5) {
	case 0:
		t.fault(time.Minute, Fault{Kind: serveCrash, For: between(t.r, time.Second, 30*time.Second)})
	case 1:
		f := Fault{Kind: masterFalls}
		drawFall(t.r, &f)
		t.fault(2*time.Minute, f)
	case 2:
		t.away(time.Minute, t.on(t.aType()), time.Minute, 8*time.Minute)
	}
	for range t.r.IntN(4) {
		v := Verb{At: t.at + 5*time.Second + t.upTo(4*time.Minute), Kind: string(machine.KillTask), Task: strangerTask, Step: t.r.IntN(7)}
		if t.r.IntN(2) == 0 {
			v.Kind, v.Blind = markGone, t.r.IntN(3) == 0
		}
		t.Verbs = append(t.Verbs, v)
	}
}

// sinceThen: something happens that a backup does not know which is so old.
func (t *story) sinceThen(age time.Duration) {
	kind := t.aType()
	at := t.at + t.upTo(age)
	switch t.r.IntN(8) {
	case 0, 1, 2:
		t.Faults = append(t.Faults, Fault{At: at, Kind: taskEnds, Host: t.on(kind), What: kind})
	case 3:
		if len(t.Hosts) > few {
			kind = quobyte.Registry
		}
		t.Verbs = append(t.Verbs, Verb{At: at, Kind: "restart", Phase: kind})
	case 4:
		t.Verbs = append(t.Verbs, Verb{At: at, Kind: []string{"pause", "continue"}[t.r.IntN(2)], Phase: []string{"", kind}[t.r.IntN(2)]})
	case 5:
		t.Verbs = append(t.Verbs, Verb{At: at, Kind: []string{"except", "include"}[t.r.IntN(2)], Pod: []string{"registry-1", "metadata-0", "data-0", "data-1"}[t.r.IntN(4)]})
	case 6:
		t.Faults = append(t.Faults, Fault{At: at, Kind: agentReborn, Host: t.r.IntN(len(t.Hosts)), For: between(t.r, time.Second, time.Minute)})
	case 7:
		f := Fault{At: at, Kind: deviceNew, Host: t.r.IntN(len(t.Hosts))}
		drawDevice(t.r, &f)
		t.Faults = append(t.Faults, f)
	}
}
