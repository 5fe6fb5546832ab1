package machine

import (
	"slices"
	"strconv"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// discoverStep is the wait step that ends the discovery of a run's members.
const discoverStep = "discover"

// candidates evaluates the plans and returns the pods whose launch step may begin now: deploy's before recovery's, no pod twice.
func (m *Machine) candidates(now time.Time) []*Pod {
	var out []*Pod
	seen := map[*Pod]bool{}
	for _, e := range m.evaluate(now) {
		for _, c := range e.Candidates {
			p := m.pods[e.View.Phases[c.Phase].Steps[c.Step].Pod]
			if p == nil || seen[p] || !m.launchable(now, p) {
				continue
			}
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// evaluate evaluates the plans, in the order of their priority, and notes what must be recorded of that: how far the run is, and the pods that deploy
// leaves to recovery.
func (m *Machine) evaluate(now time.Time) []plans.Evaluation {
	all := plans.Coordinate(plans.Ledger{}, m.planInputs(now))
	deploy := &all[0]
	m.setRun(deploy.Run)
	more := false
	for _, name := range deploy.HandedOver {
		if p := m.pods[name]; p != nil && p.Fallen.IsZero() {
			p.Fallen = now
			m.touchPod(p)
			more = true
		}
	}
	if more {
		return m.evaluate(now) // recovery did not know yet
	}
	for i := range all {
		if w := all[i].WakeAt; !w.IsZero() {
			m.wakeAt(w)
		}
	}
	return all
}

// setRun records how far the run of deploy is, and keeps one that has ended in the history.
func (m *Machine) setRun(run plans.Run) {
	if m.run.Equal(run) {
		return
	}
	m.run = run
	m.dirty[keyRun] = true
	m.changed = true
	if run.Ended() {
		m.archive(run)
	}
}

// archive puts a run that has ended into the history, and forgets those that are too old.
func (m *Machine) archive(run plans.Run) {
	before := m.history
	m.history = plans.Archive(before, run)
	m.dirty[historyKey(run.Number)] = true
	for _, old := range before {
		if old.Number < m.history[0].Number {
			delete(m.dirty, historyKey(old.Number))
			m.deleted[historyKey(old.Number)] = true
		}
	}
}

func historyKey(number int) string { return prefixHistory + strconv.Itoa(number) }

// planInputs is what the plans are evaluated from: deploy, recovery.
func (m *Machine) planInputs(now time.Time) []plans.Input {
	facts := m.sortedFacts()
	deploy := plans.Input{Run: m.run, Past: m.history, Now: now, Facts: facts}
	deploy.Definition, deploy.Observations = m.deployDefinition(now)
	recovery := plans.Input{Now: now, Facts: facts}
	recovery.Definition, recovery.Observations = m.recoveryDefinition(now)
	return []plans.Input{deploy, recovery}
}

// deployDefinition is the deploy plan, and what is observed of its steps.
func (m *Machine) deployDefinition(now time.Time) (plans.Definition, [][]plans.Observation) {
	if open := m.run.FrozenAt.IsZero(); m.deploy == nil || m.deploy.open != open {
		m.deploy = m.makeDeploy(open)
	}
	observed := make([][]plans.Observation, len(m.deploy.pods))
	for i, pods := range m.deploy.pods {
		observed[i] = make([]plans.Observation, 0, len(pods)+1)
		for _, p := range pods {
			observed[i] = append(observed[i], m.observe(now, p, p.Completed != ""))
		}
		if i == 0 {
			observed[i] = append(observed[i], m.observeDiscovery(now))
		}
	}
	return m.deploy.definition, observed
}

// deploySteps is a definition of deploy. Most decisions change neither the pods nor which hosts belong to the run, so it is kept for the next
// one; whoever changes these sets Machine.deploy to nil.
type deploySteps struct {
	definition plans.Definition
	pods       [][]*Pod // by phase, those of the launch steps
	open       bool     // members are still being searched for
}

func (m *Machine) makeDeploy(open bool) *deploySteps {
	d := &deploySteps{definition: plans.Definition{Service: m.service.Name(), Name: DeployPlan, Strategy: plans.Serial}, open: open}
	byType := m.podsByType()
	for i, spec := range m.service.Phases() {
		var pods []*Pod
		for _, t := range spec.PodTypes {
			pods = slices.Grow(pods, len(byType[t]))
			for _, p := range byType[t] {
				if m.member(p) {
					pods = append(pods, p)
				}
			}
		}
		phase := plans.Phase{
			Name: spec.Name, Strategy: spec.Strategy, After: spec.After, Open: open && i > 0, Optional: true, Steps: make([]plans.Step, 0, len(pods)+1),
		}
		for _, p := range pods {
			phase.Steps = append(phase.Steps, m.launchStep(p))
		}
		if i == 0 {
			phase.Steps = append(phase.Steps, plans.Step{Name: discoverStep, Kind: plans.Wait})
		}
		d.definition.Phases, d.pods = append(d.definition.Phases, phase), append(d.pods, pods)
	}
	return d
}

// podsByType returns the pods of each type, in order of their index.
func (m *Machine) podsByType() map[string][]*Pod {
	byType := map[string][]*Pod{}
	for i, start := 1, 0; i <= len(m.order); i++ {
		if i == len(m.order) || m.order[i].Type != m.order[start].Type {
			byType[m.order[start].Type] = m.order[start:i:i] // m.order has the pods of a type side by side
			start = i
		}
	}
	return byType
}

// member says whether a pod belongs to the run: every pod does but the scouts of hosts that have joined none.
func (m *Machine) member(p *Pod) bool {
	if p.Type != m.service.Scout() {
		return true
	}
	h := m.hosts[p.Host]
	return h == nil || h.Run != 0
}

func (m *Machine) launchStep(p *Pod) plans.Step {
	s := plans.Step{Name: p.Name + ":[" + m.service.TaskName(p.Type) + "]", Kind: plans.Launch, Pod: p.Name}
	if p.Bound {
		s.Host = p.Host
	}
	return s
}

func (m *Machine) observeDiscovery(now time.Time) plans.Observation {
	if !m.run.FrozenAt.IsZero() {
		return plans.Observation{Status: plans.Complete, Since: m.run.FrozenAt, Done: plans.Mark{Run: m.run.Number, At: m.run.FrozenAt}}
	}
	o := plans.Observation{Status: plans.Started, Since: m.run.StartedAt, Holds: m.waitingForMembers(now)}
	if !m.connection.Connected {
		o.Holds = append([]plans.Hold{m.disconnected()}, o.Holds...)
	}
	return o
}

// recoveryDefinition is the recovery plan: a phase for each pod that was complete and fell.
func (m *Machine) recoveryDefinition(now time.Time) (plans.Definition, [][]plans.Observation) {
	d := plans.Definition{Service: m.service.Name(), Name: RecoveryPlan, Strategy: plans.Parallel, Repair: true, Phases: []plans.Phase{}}
	var observed [][]plans.Observation
	for _, p := range m.order {
		if p.Fallen.IsZero() {
			continue
		}
		d.Phases = append(d.Phases, plans.Phase{Name: p.Name, Strategy: plans.Serial, Steps: []plans.Step{m.launchStep(p)}})
		observed = append(observed, []plans.Observation{m.observe(now, p, false)})
	}
	return d, observed
}

func (m *Machine) sortedFacts() []plans.Fact {
	keys := make([]string, 0, len(m.facts))
	for k := range m.facts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make([]plans.Fact, 0, len(keys))
	for _, k := range keys {
		out = append(out, m.facts[k])
	}
	return out
}
