package plans

import "time"

// Candidate is a step that may begin now, by its place in the definition.
type Candidate struct {
	Phase, Step int
	// Stops says that the step's pod runs: to begin is to stop it.
	Stops bool
	// Forced says that it may be stopped whatever repair, batch, budget and gate say, because an operator restarts it by force.
	Forced bool
}

// Evaluation is the result of evaluating a plan.
type Evaluation struct {
	View View
	// Candidates are in definition order.
	Candidates []Candidate
	// Questions are to be answered before more can begin.
	Questions []Question
	// Run is the run as it is to be recorded, before anything is begun.
	Run Run
	// Completed are the steps that are COMPLETE in the run and that no Observation.Done says so of: record it.
	Completed []Candidate
	// HandedOver are pods that the plan began to work on and will not bring up itself, sorted: of failed steps, of steps that are COMPLETE
	// only because somebody forced them, and of a run that was stopped or superseded. They are recovery's to bring back, with the last
	// configuration that was good.
	HandedOver []string
	// WakeAt is when time alone changes the result; zero: never.
	WakeAt time.Time
}

// View is what a plan shows. The CLI's tree, the JSON of the HTTP API, the web page and metrics are all rendered from it; the
// fields phases, errors, strategy and status are those of the DC/OS SDK.
type View struct {
	ID       ElementID `json:"id"`
	Name     string    `json:"name"`
	Strategy Strategy  `json:"strategy"`
	Status   Status    `json:"status"`
	// Since is from when on the present work, or the lack of it, goes on. COMPLETE: when the last child became so; WAITING: when
	// it, or the first of its children that are WAITING, was paused; otherwise the earliest Since of the children that have begun
	// and are not COMPLETE, or if there is none, of those that are. It is zero before anything has begun, and moves on whenever a
	// child is done: how long all of it takes is told by Run.StartedAt.
	Since time.Time `json:"since,omitzero"`
	Run   Run       `json:"run"`
	// Revision names the state of definition, facts and run that this view shows: a verb may ask to be refused if it is no longer current.
	Revision string      `json:"revision"`
	Phases   []PhaseView `json:"phases"`
	Holds    []Hold      `json:"holds,omitempty"`
	Errors   []string    `json:"errors"`
	// Warnings are things to look at that hold up nothing. Evaluate leaves them empty; whoever publishes the view knows them.
	Warnings []Hold `json:"warnings,omitempty"`
	// Facts are what operators said about the plan as a whole.
	Facts []Fact `json:"facts,omitempty"`
	// StepsDone of StepsTotal are COMPLETE; Counts has all statuses. Newcomers are steps beside these, of the next run.
	StepsDone  int    `json:"steps_done"`
	StepsTotal int    `json:"steps_total"`
	Counts     Counts `json:"counts"`
	Newcomers  int    `json:"newcomers,omitempty"`
	// Estimate says when the run will end; nil while that is not known, or it is paused.
	Estimate *Estimate `json:"estimate,omitempty"`
}

// PhaseView is what a phase shows.
type PhaseView struct {
	ID        ElementID  `json:"id"`
	Name      string     `json:"name"`
	Strategy  Strategy   `json:"strategy"`
	Status    Status     `json:"status"`
	Since     time.Time  `json:"since,omitzero"` // as that of the plan, of its steps
	Steps     []StepView `json:"steps"`
	Holds     []Hold     `json:"holds,omitempty"`
	Facts     []Fact     `json:"facts,omitempty"` // what operators said about the phase
	StepsDone int        `json:"steps_done"`
	Counts    Counts     `json:"counts"`
	Newcomers int        `json:"newcomers,omitempty"`
	// Continue says what "continue" of a canary phase would begin; nil if it would begin nothing.
	Continue *Release  `json:"continue,omitempty"`
	Estimate *Estimate `json:"estimate,omitempty"`
}

// Release is what "continue" of a canary phase begins: the step, and if All, all others when it, and those released before, are COMPLETE.
type Release struct {
	Step string `json:"step,omitempty"`
	All  bool   `json:"all,omitempty"`
	// Others is how many steps All is about.
	Others int `json:"others,omitempty"`
}

// StepView is what a step shows.
type StepView struct {
	ID     ElementID `json:"id"`
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
	// Facts are what operators said about the step, or its pod, that is still so; nil for most steps.
	Facts []Fact `json:"facts,omitempty"`
	// Newcomer says that the step is of the next run.
	Newcomer bool `json:"newcomer,omitempty"`
	// Works is the plan that works on the step's pod, if it is another one.
	Works string `json:"works,omitempty"`
}

// Counts is a number of steps by status.
type Counts [Error + 1]int

// Estimate says when something will end, from how long its steps took so far or in earlier runs. It is told as points in time, which
// stay when nothing happens; one that has passed says that it takes longer than before.
type Estimate struct {
	// Likely (half of the time) and Latest (nine times in ten) are when it will have ended.
	Likely time.Time `json:"likely"`
	Latest time.Time `json:"latest"`
	// Steps is how many steps that is concluded from.
	Steps int `json:"steps"`
}
