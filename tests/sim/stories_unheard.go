package sim

import (
	"time"

	"github.com/quobyte/mesos-framework/quobyte"
)

// The stories of this file are about what is heard late, or not at all. They are among the rare ones.

// takenForGone cuts off an agent whose tasks run on, and has the KILLs lost when it is back. What somebody says meanwhile of a task of it is returned beside that.
func (t *story) takenForGone() (cut Fault, gone Verb) {
	t.at += time.Minute
	kind := []string{quobyte.Registry, quobyte.Metadata, quobyte.Data}[t.r.IntN(3)]
	cut = Fault{At: t.at, Kind: agentPart, Host: t.on(kind), For: 3*time.Minute + t.upTo(time.Minute)}
	t.Faults = append(t.Faults, cut)
	for range 2 {
		t.Faults = append(t.Faults, Fault{At: cut.At + cut.For - time.Second, Kind: swallowed, What: "KILL"})
	}
	return cut, Verb{At: t.at + 110*time.Second, Kind: markGone, Pod: at(kind, cut.Host), Blind: true}
}

// goneAndBack: an agent is cut off, and somebody takes a task of it for gone that runs. It shows up again, its KILL is lost, and then its host has another agent, of which
// all is on offer: what is reserved for a task, and its ports, keep others away no more.
func (t *story) goneAndBack() {
	cut, gone := t.takenForGone()
	back := cut.At + cut.For
	t.Faults = append(t.Faults, Fault{At: back + 2*time.Second + t.upTo(10*time.Second), Kind: agentReborn, Host: cut.Host, For: between(t.r, time.Second, time.Minute)})
	t.Verbs = append(t.Verbs, gone)
}

// goneTwice: an agent is cut off, and somebody takes a task of it for gone that runs. It shows up again and its KILLs are lost; then somebody says the same once more,
// without looking, or the agent is cut off a second time.
func (t *story) goneTwice() {
	cut, gone := t.takenForGone()
	back := cut.At + cut.For
	again := gone
	again.Task = podTask
	if t.r.IntN(2) == 0 {
		again.At = back + 2*time.Second + t.upTo(20*time.Second)
	} else {
		cut.At, cut.For = back+3*time.Second+t.upTo(5*time.Second), 2*time.Minute+t.upTo(2*time.Minute)
		t.Faults = append(t.Faults, cut)
		again.At = cut.At + t.upTo(cut.For)
	}
	t.Verbs = append(t.Verbs, gone, again)
}

// joinedUnseen: while the first registries are started a prober hangs, so that nobody sees that the one on its host has joined the others, and somebody has them
// restarted.
func (t *story) joinedUnseen() {
	t.Asks = false // who knows the replica set would know
	t.at = 10*time.Second + t.upTo(time.Minute)
	for k := range t.Hosts {
		if h := t.Hosts[k]; h.Registry && !h.Bootstrap {
			t.Faults = append(t.Faults, Fault{At: t.at + t.upTo(20*time.Second), Kind: proberHangs, Host: k, For: time.Minute + t.upTo(2*time.Minute)})
		}
	}
	t.at += 30*time.Second + t.upTo(time.Minute)
	t.roll(quobyte.Registry)
}

// goneUnseen: an agent that is cut off is marked gone, and its tasks run on.
func (t *story) goneUnseen() {
	kind := []string{quobyte.API, quobyte.Webconsole, t.aType()}[t.r.IntN(3)]
	f := Fault{Kind: goneUnseen, Host: t.on(kind), What: kind, Count: 1 + t.r.IntN(150)}
	f.For = time.Duration(f.Count)*time.Second + between(t.r, 30*time.Second, 5*time.Minute)
	t.fault(time.Minute, f)
}

// excludedLate: when all is deployed, the call that tells Mesos which hosts are idle is cut off, and gets there after the next one. Then something is restarted.
func (t *story) excludedLate() {
	t.at += 2 * time.Minute
	t.fault(0, Fault{Kind: streamCut})
	t.fault(time.Second, Fault{Kind: excludeFails, What: afterNext})
	t.at += 65*time.Second + t.upTo(30*time.Second)
	t.roll(t.aType())
}

// answeredLate: what probers say of registries right before one is restarted is lost again and again, and gets there when the others have fallen ill, and the probers hang.
func (t *story) answeredLate() {
	t.Asks = false // who knows the replica set would know
	t.Speed = Speed{Network: time.Millisecond, Start: 200 * time.Millisecond, CatchUp: 500 * time.Millisecond, Probe: 5 * time.Second}
	t.at += 2 * time.Minute
	t.Verbs = append(t.Verbs, Verb{At: t.at, Kind: "restart", Phase: quobyte.Registry})
	t.Faults = append(t.Faults, Fault{At: t.at - time.Millisecond, Kind: updatesLost, Count: 6 + t.r.IntN(4)})
	t.at += 100*time.Millisecond + t.upTo(time.Second)
	for k := range t.Hosts {
		if t.Hosts[k].Registry {
			t.Faults = append(t.Faults,
				Fault{At: t.at, Kind: proberHangs, Host: k, For: time.Minute + t.upTo(time.Minute)},
				Fault{At: t.at + t.upTo(5*time.Second), Kind: daemonSick, Host: k, What: quobyte.Registry, For: 2*time.Minute + t.upTo(time.Minute)})
		}
	}
}

// notToldOf: a service is not well, and its prober hangs for so long that nobody believes any more what it has said; or the framework starts anew meanwhile, and may get to
// hear what the prober said before. Then all of the type are restarted, one after the other.
func (t *story) notToldOf() {
	t.MaxUnavailable = ""
	t.Speed.Network, t.Speed.Probe = time.Millisecond, 5*time.Second
	kind := []string{quobyte.Metadata, quobyte.Data}[t.r.IntN(2)]
	host := t.on(kind)
	quiet := t.at
	switch t.r.IntN(3) {
	case 0:
		t.at += 190*time.Second + t.upTo(30*time.Second)
	case 1:
		t.at += 20*time.Second + t.upTo(time.Minute)
		t.fault(0, Fault{Kind: serveCrash, For: time.Second})
		t.at += 3*time.Second + t.upTo(10*time.Second)
	default:
		t.fault(0, Fault{Kind: serveCrash, For: time.Minute + t.upTo(time.Minute)})
		quiet += 55 * time.Second // probers repeat themselves
		t.at += t.Faults[len(t.Faults)-1].For + time.Second + t.upTo(30*time.Second)
	}
	t.Faults = append(t.Faults,
		Fault{At: quiet, Kind: proberHangs, Host: host, For: 5 * time.Minute},
		Fault{At: quiet + t.upTo(time.Second), Kind: daemonSick, Host: host, What: kind, For: 6 * time.Minute})
	t.Verbs = append(t.Verbs, Verb{At: t.at, Kind: "restart", Phase: kind})
}

// yesComesLate: the answer whether a pod may be stopped comes when it was asked again, and again, and says how it was then.
func (t *story) yesComesLate() {
	t.Asks = true
	t.at += time.Minute
	t.fault(0, Fault{Kind: apiSlow, For: time.Minute + t.upTo(time.Minute), Count: 6 + t.r.IntN(30)})
	t.at += time.Second
	t.roll([]string{quobyte.Registry, quobyte.Registry, quobyte.Metadata, quobyte.Data}[t.r.IntN(4)])
	if t.r.IntN(2) == 0 {
		t.fault(time.Minute, Fault{Kind: taskEnds, Host: t.on(quobyte.Registry), What: quobyte.Registry})
	}
}

// goneSilent: an agent is marked gone that a new master still waits for, so that Mesos says nothing of its tasks any more.
func (t *story) goneSilent() {
	kind := t.aType()
	t.fault(time.Minute, Fault{Kind: goneSilent, Host: t.on(kind), What: kind, For: time.Minute + t.upTo(4*time.Minute)})
}
