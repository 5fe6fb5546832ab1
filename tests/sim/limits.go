package sim

import (
	"strconv"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/quobyte"
)

// The numbers and words of this file are those of docs/rolling-updates.md and of Mesos. They are the product's as well, and are written down here once more, so that
// it is not taken at its word for what it is checked against.

// asksAgain is how long it takes at most until Mesos is asked about everything again, also if nobody heard the last question.
const asksAgain = 10 * time.Minute

// verdict is how old an answer of probers, and that of the service, may be when it counts.
const verdict = 10 * time.Second

// silence is for how many of its intervals a prober may say nothing before its word counts no more, with some more for what is under way.
const silence = 30 + 6

// atOnce is how many pods of a type may be down at once if the settings don't say so. A part of them is rounded down, but to no less than one.
var atOnce = map[string]string{
	quobyte.Prober: "50%", quobyte.Registry: "1", quobyte.Metadata: "1", quobyte.Data: "1", quobyte.API: "1", quobyte.Webconsole: "1",
}

// settling is how long a pod that was stopped must have been ready before another one may be stopped.
var settling = map[string]time.Duration{quobyte.Registry: 30 * time.Second, quobyte.Metadata: 10 * time.Second, quobyte.Data: 10 * time.Second}

// mostDown is how many of so many pods of a type may be down at once.
func (s Schedule) mostDown(kind string, total int) int {
	text := atOnce[kind]
	if s.MaxUnavailable != "" && (kind == quobyte.Metadata || kind == quobyte.Data) {
		text = s.MaxUnavailable
	}
	digits, share := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(digits)
	if err != nil {
		panic("budget of " + kind + ": " + err.Error()) // the schedule is ours
	}
	if share {
		n = n * total / 100
	}
	return max(n, 1)
}

// outOfSight says that Mesos does not know whether a task in this state runs. Of an agent that was marked gone neither: it may have been cut off, and its tasks run on.
func outOfSight(s machine.TaskState) bool {
	switch s {
	case "LOST", "UNREACHABLE", "UNKNOWN", "GONE_BY_OPERATOR":
		return true
	}
	return false
}

// ended says that a task in this state does not run, and never will again.
func ended(s machine.TaskState) bool {
	switch s {
	case "FINISHED", "FAILED", "KILLED", "ERROR", "DROPPED", "GONE":
		return true
	}
	return false
}
