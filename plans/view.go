package plans

import "time"

// Candidate is a step that may begin now, by its place in the definition.
type Candidate struct{ Phase, Step int }

// Evaluation is the result of evaluating a plan.
type Evaluation struct {
	View View
	// Candidates are in definition order.
	Candidates []Candidate
}

// View is what a plan shows. The CLI's tree, the JSON of the HTTP API and the web page are all rendered from it; the
// fields phases, errors, strategy and status are those of the DC/OS SDK.
type View struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Strategy Strategy `json:"strategy"`
	Status   Status   `json:"status"`
	// Since is from when on the present work, or the lack of it, goes on. COMPLETE: when the last child became so; WAITING: when
	// it, or the first of its children that are WAITING, was paused; otherwise the earliest Since of the children that have begun
	// and are not COMPLETE, or if there is none, of those that are. It is zero before anything has begun, and moves on whenever a
	// child is done: how long all of it takes is told by Run.StartedAt.
	Since  time.Time   `json:"since,omitzero"`
	Run    Run         `json:"run"`
	Phases []PhaseView `json:"phases"`
	Holds  []Hold      `json:"holds,omitempty"`
	Errors []string    `json:"errors"`
	// Warnings are things to look at that hold up nothing. Evaluate leaves them empty; whoever publishes the view knows them.
	Warnings []Hold `json:"warnings,omitempty"`
	// StepsDone of StepsTotal are COMPLETE.
	StepsDone  int `json:"steps_done"`
	StepsTotal int `json:"steps_total"`
}

// PhaseView is what a phase shows.
type PhaseView struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Strategy  Strategy   `json:"strategy"`
	Status    Status     `json:"status"`
	Since     time.Time  `json:"since,omitzero"` // as that of the plan, of its steps
	Steps     []StepView `json:"steps"`
	Holds     []Hold     `json:"holds,omitempty"`
	StepsDone int        `json:"steps_done"`
}

// StepView is what a step shows.
type StepView struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Kind   Kind      `json:"kind"`
	Status Status    `json:"status"`
	Since  time.Time `json:"since,omitzero"`
	// Message is one sentence for people: the status and the most fundamental reason for waiting.
	Message string   `json:"message"`
	Pod     string   `json:"pod,omitempty"`
	Host    string   `json:"host,omitempty"`
	Task    string   `json:"task,omitempty"`
	Holds   []Hold   `json:"holds,omitempty"`
	Errors  []string `json:"errors,omitempty"`
}
