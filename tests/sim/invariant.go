package sim

// The invariants, as sentences.
const (
	quorumKept   = "a registry is never stopped voluntarily when the others are no majority of the replica set"
	quorumThere  = "no metadata or data service is stopped voluntarily without a majority of the registries"
	budgetKept   = "new stops never exceed the budget"
	repairFirst  = "nothing is stopped while a registry is being repaired, unless by force"
	reasonFirst  = "no task is killed before it is on record why"
	comesBack    = "no pod that was stopped stays down because of a pause"
	freshGate    = "what may be stopped was asked, once for each stop, and the answer is fresh"
	oneTask      = "no two tasks of one pod run at the same time on one device"
	durableTask  = "no task runs that is not in durable state"
	uniqueTask   = "no task id is used twice"
	keeps        = "nothing is destroyed that a pod owns"
	pausedRests  = "a paused element begins no step"
	durableAck   = "no update is acknowledged before it is durable"
	ackedOnce    = "nothing is acknowledged that has no uuid, and nothing twice at once"
	verbKept     = "no verb that was answered is forgotten"
	currentPlan  = "who looks at a plan that has changed since changes nothing"
	holdShown    = "every element that does not move has a hold"
	completes    = "when faults cease, every run that is not paused completes in bounded time"
	bounded      = "the machine's memory is bounded"
	liveOffers   = "no offer is used that was taken back, or used before"
	trulyDone    = "nothing counts as ready that never was"
	inOrder      = "phases wait for those before them, and registries for each other"
	noStrays     = "in the end nothing runs that no pod has"
	timeMoves    = "the machine never decides without end at one moment"
	loads        = "what was recorded can be loaded"
	wellFormed   = "no call or message is malformed"
	markedGone   = "what was taken for gone was not known to run, and never is its pod's task again"
	forceSaid    = "budget and quorum are passed over only where an operator said so"
	upToDate     = "in the end every pod was launched with the settings of now"
	knownEnd     = "no pod is launched again before its task is known to have ended, unless the doubt is on record"
	mustFit      = "nothing is stopped if what takes its place does not fit"
	reproducible = "the same seed gives the same journal"
)

// Invariants lists what every run is checked for.
var Invariants = []string{
	quorumKept, quorumThere, budgetKept, repairFirst, reasonFirst, comesBack, freshGate, oneTask, durableTask, uniqueTask, keeps, pausedRests, durableAck, ackedOnce, verbKept, currentPlan, holdShown, completes, bounded, liveOffers, trulyDone, inOrder, noStrays, timeMoves, loads, wellFormed, markedGone, forceSaid, upToDate, knownEnd, mustFit,
	reproducible,
}
