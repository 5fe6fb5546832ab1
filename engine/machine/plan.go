package machine

import (
	"slices"
	"strconv"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// discoverStep is the wait step that ends the discovery of a run's members.
const discoverStep = "discover"

// candidates evaluates the plans, stops the running pods whose step may begin now, and returns those that may be launched: deploy's before
// recovery's, no pod twice. same says that the plans are still as they were evaluated, because nothing begins and the run goes on.
func (m *Machine) candidates(now time.Time) (all []plans.Evaluation, out []*Pod, same bool) {
	before := m.run
	all = m.evaluate(now)
	if m.tryFits(now, all) {
		all = m.evaluate(now)
	}
	seen := map[*Pod]bool{}
	for _, e := range all {
		for _, c := range e.Candidates {
			p := m.pods[e.View.Phases[c.Phase].Steps[c.Step].Pod]
			switch {
			case p == nil || seen[p]:
				continue
			case c.Stops && m.connection.Connected:
				m.stop(now, e.View.Name, p, c.Forced)
			case !c.Stops && m.launchable(now, p):
				out = append(out, p)
			default:
				continue
			}
			seen[p] = true
		}
	}
	return all, out, len(seen) == 0 && before.Equal(m.run)
}

// evaluate evaluates the plans, in the order of their priority, and notes what must be recorded of that: how far the run is, the pods that are
// back, and those that deploy leaves to recovery.
func (m *Machine) evaluate(now time.Time) []plans.Evaluation {
	all := m.coordinate(now)
	deploy := &all[0]
	m.setRun(deploy.Run)
	if m.noteSettled(now, deploy) || m.noteHandedOver(now, deploy) {
		return m.evaluate(now) // it makes a difference
	}
	for i := range all {
		if w := all[i].WakeAt; !w.IsZero() {
			m.wakeAt(w)
		}
	}
	return all
}

// noteSettled records the pods that the plan had stopped and that are back for good, and those that are ready and of which nothing is owed any more.
func (m *Machine) noteSettled(now time.Time, e *plans.Evaluation) bool {
	any := false
	for _, c := range e.Completed {
		p := m.pods[e.View.Phases[c.Phase].Steps[c.Step].Pod]
		switch {
		case p == nil || p.stopping():
		case p.owedBy(e.View.Name):
			m.endStop(now, p)
			any = true
		case e.View.Name == DeployPlan && p.Stop == nil && p.runs() && !p.Task.Healthy.IsZero() && (p.Completed == "" || p.Good != p.Task.Fingerprint):
			m.noteReady(now, p) // its stop was taken back while it was ready, and to be done again; in this run it need not be
			any = true
		}
	}
	return any
}

// noteHandedOver leaves to recovery what the plan has given up. What the plan had stopped recovery owes its return.
func (m *Machine) noteHandedOver(now time.Time, e *plans.Evaluation) bool {
	any := false
	for _, name := range e.HandedOver {
		p := m.pods[name]
		if p == nil || !p.Fallen.IsZero() && !p.owedBy(e.View.Name) {
			continue
		}
		if p.Stop != nil {
			p.Stop.Left = true
		}
		if p.Fallen.IsZero() {
			p.Fallen = now
		}
		m.touchPod(p)
		if p.Stop != nil && !p.stopping() && p.Task.State == Running && !p.Task.Healthy.IsZero() {
			m.setHealth(now, p, true, "") // it was settling: recovery has nothing left to do, and nobody will say once more that it is ready
		}
		any = true
	}
	return any
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

// planInputs is what the plans are evaluated from, deploy and recovery. Nobody may keep their observations.
func (m *Machine) planInputs(now time.Time) []plans.Input {
	m.inputs.read(now, m)
	return m.inputs.all(now)
}

// stepsOfDeploy makes what deploy consists of, if that is not known.
func (m *Machine) stepsOfDeploy() {
	if open := m.run.FrozenAt.IsZero(); m.deploy == nil || m.deploy.open != open {
		m.deploy = m.makeDeploy(open)
	}
}

// turn ranks a pod in a serial phase. What does not do its work anyway comes first: it may be what a change is for, and while it uses the budget
// no other one can be stopped, so that one which runs would wait for it, and it for its turn. What an earlier run has stopped and has not
// settled since uses the budget as well, but it may have to wait for a majority that those make up which do not run yet.
func turn(p *Pod) int {
	switch {
	case !p.runs() || p.Task.Healthy.IsZero():
		return -2
	case p.Stop != nil:
		return -1
	}
	return 0
}

// observeDeploy says how far a pod's step in deploy has come. A pod that was completed with what the settings render now is COMPLETE whatever has
// become of it, which is recovery's; any other has to be launched, and if it runs with something else, to be stopped first.
//
// fingerprint is what the settings render for the pod's type now.
func (m *Machine) observeDeploy(now time.Time, p *Pod, fingerprint string, r restarts) plans.Observation {
	other := p.runs() && p.Task.Fingerprint != fingerprint // what was good once is not what runs, if settings were rolled back in the middle
	complete := p.Good == fingerprint && p.Completed != "" && p.Stop == nil && !other
	if complete && !r.any {
		o := m.observed(p)
		o.Status, o.Since, o.Done = plans.Complete, p.CompletedAt, plans.Mark{Run: m.run.Number, At: p.CompletedAt}
		return o
	}
	o := m.observe(now, p)
	if p.owedBy(RecoveryPlan) {
		o.Plan = RecoveryPlan
	}
	switch {
	case complete:
		o.Status, o.Since, o.Done = plans.Complete, p.CompletedAt, plans.Mark{Run: m.run.Number, At: p.CompletedAt}
		m.observeRunning(now, p, &o)
	case p.owedBy(DeployPlan) && (!p.runs() || p.stopping() || !m.outdated(p, r)):
		o.Stopped = true
		if o.Status == plans.Complete {
			o.Status, o.Ready = plans.Started, p.Task.Healthy
		}
	case p.runs() && !p.stopping() && m.outdated(p, r):
		o.Status, o.Since = plans.Pending, later(m.target.At, p.Task.LaunchedAt)
		m.observeRunning(now, p, &o)
	}
	return o
}

// observeRunning adds what matters of a pod that would have to be stopped.
func (m *Machine) observeRunning(now time.Time, p *Pod, o *plans.Observation) {
	if !p.runs() {
		return
	}
	o.Running = true
	var holds []plans.Hold
	o.Fit, holds = m.fit(now, p)
	if !p.Task.State.Unproven() && len(m.hostHolds[p.Host]) == 0 {
		o.Holds = nil // how it is does not keep it from being stopped
	}
	if !m.connection.Connected {
		o.Holds = append([]plans.Hold{m.disconnected()}, o.Holds...)
	}
	o.Holds = append(o.Holds, holds...)
}

// outdated says that a pod's task is not what it should be: the settings render another one by now, or somebody has asked since for a restart.
func (m *Machine) outdated(p *Pod, r restarts) bool {
	return p.Task.Fingerprint != m.service.Fingerprint(p.Type) || p.Task.LaunchedAt.Before(r.of(m.deploy.phase[p.Type], m.stepName(p)))
}

// restarts are when somebody asked for restarts in the present run of deploy, by element.
type restarts struct {
	any bool
	at  map[[2]string]time.Time
}

func (m *Machine) restartsIn(facts []plans.Fact) restarts {
	var r restarts
	for i := range facts {
		f := &facts[i]
		if f.Kind != plans.Restarted || f.Plan != DeployPlan || f.Run != m.run.Number {
			continue
		}
		if r.at == nil {
			r.any, r.at = true, map[[2]string]time.Time{}
		}
		r.at[[2]string{f.Phase, f.Step}] = f.At
	}
	return r
}

// afterRestart returns a time that is not before the last restart of the pod's step that was asked for: it may have been so at this very moment.
func (m *Machine) afterRestart(now time.Time, p *Pod) time.Time {
	if m.deploy == nil {
		return now
	}
	return later(now, m.restartsIn(m.sortedFacts()).of(m.deploy.phase[p.Type], m.stepName(p)))
}

// of is when the restart of a step was asked for last, its own, its phase's or the plan's; zero if never.
func (r restarts) of(phase, step string) time.Time {
	if !r.any {
		return time.Time{}
	}
	return later(later(r.at[[2]string{}], r.at[[2]string{phase, ""}]), r.at[[2]string{phase, step}])
}

// deploySteps is a definition of deploy. Most decisions change neither the pods nor which hosts belong to the run, so it is kept for the next
// one; whoever changes these sets Machine.deploy to nil.
type deploySteps struct {
	definition plans.Definition
	pods       [][]*Pod          // by phase, those of the launch steps
	phase      map[string]string // by pod type
	open       bool              // members are still being searched for
}

func (m *Machine) makeDeploy(open bool) *deploySteps {
	d := &deploySteps{
		definition: plans.Definition{Service: m.service.Name(), Name: DeployPlan, Strategy: plans.Serial}, phase: map[string]string{}, open: open,
	}
	byType := m.podsByType()
	for i, spec := range m.service.Phases() {
		var pods []*Pod
		for _, t := range spec.PodTypes {
			d.phase[t] = spec.Name
			pods = slices.Grow(pods, len(byType[t]))
			for _, p := range byType[t] {
				if m.member(p) {
					pods = append(pods, p)
				}
			}
		}
		phase := plans.Phase{
			Name: spec.Name, Strategy: spec.Strategy, After: spec.After, Open: open && i > 0, Optional: true, Steps: make([]plans.Step, 0, len(pods)+1),
			Batch: spec.Batch, Gated: spec.Gated, Settle: spec.Settle, Policy: spec.Policy,
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

// nothingObserved is a place for what is observed of each step.
func (d *deploySteps) nothingObserved() [][]plans.Observation {
	observed := make([][]plans.Observation, len(d.definition.Phases))
	for i := range observed {
		observed[i] = make([]plans.Observation, len(d.definition.Phases[i].Steps))
	}
	return observed
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

func (m *Machine) stepName(p *Pod) string { return p.Name + ":[" + m.service.TaskName(p.Type) + "]" }

func (m *Machine) launchStep(p *Pod) plans.Step {
	s := plans.Step{Name: m.stepName(p), Kind: plans.Launch, Pod: p.Name}
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
	if m.mayNotSearch() {
		o.Status = plans.Pending
	}
	if !m.connection.Connected {
		o.Holds = append([]plans.Hold{m.disconnected()}, o.Holds...)
	}
	return o
}

// recoveryOf is the recovery plan of some pods.
func (m *Machine) recoveryOf(pods []*Pod) plans.Definition {
	d := plans.Definition{Service: m.service.Name(), Name: RecoveryPlan, Strategy: plans.Parallel, Repair: true, Phases: make([]plans.Phase, 0, len(pods))}
	for _, p := range pods {
		d.Phases = append(d.Phases, plans.Phase{Name: p.Name, Strategy: plans.Serial, Steps: []plans.Step{m.launchStep(p)}})
	}
	return d
}

func (m *Machine) sortedFacts() []plans.Fact {
	if len(m.facts) == 0 {
		return nil
	}
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
