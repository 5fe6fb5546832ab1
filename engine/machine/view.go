package machine

import (
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// View is an immutable picture of everything that readers may see. The loop publishes one after decisions that changed
// something; readers share it and must not change it. It holds timestamps, not ages.
type View struct {
	// Revision rises with every view.
	Revision    uint64       `json:"revision"`
	At          time.Time    `json:"at"`
	Service     string       `json:"service"`
	FrameworkID string       `json:"framework_id,omitempty"`
	Connection  Connection   `json:"connection"`
	Target      Target       `json:"target"`
	Plans       []plans.View `json:"plans"` // deploy, recovery
	Hosts       []HostView   `json:"hosts"`
	Pods        []PodView    `json:"pods"`
	// Warnings are things to look at that hold up nothing.
	Warnings []plans.Hold `json:"warnings,omitempty"`
	// Strangers are tasks of ours that Mesos knows and we do not, by id.
	Strangers []Stranger `json:"strangers,omitempty"`
}

// Connection is the state of the session with Mesos.
type Connection struct {
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since,omitzero"`
	Master    Master    `json:"master"`
	Error     string    `json:"error,omitempty"`
}

// HostView is what a host shows.
type HostView struct {
	Key       string    `json:"key"`
	Hostname  string    `json:"hostname"`
	Address   string    `json:"address"`
	AgentID   string    `json:"agent_id"`
	FirstSeen time.Time `json:"first_seen"`
	// ReportedAt is when what its scout says of the host last changed, HeardAt when the scout was last heard since the framework
	// started: scouts repeat themselves when nothing changes.
	ReportedAt time.Time    `json:"reported_at,omitzero"`
	HeardAt    time.Time    `json:"heard_at,omitzero"`
	Holds      []plans.Hold `json:"holds,omitempty"`
	// Leftovers are what was offered there that is reserved for the service and for no pod; Releases are what is being given back.
	Leftovers []LeftoverView `json:"leftovers,omitempty"`
	Releases  []Release      `json:"releases,omitempty"`
	// Excluded: nothing is to be launched there, and Mesos was asked not to offer it.
	Excluded bool `json:"excluded,omitempty"`
}

// LeftoverView is what something shows that is reserved for no pod.
type LeftoverView struct {
	Claim string `json:"claim"`
	Pod   string `json:"pod"` // that it was reserved for
	Text  string `json:"text"`
	// Volume: a persistent volume is among it, with its data.
	Volume bool `json:"volume,omitempty"`
}

// ClaimView is what a pod shows of what is reserved for it.
type ClaimView struct {
	Claim   string   `json:"claim"`
	Host    string   `json:"host"`
	Role    string   `json:"role,omitempty"`
	Text    string   `json:"text"`
	Volumes []string `json:"volumes,omitempty"` // their persistence ids
}

// PodView is what a pod shows.
type PodView struct {
	Name    string    `json:"name"`
	Type    string    `json:"type"`
	Host    string    `json:"host,omitempty"`
	TaskID  string    `json:"task_id,omitempty"`
	AgentID string    `json:"agent_id,omitempty"`
	State   TaskState `json:"state,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Healthy bool      `json:"healthy"`
	Message string    `json:"message,omitempty"`
	// Claim is what is reserved for it; nil if nothing is.
	Claim *ClaimView `json:"claim,omitempty"`
	// Replaced are tasks that were replaced, or marked gone, while nobody could say whether they ran. Consents are what operators have taken upon
	// themselves, the newest last.
	Replaced []ReplacedView `json:"replaced,omitempty"`
	Consents []Consent      `json:"consents,omitempty"`
}

// ReplacedView is what a task shows that gave way to another one without proof that it had ended.
type ReplacedView struct {
	TaskID  string `json:"task_id"`
	AgentID string `json:"agent_id"`
	// Seen is the state in which it has shown up again; empty: it has not.
	Seen TaskState `json:"seen,omitempty"`
}

// Target is the configuration that was last asked for.
type Target struct {
	ID     string    `json:"id"`
	Number int       `json:"number"`
	By     string    `json:"by"` // operator, package, rollback
	At     time.Time `json:"at"`
}

// Plan returns the view of the named plan (a name or an id).
func (v *View) Plan(name string) (plans.View, bool) {
	for _, p := range v.Plans {
		if p.Name == name || p.ID.String() == name {
			return p, true
		}
	}
	return plans.View{}, false
}

// Stranger is a task that runs in the framework's name and belongs to no pod. It is left alone until an operator says that it
// is to be killed.
type Stranger struct {
	TaskID  string    `json:"task_id"`
	AgentID string    `json:"agent_id"`
	State   TaskState `json:"state"` // as Mesos told it last
	Since   time.Time `json:"since,omitzero"`
}
