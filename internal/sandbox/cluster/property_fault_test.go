package cluster

import (
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
	"pgregory.net/rapid"
)

// TestFaultsLoseNoResources plays at random with agents and masters that fail.
func TestFaultsLoseNoResources(t *testing.T) {
	CheckDrawn(t, func(t *rapid.T) {
		w := newWorld()
		actions := w.actions()
		actions["fault"], actions["another fault"] = w.fault, w.fault
		t.Repeat(actions)
	})
}

// fault does one thing to agents or the master that can happen to them.
func (w *world) fault(t *rapid.T) {
	a := w.c.hosts[rapid.IntRange(0, len(w.c.hosts)-1).Draw(t, "agent")]
	id := a.id
	if id == "" {
		id = a.former
	}
	faults := map[string]func(){
		"kill":       func() { w.take(w.c.KillAgent(w.now, id)) },
		"stop":       func() { w.take(w.c.StopAgent(w.now, id)) },
		"reboot":     func() { w.take(w.c.RebootAgent(w.now, id)) },
		"partition":  func() { w.take(w.c.PartitionAgent(w.now, id)) },
		"disconnect": func() { w.take(w.c.DisconnectAgent(w.now, id)) },
		"heal":       func() { w.take(w.c.HealAgent(w.now, id)) },
		"delay":      func() { w.take(w.c.DelayAgent(w.now, id, 3*time.Second)) },
		"gone": func() {
			_, effects := w.c.MarkAgentGone(w.now, id)
			w.take(effects)
		},
		"drain": func() {
			_, effects := w.c.DrainAgent(w.now, id, Drain{MarkGone: rapid.Bool().Draw(t, "mark gone")})
			w.take(effects)
		},
		"reactivate": func() {
			_, effects := w.c.ReactivateAgent(w.now, id)
			w.take(effects)
		},
		"maintenance": func() { w.maintain(t, a) },
		"start": func() {
			w.start(t, id, AgentStart{NewID: rapid.Bool().Draw(t, "new id"), Delay: time.Second})
		},
		"start again": func() { w.start(t, id, AgentStart{}) },
		"failover": func() {
			failover := MasterFailover{Delays: map[string]time.Duration{id: time.Minute}}
			if rapid.Bool().Draw(t, "outage") {
				failover.Outage = []Stage{{State: Down, For: time.Second}, {State: Recovering, For: time.Second}}
			}
			w.take(w.c.FailOver(w.now, failover))
		},
	}
	faults[rapid.SampledFrom(sortedKeys(faults)).Draw(t, "fault")]()
}

// maintain schedules the machine of an agent, or takes it one step further.
func (w *world) maintain(t *rapid.T, a *agent) {
	ids := []mesos.MachineID{{Hostname: &a.hostname, IP: &a.ip}}
	var effects []Effect
	switch rapid.IntRange(0, 3).Draw(t, "step") {
	case 0:
		_, effects = w.c.UpdateMaintenance(w.now, []maintenance.Window{{MachineIDs: ids}})
	case 1:
		_, effects = w.c.UpdateMaintenance(w.now, nil)
	case 2:
		_, effects = w.c.StartMaintenance(w.now, ids)
	default:
		_, effects = w.c.StopMaintenance(w.now, ids)
	}
	w.take(effects)
}

func (w *world) start(t *rapid.T, id string, start AgentStart) {
	up := w.c.host(id).up
	effects, err := w.c.StartAgent(w.now, id, start)
	if err != nil && !up {
		t.Fatalf("agent %s does not start: %v", id, err)
	}
	w.take(effects)
}

// rename follows an agent to its new id, since volumes and checkpoints are kept by it.
func (w *world) rename(e AgentRegistered) {
	w.kept[e.Agent] = w.kept[e.Former]
	delete(w.kept, e.Former)
	for key := range w.volumes {
		if rest, ok := strings.CutPrefix(key, e.Former+" "); ok {
			delete(w.volumes, key)
			w.volumes[e.Agent+" "+rest] = true
		}
	}
}
