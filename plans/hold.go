package plans

import (
	"slices"
	"time"
)

// Hold is a typed reason why an element does not move.
type Hold struct {
	Code Code `json:"code"`
	// Subject is what the reason is about: a phase, a host, a port, an operator.
	Subject string `json:"subject,omitempty"`
	// Element names the step or phase that has the reason, where an element above it shows it; empty: the reason is its own.
	Element string `json:"element,omitempty"`
	// Text is the whole reason in words, complete without the other fields. It writes times as they are, since it does not know
	// when it is read.
	Text string `json:"text"`
	// Need and Have give the two sides of a requirement that is not met.
	Need string `json:"need,omitempty"`
	Have string `json:"have,omitempty"`
	// Count is how many elements have a reason of this code, where an element above them shows the first; 0 if the reason is its own. Text
	// does not tell it.
	Count int `json:"count,omitempty"`
	// Since is when the reason began to hold, Until when it will cease by itself; zero if unknown. From Until on, an
	// evaluation leaves the hold out.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Code identifies a kind of reason. Codes are stable: tools may branch on them.
type Code string

// The codes. CodeTable says of each what it means and what to do.
const (
	CodeError        Code = "error"          // the step can't go on
	CodeNotStarted   Code = "not-started"    // nobody started the plan, or its run has ended
	CodeHalted       Code = "halted"         // the run paused itself
	CodePaused       Code = "paused"         // an operator paused the element or a parent
	CodeFailed       Code = "failed"         // the step failed as often, or took as long, as it may
	CodeOtherPlan    Code = "other-plan"     // another plan works on the pod
	CodeNewcomer     Code = "newcomer"       // came after the members were frozen
	CodeCanary       Code = "canary"         // waits for an operator to continue the canary
	CodePredecessor  Code = "predecessor"    // something before it is not COMPLETE
	CodeBreakpoint   Code = "breakpoint"     // an operator asked beforehand to pause here
	CodeDisconnected Code = "disconnected"   // no session with a Mesos master
	CodeConflict     Code = "conflict"       // what was found contradicts itself
	CodeMissing      Code = "missing"        // a declared minimum is not met
	CodeDiscovering  Code = "discovering"    // members are still being found
	CodeExcluded     Code = "excluded"       // the host is not among those that may be used
	CodeDuplicate    Code = "duplicate-host" // two live agents have one host key
	CodeUnknownTask  Code = "task-unknown"   // whether the old task still runs is not proven
	CodeDevice       Code = "device"         // a device can't be used as it is
	CodeCondition    Code = "condition"      // a wait step waits, and nobody said for what
	CodeBackoff      Code = "backoff"        // waits after a failure
	CodeRepair       Code = "repair"         // a pod of a quorum is being repaired
	CodeBatch        Code = "batch"          // another batch comes first
	CodeBudget       Code = "budget"         // as many pods are down as may be
	CodeFit          Code = "fit"            // not known to fit in the place of the running one
	CodeGateClosed   Code = "gate-closed"    // the service says no
	CodeGateUnknown  Code = "gate-unknown"   // the service has not said that the pod may be stopped
	CodeNoOffer      Code = "no-offer"       // no offer from the host it is bound to, or from any
	CodeNoMatch      Code = "no-match"       // offers came and did not fit
	CodeStopping     Code = "stopping"       // a plan stopped the pod, and its task has not ended yet
	CodeLaunching    Code = "launching"      // Mesos has not said that the task runs
	CodeUnhealthy    Code = "unhealthy"      // the task runs and is not ready
	CodeSettling     Code = "settling"       // ready again, and watched for a while
	CodePausing      Code = "pausing"        // a pause takes effect when what is under way has ended
	CodeService      Code = "service"        // what the service or its last task said, in its own words
)

// CodeInfo is what there is to know about a code.
type CodeInfo struct {
	Code Code
	// Rank orders the holds of an element: the most fundamental reason, whose end would let others end, has the lowest.
	Rank int
	// Blocks says that a step that has not begun is no candidate while it has such a hold. Reasons that come from trying (no
	// offer, a task that could not be rendered, …) must not block: nobody would try again and find that they are gone.
	Blocks bool
	// Meaning and Advice are sentences for operators: what it says, and what to do about it.
	Meaning, Advice string
}

// CodeTable lists all codes by rank. It is read-only.
var CodeTable = ranked([]CodeInfo{
	{Code: CodeError, Blocks: true,
		Meaning: "Something is wrong that does not mend itself.",
		Advice:  "Read the text; correct the configuration or the host that it names."},
	{Code: CodeNotStarted, Blocks: true,
		Meaning: "Nobody has started the plan, or its run has ended.",
		Advice:  "Start the plan if its work is wanted."},
	{Code: CodeHalted, Blocks: true,
		Meaning: "The run paused itself: too much failed, or nothing moved for too long. What is under way comes to its end; pods that failed are handed to recovery.",
		Advice:  "Mend the cause, then type the command that the text names. To leave a step behind, force-complete it, or except its pod, first; or go back to the last target."},
	{Code: CodePaused, Blocks: true,
		Meaning: "An operator paused the plan, the phase or the step: no new step begins, what runs is left alone.",
		Advice:  "Continue it when the one who paused it agrees."},
	{Code: CodeFailed, Blocks: true,
		Meaning: "The step failed as often, or took as long, as its policy allows. It is not tried again; its pod is handed to recovery.",
		Advice:  "Mend the cause, then continue the plan or restart the step; or force-complete it, or except its pod if that is dead."},
	{Code: CodeOtherPlan, Blocks: true,
		Meaning: "Another plan works on the pod; two plans never work on one pod.",
		Advice:  "Look at the plan that is named; this one goes on when that has ended."},
	{Code: CodeNewcomer, Blocks: true,
		Meaning: "The host or device came after the members of this run were frozen.",
		Advice:  "Wait for the next run, which begins when this one has ended."},
	{Code: CodeCanary, Blocks: true,
		Meaning: "The first steps of a canary phase begin one by one, each when an operator says so.",
		Advice:  "Look at what was begun so far, then continue the phase; it says what that begins."},
	{Code: CodePredecessor, Blocks: true,
		Meaning: "A phase or step that comes first is not COMPLETE.",
		Advice:  "Look at the element that is named; this one needs nothing."},
	{Code: CodeBreakpoint, Blocks: true,
		Meaning: "An operator asked beforehand that the plan pause here.",
		Advice:  "Look at what was done so far, then continue."},
	{Code: CodeDisconnected,
		Meaning: "There is no session with a Mesos master.",
		Advice:  "Check the master's address and that it is reachable."},
	{Code: CodeConflict, Blocks: true,
		Meaning: "What was found on the hosts contradicts itself.",
		Advice:  "Correct one of the places that are named."},
	{Code: CodeMissing, Blocks: true,
		Meaning: "Fewer members were found than the configuration expects.",
		Advice:  "Add hosts or devices, or expect fewer."},
	{Code: CodeDiscovering, Blocks: true,
		Meaning: "Members are still being found; an open phase begins those that it has.",
		Advice:  "Wait until the discovery window has passed."},
	{Code: CodeExcluded, Blocks: true,
		Meaning: "The host is not among those that may be used.",
		Advice:  "Allow the host, or ignore it."},
	{Code: CodeDuplicate, Blocks: true,
		Meaning: "Two live agents claim to be one host, so that neither can be trusted.",
		Advice:  "Stop one of the agents, or choose an attribute that tells them apart."},
	{Code: CodeUnknownTask, Blocks: true,
		Meaning: "It is not proven that the previous task has ended; a second one could damage the device.",
		Advice: "Bring the agent back. If no process of the task is left for certain (its host is off, or somebody has looked), say so with the command that " +
			"the text names (pod mark-gone): then the pod is launched again. To go on without the pod, force-complete the step, or except the pod to leave it " +
			"out of all plans."},
	{Code: CodeDevice,
		Meaning: "A device can't be used as it is.",
		Advice:  "Mend the device or its setup file on the host; it is looked at again."},
	{Code: CodeCondition, Blocks: true,
		Meaning: "The step waits for something outside the plan.",
		Advice:  "Look at the hosts and pods; nothing else is known."},
	{Code: CodeBackoff, Blocks: true,
		Meaning: "The last attempt failed; the next one is made later.",
		Advice:  "Look at the task's output on its host if it fails again."},
	{Code: CodeRepair, Blocks: true,
		Meaning: "A pod that decides by majority is being repaired; until it is back nothing is stopped that runs, unless by force.",
		Advice:  "Look at the repair that is named; except a pod that is dead. If that waits for pods which wait for this one, restart this one by force."},
	{Code: CodeBatch, Blocks: true,
		Meaning: "Running pods are stopped in batches, within one failure domain, and this one is in a later batch.",
		Advice:  "Wait for the batch that is named."},
	{Code: CodeBudget, Blocks: true,
		Meaning: "As many pods of the type, or of its failure domain, are down as may be. That holds up stops, never starts.",
		Advice:  "Bring back what is down, or except a pod that is dead, or allow more."},
	{Code: CodeFit, Blocks: true,
		Meaning: "The pod runs, and it is not known that the new one would fit in its place; nothing is stopped that could not come back.",
		Advice:  "Compare what is needed with what the host has, if the text names it; otherwise wait until it is known."},
	{Code: CodeGateClosed, Blocks: true,
		Meaning: "The service says that the pod must not be stopped now.",
		Advice:  "Read the service's reason; it is asked again."},
	{Code: CodeGateUnknown, Blocks: true,
		Meaning: "The service has not said, or does not know, whether the pod may be stopped now; that is never taken as a yes.",
		Advice:  "Check that the service's API answers; it is asked again. After a while the run pauses itself."},
	{Code: CodeNoOffer,
		Meaning: "Mesos has not offered anything that could be looked at.",
		Advice:  "Check that the agent is up and that its resources are not held by other frameworks."},
	{Code: CodeNoMatch,
		Meaning: "Offers came, and none had all that is needed.",
		Advice:  "Compare what is needed with what was there. A host in maintenance gets new pods when the window is over, or when an operator of Mesos takes it out of the schedule."},
	{Code: CodeStopping, Blocks: true,
		Meaning: "A plan has stopped the pod, or a task of it that was taken for gone has shown up again and is killed; it is launched when it is proven that the task has ended.",
		Advice:  "Wait; a daemon may take a while to end. If it takes long, look at the agent that is named."},
	{Code: CodeLaunching,
		Meaning: "The task was launched; Mesos has not said that it runs.",
		Advice:  "Fetching an image can take minutes; look at the agent if it takes longer."},
	{Code: CodeUnhealthy,
		Meaning: "The task runs and is not ready yet.",
		Advice:  "Read the text; look at the task's output on its host."},
	{Code: CodeSettling,
		Meaning: "The pod is ready again and must stay so for a while before the next one is stopped.",
		Advice:  "Wait until the time that the text names."},
	{Code: CodePausing,
		Meaning: "A pause was asked for that lets what is under way come to its end.",
		Advice:  "Wait, or pause at once."},
	{Code: CodeService,
		Meaning: "The service itself says why, in its own words: why a task could not be made, or how the last one ended.",
		Advice:  "Read the text; it is tried again."},
})

// ranked numbers the codes by their place.
func ranked(table []CodeInfo) []CodeInfo {
	for i := range table {
		table[i].Rank = i
	}
	return table
}

// codePlaces says where CodeTable has a code. It is read-only.
var codePlaces = placesOf(CodeTable)

func placesOf(table []CodeInfo) map[Code]int {
	places := make(map[Code]int, len(table))
	for i := range table {
		places[table[i].Code] = i
	}
	return places
}

// Info returns what there is to know about the code. A code that is not in CodeTable ranks last and blocks: a reason that is not
// understood is no permission.
func (c Code) Info() CodeInfo {
	if i, known := codePlaces[c]; known {
		return CodeTable[i]
	}
	return CodeInfo{Code: c, Rank: len(CodeTable), Blocks: true}
}

// rank is the code's Info().Rank.
func (c Code) rank() int {
	if i, known := codePlaces[c]; known {
		return i
	}
	return len(CodeTable)
}

// blocks is the code's Info().Blocks.
func (c Code) blocks() bool {
	i, known := codePlaces[c]
	return !known || CodeTable[i].Blocks
}

// over says that the hold has ceased by itself.
func (h *Hold) over(now time.Time) bool {
	return !h.Until.IsZero() && !now.Before(h.Until)
}

// sortHolds puts the most fundamental reasons first and leaves equals in their order.
func sortHolds(holds []Hold) {
	if len(holds) < 2 {
		return
	}
	slices.SortStableFunc(holds, func(a, b Hold) int { return a.Code.rank() - b.Code.rank() })
}
