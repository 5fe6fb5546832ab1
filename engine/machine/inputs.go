package machine

import (
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// inputs are what the plans were evaluated from last, and what came of it. All that the plans depend on is looked at anew before each evaluation, so nobody has
// to say what he changes; but most decisions find all of it as it was, and then the plans are as they were, too.
type inputs struct {
	deploy   plans.Input
	steps    *deploySteps // those of deploy
	stops    bool         // something of deploy could stop a running pod
	recovery plans.Input
	fallen   []*Pod // those that recovery is about

	evaluated []plans.Evaluation // from these inputs, with this ledger; nil if they have changed since
	ledger    plans.Ledger
	at        time.Time
	until     time.Time // when time alone changes what came of them; zero: never
}

// evaluate evaluates the plans from all that was read, if that is not what it was.
func (in *inputs) evaluate(now time.Time, ledger plans.Ledger, all []plans.Input) []plans.Evaluation {
	expired := now.Before(in.at) || !in.until.IsZero() && !now.Before(in.until)
	if in.evaluated != nil && !expired && in.ledger.Equal(&ledger) {
		return in.evaluated
	}
	in.evaluated, in.ledger, in.at, in.until = plans.Coordinate(ledger, all), ledger, now, time.Time{}
	for i := range in.evaluated {
		if w := in.evaluated[i].WakeAt; !w.IsZero() && (in.until.IsZero() || w.Before(in.until)) {
			in.until = w
		}
	}
	return in.evaluated
}

// all are the inputs of the plans, in the order of their priority. Nobody may keep their observations: those are overwritten.
func (in *inputs) all(now time.Time) []plans.Input {
	deploy, recovery := in.deploy, in.recovery
	deploy.Now, recovery.Now = now, now
	return []plans.Input{deploy, recovery}
}

// read looks at all that the plans are evaluated from, the ledger left aside.
func (in *inputs) read(now time.Time, m *Machine) {
	m.stepsOfDeploy()
	facts := m.sortedFacts()
	same := slices.EqualFunc(facts, in.deploy.Facts, func(a, b plans.Fact) bool { return a.Equal(&b) })
	same = same && m.run.Same(&in.deploy.Run) && slices.EqualFunc(m.history, in.deploy.Past, func(a, b plans.Run) bool { return a.Same(&b) })
	in.deploy.Facts, in.recovery.Facts, in.deploy.Run, in.deploy.Past = facts, facts, m.run, m.history
	same = in.readDeploy(now, m, m.restartsIn(facts)) && same
	same = in.readRecovery(now, m) && same
	if !same {
		in.evaluated = nil
	}
}

// readDeploy looks at deploy, and says whether it is as it was.
func (in *inputs) readDeploy(now time.Time, m *Machine, r restarts) (same bool) {
	same = in.steps == m.deploy
	if !same {
		in.steps, in.deploy.Definition, in.deploy.Observations = m.deploy, m.deploy.definition, m.deploy.nothingObserved()
	}
	in.stops = false
	for i, pods := range m.deploy.pods {
		observed, serial := in.deploy.Observations[i], m.deploy.definition.Phases[i].Strategy != plans.Parallel
		podType, fingerprint := "", ""
		for j, p := range pods {
			if p.Type != podType || j == 0 {
				podType, fingerprint = p.Type, m.service.Fingerprint(p.Type)
			}
			o := m.observeDeploy(now, p, fingerprint, r)
			if serial {
				o.Rank = turn(p)
			}
			in.stops = in.stops || o.Running && (o.Status != plans.Complete || r.any)
			same = note(&observed[j], &o) && same
		}
		if i == 0 {
			o := m.observeDiscovery(now)
			same = note(&observed[len(pods)], &o) && same
		}
	}
	return same
}

// note puts an observation in the place of the one before, and says whether it is the same.
func note(place, o *plans.Observation) (same bool) {
	if place.Equal(o) {
		return true
	}
	*place = *o
	return false
}

// readRecovery looks at recovery, and says whether it is as it was. It is a phase for each pod that has fallen (Pod.Fallen).
func (in *inputs) readRecovery(now time.Time, m *Machine) (same bool) {
	n, same := 0, true
	for _, p := range m.order {
		if p.Fallen.IsZero() {
			continue
		}
		if n == len(in.fallen) || in.fallen[n] != p {
			in.fallen, same = append(in.fallen[:n], p), false
		}
		n++
	}
	if n < len(in.fallen) {
		in.fallen, same = in.fallen[:n], false
	}
	if !same || in.recovery.Definition.Phases == nil {
		in.recovery.Definition, same = m.recoveryOf(in.fallen), false
		in.recovery.Observations = make([][]plans.Observation, len(in.fallen))
		for i := range in.fallen {
			in.recovery.Observations[i] = make([]plans.Observation, 1)
		}
	}
	for i, p := range in.fallen {
		o := m.observe(now, p)
		o.Stopped = p.owedBy(RecoveryPlan)
		same = note(&in.recovery.Observations[i][0], &o) && same
	}
	return same
}
