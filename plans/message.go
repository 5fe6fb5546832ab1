package plans

import "strings"

// messages makes the sentences that steps show to people: the status, and the most fundamental reason for waiting. Neighbours often say the
// same and then share it; all others share one allocation.
type messages struct {
	text strings.Builder
	runs []messageRun
}

// messageRun are steps, one after the other, that say the same, and where that lies in the text.
type messageRun struct {
	first, last place
	begin, end  int
}

// add notes the message of a step that is shown as it is now. Steps are added in their order, and have their messages after done.
func (m *messages) add(steps []StepView, j place) {
	step := &steps[j]
	if len(step.Holds) == 0 {
		step.Message = step.Status.String()
		return
	}
	if n := len(m.runs); n > 0 {
		last := &m.runs[n-1]
		if before := &steps[last.last]; before.Status == step.Status && before.Holds[0].Text == step.Holds[0].Text {
			if last.last == j-1 {
				last.last = j
			} else {
				m.runs = append(m.runs, messageRun{first: j, last: j, begin: last.begin, end: last.end})
			}
			return
		}
	}
	run := messageRun{first: j, last: j, begin: m.text.Len()}
	m.text.WriteString(step.Status.String())
	m.text.WriteString(": ")
	m.text.WriteString(step.Holds[0].Text)
	run.end = m.text.Len()
	m.runs = append(m.runs, run)
}

// done gives the steps their messages.
func (m *messages) done(steps []StepView) {
	text := m.text.String()
	for _, run := range m.runs {
		for j := run.first; j <= run.last; j++ {
			steps[j].Message = text[run.begin:run.end]
		}
	}
}
