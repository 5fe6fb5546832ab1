package machine

import (
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// Ask is a question to the service, of which Judge has said yes: may these pods be stopped together? The answer comes as Judged; whoever
// answers can only make the gate stricter.
type Ask struct {
	ID   uint64   `json:"id"`
	Pods []string `json:"pods"`
	// Deadline is until when the answer is waited for. After that it is taken as unknown.
	Deadline time.Time `json:"deadline"`
}

// askPatience is how long the answer to an Ask is waited for.
const askPatience = 5 * time.Second

// opinion is what was last said about a set of pods: by Judge, and by whoever answers asks.
type opinion struct {
	// Gate is the answer, Since when it was first so.
	Gate  plans.Gate `json:"gate"`
	Since time.Time  `json:"since"`
	// ID is that of the last ask, 0 if there was none, AskedAt when it was asked, Open that it has no answer yet. Said is the answer.
	ID      uint64    `json:"id,omitempty"`
	AskedAt time.Time `json:"asked_at,omitzero"`
	Open    bool      `json:"open,omitempty"`
	Said    Judgement `json:"said,omitzero"`
}

// setKey names a set of pods.
func setKey(pods []string) string {
	return strings.Join(slices.Sorted(slices.Values(pods)), " ")
}

// maxQuestions bounds how often plans are evaluated because of answers to what they ask: of a batch that may not be stopped, half is tried.
const maxQuestions = 20

// coordinate evaluates the plans, and answers what they ask about gates. Judge's answers are about this very moment, so they are never kept.
func (m *Machine) coordinate(now time.Time) []plans.Evaluation {
	inputs := m.planInputs(now)
	var ledger plans.Ledger
	if m.inputs.stops { // it is looked at for nothing else
		ledger = m.ledger(now)
	}
	all := m.inputs.evaluate(now, ledger, inputs)
	verdicts := map[string]plans.Verdict{}
	var standings []Standing
	for range maxQuestions {
		sets := unanswered(all, verdicts)
		if len(sets) == 0 {
			break
		}
		if standings == nil {
			standings = m.standings(now)
		}
		for _, pods := range sets {
			v, known := m.verdict(now, pods, standings)
			verdicts[setKey(pods)] = v
			if known {
				for i := range inputs {
					inputs[i].Verdicts = append(inputs[i].Verdicts, v)
				}
			}
		}
		all = plans.Coordinate(ledger, inputs)
	}
	m.forgetOpinions(now, verdicts)
	return all
}

// unanswered are the sets of pods that plans ask about and that were not looked at yet.
func unanswered(all []plans.Evaluation, verdicts map[string]plans.Verdict) [][]string {
	var sets [][]string
	for i := range all {
		for _, q := range all[i].Questions {
			if _, looked := verdicts[setKey(q.Pods)]; q.Gate && !looked {
				sets = append(sets, q.Pods)
			}
		}
	}
	return sets
}

// verdict is what the service says of stopping some pods together; false if that is not known yet.
func (m *Machine) verdict(now time.Time, pods []string, all []Standing) (plans.Verdict, bool) {
	key := setKey(pods)
	last, before := m.opinions[key]
	said, waits := m.judge(now, pods, all)
	at := now
	if m.cfg.Asks && said.Gate == plans.GateOpen {
		said, at, waits = last.said(now)
		m.wanted[key] = pods
	}
	if waits {
		return plans.Verdict{}, false
	}
	since := now
	if before && last.Gate == said.Gate && !last.Since.IsZero() {
		since = last.Since
	}
	last.Gate, last.Since = said.Gate, since
	m.opinions[key] = last
	return plans.Verdict{Pods: pods, Gate: said.Gate, Code: said.Code, Text: said.Text, AskedAt: at, Since: since}, true
}

// said is the answer to the last ask, and when that was asked; true if there is none yet.
func (o opinion) said(now time.Time) (Judgement, time.Time, bool) {
	switch {
	case o.ID == 0 || o.Open && now.Before(o.AskedAt.Add(askPatience)):
		return Judgement{}, time.Time{}, true
	case o.Open:
		return Judgement{Text: "no answer came in " + askPatience.String()}, o.AskedAt, false
	}
	return o.Said, o.AskedAt, false
}

// ask asks the service about those sets of pods that plans still ask about.
func (m *Machine) ask(now time.Time, all []plans.Evaluation) {
	for i := range all {
		for _, q := range all[i].Questions {
			key := setKey(q.Pods)
			if _, wanted := m.wanted[key]; !q.Gate || !wanted {
				continue
			}
			delete(m.wanted, key)
			o := m.opinions[key]
			if end := o.AskedAt.Add(askPatience); o.Open && now.Before(end) {
				m.wakeAt(end)
				continue
			}
			m.lastAsk++
			o.ID, o.AskedAt, o.Open, o.Said = m.lastAsk, now, true, Judgement{}
			m.opinions[key] = o
			m.asks = append(m.asks, Ask{ID: o.ID, Pods: q.Pods, Deadline: now.Add(askPatience)})
			m.wakeAt(now.Add(askPatience))
		}
	}
	clear(m.wanted)
}

// takeJudged notes the answer to an ask. One that comes too late, or to an earlier question, is nobody's.
func (m *Machine) takeJudged(now time.Time, e Judged) {
	for key, o := range m.opinions {
		if o.ID == e.ID && o.Open && now.Before(o.AskedAt.Add(askPatience)) {
			o.Open, o.Said = false, e.Judgement
			m.opinions[key] = o
		}
	}
}

// forgetOpinions forgets what was said about sets that nobody asks about any more.
func (m *Machine) forgetOpinions(now time.Time, verdicts map[string]plans.Verdict) {
	for key, o := range m.opinions {
		if _, asked := verdicts[key]; !asked && !now.Before(o.AskedAt.Add(plans.FreshVerdict)) {
			delete(m.opinions, key)
		}
	}
}
