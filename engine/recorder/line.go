package recorder

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// format is the version of the files. A newer one is refused.
const format = 1

// line is a line of a segment. Exactly one field is set.
type line struct {
	Segment *Segment      `json:"segment,omitempty"`
	Record  *recordLine   `json:"record,omitempty"`
	Part    *machine.Part `json:"part,omitempty"`
	Begin   *beginLine    `json:"begin,omitempty"`
	Take    *takeLine     `json:"take,omitempty"`
	Decide  *decideLine   `json:"decide,omitempty"`
	End     *endLine      `json:"end,omitempty"`
}

// Segment is the head of a segment.
type Segment struct {
	Format int `json:"format"`
	// Version is the program's that wrote it.
	Version string `json:"version"`
	Number  int    `json:"number"`
	// Started is when the process began to record; segments of one process have it in common.
	Started time.Time `json:"started"`
	// At is the time of the state that it begins with.
	At time.Time `json:"at"`
	// Boot is what the machine was built with, in the first segment of a process. Later ones begin with a snapshot.
	Boot *machine.Boot `json:"boot,omitempty"`
	// Decisions is how many the process had made.
	Decisions uint64 `json:"decisions"`
	// Lost says that what happened before is missing: writing did not keep up.
	Lost bool `json:"lost,omitempty"`
	// Machine are the settings of the machine, Settings those of the service, without secrets, and Fingerprints what the service
	// computed from them, by pod type.
	Machine      machine.Config    `json:"machine"`
	Settings     json.RawMessage   `json:"settings"`
	Fingerprints map[string]string `json:"fingerprints"`
}

// recordLine is a record. Its value is JSON: the machine refuses any other, and nothing is recorded of a machine that did not start.
type recordLine struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

type beginLine struct {
	State string `json:"state"` // digest
}

type takeLine struct {
	At    time.Time `json:"at"`
	Event encoded   `json:"event"`
}

type decideLine struct {
	Number uint64    `json:"number"` // of the process, from 1
	At     time.Time `json:"at"`
	Random string    `json:"random"` // hex
	// Effects is a digest; empty: the decision was begun and did not end.
	Effects string `json:"effects,omitempty"`
	// State is a digest, present now and then.
	State string `json:"state,omitempty"`
}

// The reasons for which a segment ends.
const (
	endStopped    = "stopped"    // the framework ended in order
	endContinued  = "continued"  // in the next segment
	endLost       = "lost"       // writing did not keep up
	endUnfinished = "unfinished" // in the middle of an event or a decision: the machine must have panicked
)

type endLine struct {
	Reason string `json:"reason"`
	State  string `json:"state,omitempty"` // digest
}

func (d decideLine) random() (out [16]byte, err error) {
	b, err := hex.DecodeString(d.Random)
	if err != nil || len(b) != len(out) {
		return out, fmt.Errorf("decision %d: random: %q: must be 32 hex digits", d.Number, d.Random)
	}
	return [16]byte(b), nil
}

// digestEffects identifies what a decision asks for, in 16 hex digits. How tasks are to run is left out, because a replay may
// not know; so is the view, which is made of the state, but not that there is one.
func digestEffects(e machine.Effects) (string, error) {
	h := sha256.New()
	write := func(b []byte) {
		h.Write(binary.AppendUvarint(nil, uint64(len(b))))
		h.Write(b)
	}
	for _, g := range e.Groups {
		h.Write([]byte{'g'})
		for _, r := range g.Puts {
			write([]byte(r.Key))
			write(machine.Canonical(r.Value))
		}
		for _, key := range g.Deletes {
			h.Write([]byte{'d'})
			write([]byte(key))
		}
	}
	for _, c := range e.Calls {
		value, err := json.Marshal(redactCall(c.Call))
		if err != nil {
			return "", fmt.Errorf("call %s: %w", machine.CallName(c.Call), err)
		}
		fmt.Fprintf(h, "c%d%s", c.After, machine.CallName(c.Call))
		write(machine.Canonical(value))
	}
	for _, a := range e.Asks {
		fmt.Fprintf(h, "q%d %q %d", a.ID, a.Pods, a.Deadline.UnixNano())
	}
	for _, a := range e.Answers {
		fmt.Fprintf(h, "a%d", a.ID)
		write([]byte(a.Code))
		write([]byte(strings.ToValidUTF8(a.Message, "\ufffd")))
	}
	if e.View != nil {
		fmt.Fprintf(h, "v%d", e.View.Revision)
	}
	fmt.Fprintf(h, "w%d", e.WakeAt.UnixNano())
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}
