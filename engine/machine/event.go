package machine

import (
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// Event is an input of the machine. All of them are plain data.
type Event interface{ event() }

// Subscribed says that a session with a master stands.
type Subscribed struct {
	FrameworkID string
	Heartbeat   time.Duration
	Master      Master
	// Registration is what Mesos has taken of what it was told about the framework; nil if that is not certain.
	Registration *Registration `json:",omitempty"`
}

// Registration is what Mesos was told about the framework when it subscribed, as far as it decides what Mesos does with it. The machine
// only keeps it: whoever subscribes next needs to know what it must not change.
type Registration struct {
	User            string        `json:"user"`
	Name            string        `json:"name"`
	Roles           []string      `json:"roles"`
	Principal       string        `json:"principal,omitempty"`
	FailoverTimeout time.Duration `json:"failover_timeout"`
	Checkpoint      bool          `json:"checkpoint"`
}

// Equal says whether the two are the same; nil is what is not known.
func (r *Registration) Equal(o *Registration) bool {
	if r == nil || o == nil {
		return r == o
	}
	return r.User == o.User && r.Name == o.Name && slices.Equal(r.Roles, o.Roles) && r.Principal == o.Principal &&
		r.FailoverTimeout == o.FailoverTimeout && r.Checkpoint == o.Checkpoint
}

// Master is what is known about the master of a session.
type Master struct {
	ID       string `json:"id"`
	Version  string `json:"version"`
	Address  string `json:"address"` // host:port
	Hostname string `json:"hostname"`
}

// Disconnected says that the session is over, or that an attempt to get one failed. All offers are dead.
type Disconnected struct {
	Err string
	// Fatal: the session will not be tried again (the framework was removed, or another instance took over).
	Fatal bool
}

// Offered brings offers.
type Offered struct{ Offers []offers.Offer }

// Rescinded says that an offer is no longer valid.
type Rescinded struct{ OfferID string }

// Updated brings the status of a task.
type Updated struct{ Status TaskStatus }

// OperationUpdated says how an operation of an ACCEPT went.
type OperationUpdated struct{ Status OperationStatus }

// OperationStatus is what Mesos says about an operation that had an id.
type OperationStatus struct {
	OperationID string
	State       string // FINISHED, ERROR, UNKNOWN, … (the OPERATION_ prefix is dropped)
	Message     string
	AgentID     string // empty if the master refused the operation
	Provider    string // of a resource provider's resources
	// UUID is 16 bytes for statuses that must be acknowledged, nil for those that must not be (made by the master).
	UUID []byte
}

// Failure says that an agent (ExecutorID empty) or an executor is gone. Mesos sends it once, unreliably; it proves nothing
// about tasks.
type Failure struct {
	AgentID, ExecutorID string
	Status              int // raw wait status, as waitpid encodes it
}

// CallFailed says that a call did not succeed. The session decides from the HTTP status which kind it is (reference:
// Mesos protocol, section 6).
type CallFailed struct {
	Call Call
	Err  string
	// Ambiguous: the master may have carried it out.
	Ambiguous bool
}

// Judged is the answer to an Ask.
type Judged struct {
	ID uint64
	Judgement
}

// Verb is something that an operator asks for.
type Verb struct {
	// ID correlates the Answer.
	ID   uint64
	Kind VerbKind
	Plan string
	// Phase and Step are names or element ids; empty Phase: the whole plan.
	Phase, Step string
	Pod         string     // what Except and Include are about; the plan is then of no matter
	Task        string     // what KillTask is about
	Host        string     // what ReleaseLeftover is about
	Claim       string     // what Replace and ReleaseLeftover give back: who names it has seen it
	When        plans.When // how soon a pause takes effect, and where a breakpoint lies
	Force       bool
	Actor       string
	Reason      string
	Revision    string // of the plan's view that the operator looked at; empty: not said
}

// VerbKind names a verb. What each does is told by package plans.
type VerbKind = plans.VerbKind

// The verbs that the machine carries out.
const (
	Start   = plans.VerbStart
	Stop    = plans.VerbStop
	Restart = plans.VerbRestart
	Pause   = plans.VerbPause
	Resume  = plans.VerbContinue
	Force   = plans.VerbForce
	Except  = plans.VerbExcept
	Include = plans.VerbInclude
	Break   = plans.VerbBreak
	Unbreak = plans.VerbUnbreak
	// KillTask kills a task that belongs to no pod. Plans know nothing of such tasks.
	KillTask VerbKind = "kill-task"
	// MarkGone takes a pod's task for gone of which Mesos can't say whether it runs. Plans know nothing of tasks.
	MarkGone VerbKind = "mark-gone"
	// Replace gives up what is reserved for a pod that is down, and has it placed anew; ReleaseLeftover gives back what is reserved for no pod.
	Replace         VerbKind = "replace"
	ReleaseLeftover VerbKind = "release"
	// CancelRelease takes either back, as long as Mesos has not been told.
	CancelRelease VerbKind = "cancel-release"
	// ForgetReservations lets a pod have its resources reserved anew. Plans know nothing of reservations.
	ForgetReservations VerbKind = "forget-reservations"
)

// Answer answers a Verb, after everything that it changed is durable.
type Answer struct {
	ID      uint64
	Code    AnswerCode
	Message string
}

// AnswerCode says how a verb went.
type AnswerCode = plans.ReplyCode

// The answers.
const (
	Done     = plans.Done
	Already  = plans.Already
	NotFound = plans.NotFound
	Conflict = plans.Conflict
	Refused  = plans.Refused
	Invalid  = plans.Invalid
)

func (Subscribed) event()       {}
func (Disconnected) event()     {}
func (Offered) event()          {}
func (Rescinded) event()        {}
func (Updated) event()          {}
func (OperationUpdated) event() {}
func (Failure) event()          {}
func (CallFailed) event()       {}
func (Judged) event()           {}
func (Verb) event()             {}
