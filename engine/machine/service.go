package machine

import (
	"time"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// Service is what the machine deploys. The machine knows hosts, pods, tasks and plans; all that is particular to a service
// comes from here. Its methods are pure: same arguments, same answer.
type Service interface {
	// Name is the name of the deployed system, the first part of element ids.
	Name() string
	// Fingerprint identifies what the settings render for a pod type, late-bound values left out.
	Fingerprint(podType string) string
	// Phases lists the phases of the deploy plan. The first is the scouts'.
	Phases() []PhaseSpec
	// Admit says whether a host may be used at all; nil if it may.
	Admit(h Host) *plans.Hold
	// Scout is the pod type that runs on every host to say what the host carries and how its pods are.
	Scout() string
	// ScoutSilence is how long a running scout may say nothing before it is no longer believed; 0: for ever.
	ScoutSilence() time.Duration
	// Read decodes what a scout attached to a status update.
	Read(data []byte) (Report, error)
	// Survey looks at all hosts whose scout has reported, sorted by key, and says what should run.
	Survey(hosts []Host) Survey
	// Requirement is what a pod needs of a host.
	//
	// A pod that is to have its resources reserved has a Claim, an empty one: the machine fills it in. It also fills in the
	// Prior of ports and volumes. A pod whose resources were reserved once keeps that.
	Requirement(p Pod) offers.Requirement
	// Task renders a pod's task. The machine fills in its ids, agent and resources. Late-bound values come from the cluster.
	Task(p Pod, at Place, c Cluster) (offers.Task, error)
	// TaskName is the last part of a pod type's task names ("server").
	TaskName(podType string) string
	// Message is what the scout on a host should have been told about the host's pods, nil if nothing; see Report.Heard. It must be another one
	// when Host.AskedAt is, and a scout that hears a message must look at its pods after that, and report. Pods of a type with a quorum (Budgets) belong to it
	// from their launch on: they may do their work before Mesos's word that they run has come, and are asked about before they are stopped.
	Message(h Host, pods []Pod) []byte
	// Health says whether pods of the type are ready only when their scout says so (true), or when they run (false).
	Health(podType string) bool
	// Budgets say how many pods of a type may be down for another one to be stopped; of a type that has none, one.
	Budgets() []plans.Budget
	// Judge says whether running pods, of a phase that is gated, may be stopped together now. all are all pods, sorted by type and
	// index. It is asked again whenever anything has changed, so its answer is about this moment. See Config.Asks.
	Judge(stop []string, all []Standing) Judgement
}

// Inspector is a Service that reads the facts of a host when they are new, and not in each Survey.
type Inspector interface {
	// Inspect reads facts. What it returns is kept as Host.Inspected for as long as the facts are the same; it must not be changed.
	Inspect(facts []byte) any
}

// Judgement is what a service says of stopping some pods. The zero value is that it does not know, which is never a yes.
type Judgement struct {
	Gate plans.Gate
	// Code and Text say why, if the gate is not open. The code is the service's own.
	Code, Text string
}

// Standing is how a pod stands when it is asked whether others may be stopped.
type Standing struct {
	Name, Type, Host string
	State            StandingState
	Text             string // why it is not up
	// Served says that it was ready at least once, or may have been without anybody having seen it.
	Served bool
}

// StandingState says whether a pod does its work.
type StandingState uint8

// How pods stand. The zero value is that nobody knows.
const (
	Unsure StandingState = iota
	Up                   // it is ready, by what was heard in this session with Mesos
	Down                 // it does not run, is not ready, or was stopped by a plan and has not settled since
)

// PhaseSpec is one phase of the deploy plan: the pods of some types.
type PhaseSpec struct {
	Name     string
	Strategy plans.Strategy
	After    []string // see plans.Phase.After
	PodTypes []string
	// How running pods are stopped and started anew, and what is done about failures; see plans.Phase.
	Batch  plans.Batch
	Gated  bool
	Settle time.Duration
	Policy plans.Policy
}

// Report is what a scout says. The machine takes it apart and keeps it; only Facts is the service's own business.
type Report struct {
	// Seq rises with every report of a task; older ones are ignored.
	Seq uint64
	// Facts is what the host carries, in the service's own encoding, kept with the host. Equal facts must be equal bytes.
	Facts []byte
	// Pods is the health of the host's pods by task id.
	Pods []Health
	// Heard is the hex SHA-256 of the last message that reached the scout, empty if none did. A message is sent again
	// until it is heard: Mesos may lose it in silence.
	Heard string
}

// Health is the state of a pod by its task id.
type Health struct {
	TaskID  string
	Healthy bool
	Text    string // why not
}

// Survey is what the hosts' facts add up to.
type Survey struct {
	// Pods are in the order in which indices are handed out. Only pods that are new get one; none is taken away.
	Pods []Wanted
	// Missing keeps members from being frozen: minimums that are not met, contradictions.
	Missing []plans.Hold
	// Warnings do not.
	Warnings []plans.Hold
}

// Wanted is a pod that should exist.
type Wanted struct {
	Type string
	Host string // key of the host it is bound to; empty if it is free
}

// Place is where a task will run.
type Place struct {
	Host, Hostname, Address string
	TaskID                  string
}

// Cluster is a read-only view of what is known, for late-bound values.
type Cluster struct {
	Hosts []Host // sorted by key
	Pods  []Pod  // sorted by type and index
}

// Host is an agent as we know it.
type Host struct {
	Key      string `json:"key"`
	Hostname string `json:"hostname"`
	Address  string `json:"address"` // the agent's IP
	AgentID  string `json:"agent_id"`
	// Region, Zone and Attributes are what placement looks at.
	Region     string             `json:"region,omitempty"`
	Zone       string             `json:"zone,omitempty"`
	Attributes []offers.Attribute `json:"attributes,omitempty"`
	// Unkept is how many bytes of attributes were too much to be kept, and are not among them.
	Unkept int `json:"unkept,omitempty"`
	// FirstSeen is when its first offer came.
	FirstSeen time.Time `json:"first_seen"`
	// Run is the deploy run that it joined; 0 if it has joined none. Left is the run that went on without it, because
	// its scout was not heard in time.
	Run  int `json:"run,omitempty"`
	Left int `json:"left,omitempty"`
	// Facts is what its scout last said, nil before it said anything; ReportedAt is when they last changed.
	Facts      []byte    `json:"facts"`
	ReportedAt time.Time `json:"reported_at,omitzero"`
	// Inspected is what an Inspector made of Facts, for Survey; nil: nothing yet. It follows from Facts.
	Inspected any `json:"-"`
	// Heard is the digest of the last message that reached its scout. Volatile.
	Heard string `json:"-"`
	// AskedAt is when its scout was asked last how its pods are at that very moment; when the session began if it was not since. Volatile.
	AskedAt time.Time `json:"-"`
}

// Pod is one instance of a daemon.
type Pod struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Index int    `json:"index"`
	// Host is the key of the host where it runs or ran; Bound says that it may run nowhere else.
	Host  string `json:"host,omitempty"`
	Bound bool   `json:"bound,omitempty"`

	// Claim is what is reserved for it; nil if nothing is.
	Claim *PodClaim `json:"claim,omitempty"`

	// Operations are those of the last ACCEPT before its launch of which Mesos has not told how they went.
	Operations []PodOperation `json:"operations,omitempty"`

	// Task is the last task that was launched for it; nil if none ever was.
	Task *PodTask `json:"task,omitempty"`

	// Completed is the target for which it has completed a launch step; empty if none. Good is the fingerprint of the task that it
	// did so with, or with which it was ready since.
	Completed   string    `json:"completed,omitempty"`
	CompletedAt time.Time `json:"completed_at,omitzero"`
	Good        string    `json:"good,omitempty"`
	// Served says of one that has never completed a launch step that a task of it was ready, or may have been without anybody having seen it.
	Served bool `json:"served,omitempty"`
	// Stop says that a plan has stopped it and owes it its return; nil otherwise.
	Stop *PodStop `json:"stop,omitempty"`
	// BegunIn is the deploy run in which it was launched first, BegunAt when that was.
	BegunIn int       `json:"begun_in,omitempty"`
	BegunAt time.Time `json:"begun_at,omitzero"`
	// Failures counts task ends since it was last healthy; NextTry is the end of the backoff that follows.
	Failures int       `json:"failures,omitempty"`
	NextTry  time.Time `json:"next_try,omitzero"`
	// Replaced are tasks that were replaced, or marked gone, while nobody could say whether they ran. One that shows up again is killed.
	Replaced []ReplacedTask `json:"replaced,omitempty"`
	// Consents are what operators have taken upon themselves, the newest last; see maxConsents.
	Consents []Consent `json:"consents,omitempty"`
	// Fallen says that it was complete and then ended or was lost, or that it was launched and deploy does not bring it back: the recovery plan works on it until
	// it is healthy.
	Fallen time.Time `json:"fallen,omitzero"`
}

// PodStop is a voluntary stop, and the cause of it. It is recorded before the task is killed, and lasts until the pod, launched again, is
// ready and has settled, or a step that gave up on it has left it to recovery and it is ready.
type PodStop struct {
	Plan string    `json:"plan"`
	Run  int       `json:"run"`
	At   time.Time `json:"at"`
	// TaskID is the task that is killed.
	TaskID string `json:"task_id"`
	Reason string `json:"reason"`
	// Forced says that an operator has asked for it whatever the service says.
	Forced bool `json:"forced,omitempty"`
	// Left says that the plan has given up on the pod and left it to recovery, which owes it its return from then on.
	Left bool `json:"left,omitempty"`
}

// PodTask is a task of a pod.
type PodTask struct {
	ID          string    `json:"id"`
	AgentID     string    `json:"agent_id"`
	ExecutorID  string    `json:"executor_id,omitempty"`
	Address     string    `json:"address"`  // the agent's IP
	Hostname    string    `json:"hostname"` // the agent's
	Target      string    `json:"target"`   // the target it was rendered from
	Fingerprint string    `json:"fingerprint"`
	LaunchedAt  time.Time `json:"launched_at"`
	// Ports are the numbers that it was given, and Took all that it was launched with.
	Ports []PodPort         `json:"ports,omitempty"`
	Took  offers.Quantities `json:"took,omitzero"`
	// Claim is what is reserved for the pod if the launch succeeds, until that is known (see Pod.Claim).
	Claim *PodClaim `json:"claim,omitempty"`

	State   TaskState `json:"state"`
	StateAt time.Time `json:"state_at"`
	Message string    `json:"message,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Source  string    `json:"source,omitempty"`

	// Healthy is since when it is ready; zero while it is not.
	Healthy time.Time `json:"healthy,omitzero"`
	// Sick is why it is not ready, if anybody said. Seq is the number of the last report that a scout's task sent. Volatile.
	Sick string `json:"-"`
	Seq  uint64 `json:"-"`
}
