package cluster

import "time"

// EntryKind says what an Entry is about.
type EntryKind int

const (
	Input    EntryKind = iota + 1 // somebody called the cluster
	Answered                      // what the cluster answered, before its effects
	Lost                          // a message of the master did not get to its agent: About is the Delivery
	Denied                        // somebody may not do what he asks for: About is the AuthorizationRequest
	Effected                      // an effect of the input before
)

func (k EntryKind) String() string {
	return map[EntryKind]string{Input: "input", Answered: "answer", Lost: "lost", Denied: "denied", Effected: "effect"}[k]
}

// An Entry is one line of the journal: everything that comes in, and everything that comes out of it, in order. The same
// inputs at the same times give the same entries.
type Entry struct {
	At   time.Time // of the cluster's clock
	Kind EntryKind
	Name string // of the input: the method of Cluster that was called

	// Whom or what it is about, each "" if it says nothing of that.
	Agent     string
	Framework string
	Task      string
	Container string
	Stream    string
	Principal string // of an operator

	About       any               // what else an input was given, such as a *scheduler.Call or an Exit; nil for nothing
	Constraints *OfferConstraints // of a scheduler's call, nil for none
	Answer      Answer            // Status is 0 if there is none
	Problem     string            // what a caller says went wrong, or why an input without an Answer was refused
	Effect      Effect            // of Effected
}

// about is a value for Entry.About. It costs something only if there is a journal.
func about[T any](c *Cluster, value T) any {
	if c.cfg.Journal == nil {
		return nil
	}
	return value
}

// begin is the first line of every call from outside; end is its last. An idle Tick, which has no effects, is not told of.
func (c *Cluster) begin(now time.Time, input Entry) {
	if now.After(c.now) {
		c.now = now
	}
	c.effects = nil
	if c.cfg.Journal == nil {
		return
	}
	c.input = input.Name
	if input.Name != tick {
		c.record(Input, input)
	}
}

const tick = "Tick"

func (c *Cluster) end() []Effect {
	effects := c.effects
	c.effects = nil
	if c.cfg.Journal == nil {
		return effects
	}
	for _, effect := range effects {
		c.tellTick()
		c.record(Effected, Entry{Effect: effect})
	}
	return effects
}

// answered is end for calls that have an answer.
func (c *Cluster) answered(answer Answer) (Answer, []Effect) {
	c.outcome(Entry{Answer: answer})
	return answer, c.end()
}

// outcome tells what an input brought besides its effects.
func (c *Cluster) outcome(e Entry) {
	if c.cfg.Journal != nil {
		c.record(Answered, e)
	}
}

// undelivered tells of a message that does not arrive.
func (c *Cluster) undelivered(d Delivery) {
	if c.cfg.Journal != nil {
		c.tellTick()
		c.record(Lost, Entry{Agent: d.Agent, Framework: d.Framework, About: d})
	}
}

// tellTick tells of a Tick when it turns out that it does something.
func (c *Cluster) tellTick() {
	if c.input == tick {
		c.record(Input, Entry{})
		c.input = ""
	}
}

func (c *Cluster) record(kind EntryKind, e Entry) {
	e.At, e.Kind = c.now, kind
	if kind == Input || kind == Answered {
		e.Name = c.input
	}
	c.cfg.Journal(e)
}
