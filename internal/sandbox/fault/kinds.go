package fault

import "slices"

// A Kind names what goes wrong.
type Kind string

// The kinds of faults. Table says what each of them does and takes.
const (
	AgentKill       Kind = "agent-kill"
	AgentStop       Kind = "agent-stop"
	AgentStart      Kind = "agent-start"
	AgentRestart    Kind = "agent-restart"
	AgentReboot     Kind = "agent-reboot"
	AgentPartition  Kind = "agent-partition"
	AgentHeal       Kind = "agent-heal"
	AgentDisconnect Kind = "agent-disconnect"
	AgentDelay      Kind = "agent-delay"
	AgentGone       Kind = "agent-gone"
	AgentDrain      Kind = "agent-drain"
	AgentDeactivate Kind = "agent-deactivate"
	AgentReactivate Kind = "agent-reactivate"
	DiskFull        Kind = "disk-full"
	MountGone       Kind = "mount-gone"

	MasterFailover Kind = "master-failover"
	MasterDown     Kind = "master-down"
	NoLeader       Kind = "no-leader"
	Redirect       Kind = "redirect"

	StreamSilent    Kind = "stream-silent"
	StreamCut       Kind = "stream-cut"
	StreamTrickle   Kind = "stream-trickle"
	HeartbeatsStop  Kind = "heartbeats-stop"
	EventLost       Kind = "event-lost"
	EventDuplicate  Kind = "event-duplicate"
	EventUnknown    Kind = "event-unknown"
	OffersOversized Kind = "offers-oversized"
	UpdateLost      Kind = "update-lost"
	UpdateDuplicate Kind = "update-duplicate"

	CallLostBefore Kind = "call-lost-before"
	CallLostAfter  Kind = "call-lost-after"
	CallDelay      Kind = "call-delay"
	CallSlowAnswer Kind = "call-slow-answer"
	CallStatus     Kind = "call-status"
	CallReorder    Kind = "call-reorder"

	HTTPStatus Kind = "http-status"
	Deny       Kind = "deny"

	TaskKill      Kind = "task-kill"
	TaskDrop      Kind = "task-drop"
	OperationDrop Kind = "operation-drop"
)

// A Nature says how a kind of fault goes on after it has been injected.
type Nature int

const (
	// Act faults happen once, at once, and are over.
	Act Nature = iota
	// State faults last until their time is over or they are cleared, and are undone then.
	State
	// Rule faults wait for something to strike, as often as they are told.
	Rule
)

func (n Nature) String() string { return [...]string{"act", "state", "rule"}[n] }

// Params are names of the fields of a Fault, as they are in JSON and on the command line.
const (
	paramAgent     = "agent"
	paramFramework = "framework"
	paramTask      = "task"
	paramCall      = "call"
	paramEvent     = "event"
	paramState     = "state"
	paramCount     = "count"
	paramSkip      = "skip"
	paramFor       = "for"
	paramDelay     = "delay"
	paramSpread    = "spread"
	paramStatus    = "status"
	paramText      = "text"
	paramNewID     = "new-id"
	paramWipe      = "wipe"
	paramGrace     = "grace"
	paramMarkGone  = "mark-gone"
	paramPath      = "path"
	paramTo        = "to"
	paramWhat      = "what"
	paramBytes     = "bytes"
	paramUntil     = "until"
	paramEndpoint  = "endpoint"
	paramAction    = "action"
)

// Entry is what is to know of one kind.
type Entry struct {
	Kind     Kind
	Nature   Nature
	Summary  string   // one line, for lists
	Text     string   // what it does exactly
	Takes    []string // params, those that most people need first
	Requires []string // of them
}

// takes tells whether a kind takes a param.
func (e Entry) takes(param string) bool { return slices.Contains(e.Takes, param) }

func (e Entry) requires(param string) bool { return slices.Contains(e.Requires, param) }

// Table lists all kinds, by subject.
func Table() []Entry {
	agent := []string{paramAgent}
	often := []string{paramCount, paramSkip, paramFor}
	stream := append([]string{paramFramework}, often...)
	event := append([]string{paramEvent, paramTask, paramState}, stream...)
	update := append([]string{paramTask, paramState}, stream...)
	call := append([]string{paramCall, paramTask, paramFramework, paramAgent}, often...)
	with := func(list []string, more ...string) []string { return append(slices.Clone(more), list...) }
	return []Entry{
		{AgentKill, State, "the agent's process dies; checkpointed tasks go on",
			"SIGKILL to the agent. What its frameworks checkpoint runs on without it. It starts again when the fault ends.",
			[]string{paramAgent, paramFor}, agent},
		{AgentStop, State, "the agent takes its leave and ends its tasks",
			"SIGUSR1 to the agent: the master removes it with its tasks at once. When the fault ends it starts again, with its id " +
				"and its volumes.", []string{paramAgent, paramFor}, agent},
		{AgentStart, Act, "the agent starts again",
			"Starts an agent that was killed, stopped or rebooted.",
			[]string{paramAgent, paramNewID, paramWipe, paramDelay}, agent},
		{AgentRestart, Act, "the agent's process dies and starts again",
			"SIGKILL to the agent, and a start at once: with the id that it had, or a new one.",
			[]string{paramAgent, paramNewID, paramWipe, paramDelay}, agent},
		{AgentReboot, State, "the machine restarts: all of its tasks die",
			"Everything on the machine ends at once, and the agent starts again, with its id and volumes, when the fault ends.",
			[]string{paramAgent, paramFor}, agent},
		{AgentPartition, State, "agent and master do not hear each other; tasks go on",
			"No message passes between agent and master, which gives it up when enough pings are missing. The end of the fault heals it.",
			[]string{paramAgent, paramFor}, agent},
		{AgentHeal, Act, "a partition ends", "Ends the partition of an agent, which registers again soon.", agent, agent},
		{AgentDisconnect, Act, "the connection of an agent breaks, and nothing else",
			"The master notices at once: offers are rescinded, and tasks of frameworks that do not checkpoint are lost. The agent hears of it with the next ping, " +
				"and registers again.", agent, agent},
		{AgentDelay, Act, "an agent registers later", "Lets an agent that has not registered yet do so later: slow registration.",
			[]string{paramAgent, paramDelay}, []string{paramAgent, paramDelay}},
		{AgentGone, Act, "an operator marks the agent gone", "MARK_AGENT_GONE: its tasks are gone, and its id never returns.", agent, agent},
		{AgentDrain, Act, "an operator drains the agent", "DRAIN_AGENT: no more offers, and its tasks are killed.",
			[]string{paramAgent, paramGrace, paramMarkGone}, agent},
		{AgentDeactivate, State, "no offers of the agent", "DEACTIVATE_AGENT; the end of the fault reactivates it.",
			[]string{paramAgent, paramFor}, agent},
		{AgentReactivate, Act, "offers of a deactivated or drained agent again", "REACTIVATE_AGENT.", agent, agent},
		{DiskFull, State, "nothing can be started or written on the agent's disk",
			"New containers and volumes of the agent fail with 'No space left on device'. Processes that run already go on, and can't write to files: " +
				"they get EFBIG ('File too large'), since a disk that is full for them alone needs root.",
			[]string{paramAgent, paramFor}, agent},
		{MountGone, State, "a directory is empty, as if its disk had gone",
			"The directory is moved away and an empty one is in its place, as a mount point without its mount; moved back when the " +
				"fault ends.",
			[]string{paramPath, paramAgent, paramFor}, []string{paramPath}},

		{MasterFailover, Act, "another master leads, with a new id and an empty memory",
			"Streams are cut; the new master, a standby if there is one, knows agents from the registry only and frameworks not at all. Agents register one by " +
				"one, 'spread' apart, the first 'delay' after the failover. With 'for' there is no leader for that long.",
			[]string{paramFor, paramDelay, paramSpread}, nil},
		{MasterDown, State, "connections to the master are reset", "The master has ended: streams are cut and every connection is " +
			"reset. When the fault ends another master leads.", []string{paramFor}, nil},
		{NoLeader, State, "503 'No leader elected'", "No master leads: streams are cut, and every call is answered with 503. When the fault " +
			"ends another master leads.", []string{paramFor}, nil},
		{Redirect, State, "the master sends everybody elsewhere",
			"Every call is answered with 307 to an address: the master's own makes a loop, a name that nobody knows a dead end. What is " +
				"subscribed stays so.", []string{paramTo, paramFor}, nil},

		{StreamSilent, Act, "streams stay open and nothing comes any more",
			"Half-open: what is on the streams that are open now never arrives, and they do not end. New subscriptions are fine.",
			[]string{paramFramework}, nil},
		{StreamCut, Rule, "a stream breaks in the middle of a record",
			"Half of the next event is written, then the connection is reset.", event, nil},
		{StreamTrickle, Rule, "events arrive byte by byte", "Each event that it strikes is written one byte at a time, 'delay' (1 ms) apart.",
			with(event, paramDelay), nil},
		{HeartbeatsStop, Rule, "no heartbeats", "HEARTBEAT events are lost, all else comes.", stream, nil},
		{EventLost, Rule, "an event is lost", "The event is never written. The master believes that it was.", event, nil},
		{EventDuplicate, Rule, "an event comes twice", "The event is written twice.", event, nil},
		{EventUnknown, Rule, "something that no client knows",
			"Before the next event comes one of a type that does not exist ('type'), or the next event has a field ('field') or an " +
				"UPDATE a reason ('enum') that does not.", with(event, paramWhat), nil},
		{OffersOversized, Rule, "a very large OFFERS event",
			"The next OFFERS event is made 'bytes' (30 MB) longer, by a field that no client knows.", with(stream, paramBytes), nil},
		{UpdateLost, Rule, "a status update is lost", "As event-lost, for UPDATE. The agent repeats it when nobody acknowledges it.", update, nil},
		{UpdateDuplicate, Rule, "a status update comes twice", "As event-duplicate, for UPDATE.", update, nil},

		{CallLostBefore, Rule, "a call gets lost on its way",
			"The connection is reset, and the call has no effect. Its sender cannot know that.", call, nil},
		{CallLostAfter, Rule, "the answer to a call gets lost",
			"The call has its effect, then the connection is reset: the ambiguous one.", call, nil},
		{CallDelay, Rule, "a call takes its time", "The call is carried out and answered 'delay' later, even if its sender has gone.",
			with(call, paramDelay), []string{paramDelay}},
		{CallSlowAnswer, Rule, "a call's answer takes its time", "The call is carried out at once and answered 'delay' later.",
			with(call, paramDelay), []string{paramDelay}},
		{CallStatus, Rule, "a call is refused with a status", "The call is answered with a status, such as 429, 500 or 503, and has no effect.",
			with(call, paramStatus, paramText), []string{paramStatus}},
		{CallReorder, Rule, "a call is carried out late, after others",
			"The connection is reset, and the call is carried out after the next one of its framework ('call'), or after its next " +
				"subscription ('session'): then it comes from a session that is over.", with(call, paramUntil), nil},

		{HTTPStatus, Rule, "any request is refused with a status",
			"A request to any endpoint is answered with a status, such as 403, 500 or 503, before anybody looks at it, as by a proxy. With an agent it is " +
				"one to that agent, else one to a master. What is below /sandbox is spared.",
			append([]string{paramStatus, paramEndpoint, paramAgent, paramText}, often...), []string{paramStatus}},
		{Deny, Rule, "the master's authorizer says no",
			"As with ACLs: REGISTER_FRAMEWORK is an ERROR, or a 403 for UPDATE_FRAMEWORK, RUN_TASK a TASK_ERROR, what is done with reservations and " +
				"volumes an OPERATION_ERROR if it has an id and nothing at all if not. Operators get 403.",
			append([]string{paramAction, paramFramework, paramAgent, paramTask}, often...), []string{paramAction}},

		{TaskKill, Act, "the process of a task dies", "SIGKILL to a task, which nobody asked for.",
			[]string{paramTask, paramFramework}, []string{paramTask}},
		{TaskDrop, Rule, "a launch never reaches the agent",
			"The master believes the task STAGING; the agent has never heard of it, and says so when it registers again.",
			append([]string{paramAgent, paramTask}, often...), nil},
		{OperationDrop, Rule, "an operation never reaches the agent",
			"The master has carried it out; the agent has not, and its view wins when it registers again.",
			append([]string{paramAgent}, often...), nil},
	}
}

// Lookup finds the entry of a kind.
func Lookup(kind Kind) (Entry, bool) {
	for _, e := range Table() {
		if e.Kind == kind {
			return e, true
		}
	}
	return Entry{}, false
}
