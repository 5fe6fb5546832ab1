package machine

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// world is a machine and everything around it that a transcript plays: its store, its clock, and the ids that it made.
type world struct {
	m       *Machine
	toy     toy
	now     time.Time
	draws   byte
	offers  int
	uuids   byte
	last    Event // that brought a uuid
	seqs    map[string]uint64
	heard   map[string]string // host -> the digest of the last message
	earlier map[string]string // host -> the digest of one before that said something else
	records map[string][]byte
	// launched are the task ids of a pod, and accepted the offers that they took.
	launched map[string][]string
	accepted map[string][]string
	given    map[string]offers.Resources // what a pod was launched with
}

func newWorld() *world {
	return &world{
		now:  time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
		toy:  toy{expect: 1},
		seqs: map[string]uint64{}, heard: map[string]string{}, earlier: map[string]string{}, records: map[string][]byte{},
		launched: map[string][]string{}, accepted: map[string][]string{}, given: map[string]offers.Resources{},
	}
}

// TestTranscripts plays the stories under testdata. Run with -rewrite to write what comes out, then read the diff: it is the test.
//
// Commands, each followed by what the machine decides:
//
//	start [expect=N] [setting=S] [canary=true] [attempts=N] [early=true] [asks=yes]   build the machine from what is stored (again: a crash, nothing of memory is left)
//	subscribe [version=V] [back=no] [report=HOST] / disconnect [fatal]   the session with the master, which knows the agents of all hosts, and answers at once; or none of them is
//	                                 back. A scout's report may come with it
//	offer HOST... [cpus=N] [disk=N] [agent=A] [kept=POD [volume=MB]] an offer of each host, with port 7000; or with what the pod was launched with and
//	                                 is reserved for it, its volume grown; stray=POD: reserved for another pod;
//	                                 away=FROM..[UNTIL]: of an agent in maintenance, as of now
//	update POD STATE [message=M]     the agent's status update of the pod's last task
//	master POD STATE [reason=R]      the same from the master, without uuid (reconciliation, lost agents)
//	old POD STATE                    the same for the task before the last
//	gave-way POD STATE               the same for the last of its tasks that gave way without proof
//	copy                             the last update once more, of a task or an operation, and
//	fail-acknowledge                 its acknowledgement failed
//	report HOST FACTS [healthy=POD]... [sick=POD] [seq=N]   a scout's report
//	agent-failure AGENT              the master says that an agent is gone
//	fail POD [ambiguous]             the ACCEPT that launched the pod failed
//	fail-exclude HOST... [ambiguous=yes]   the UPDATE_FRAMEWORK that excluded the hosts failed
//	pause / resume / force-complete PLAN [PHASE [STEP]] [when=W], break / unbreak PLAN PHASE when=W, except / include POD   an operator
//	start-plan / stop-plan / restart-plan PLAN [PHASE [STEP]] [force=yes]   an operator
//	judged ASK open|closed|unknown [text=T]      the answer to an ask
//	stranger TASK HOST STATE         Mesos tells of a task that no pod has
//	kill-task TASK [lost]            an operator wants it killed, and the session ends before anything is decided
//	mark-gone POD [reason=R]         an operator says that its task is gone
//	replace POD [CLAIM]              an operator gives up its place; CLAIM is own, or a name
//	release HOST [CLAIM]             an operator gives back what is left over there; CLAIM is c
//	cancel-release HOST [CLAIM]      an operator takes that back, of all or of CLAIM
//	show POD                         what the pod shows of tasks that gave way, and of what operators have consented to
//	forget-reservations POD [force]  an operator wants its resources reserved anew
//	operation POD TYPE STATE [reconciled] [message=M]   how the last operation of that type went; FINISHED is the agent's word, but for reconciled
//	advance D                        time passes
//	view                             the plans as a tree, and warnings
//	records                          what is stored
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		w := newWorld()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return w.command(t, d)
		})
	})
}

func (w *world) command(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	args := positional(d)
	switch d.Cmd {
	case "start":
		return w.start(d)
	case "subscribe":
		w.m.Take(w.now, Subscribed{FrameworkID: "F-0000", Master: Master{Address: "m:5050", Version: value(d, "version", "")}})
		if host := value(d, "report", ""); host != "" {
			w.report(t, d, []string{host, string(w.m.hosts[host].Facts)})
		}
	case "disconnect":
		w.m.Take(w.now, Disconnected{Err: "stream ended", Fatal: slices.Contains(args, "fatal")})
	case "offer":
		w.m.Take(w.now, Offered{Offers: w.makeOffers(d, args)})
	case "agent-failure":
		w.m.Take(w.now, Failure{AgentID: args[0]})
	case "update", "master":
		w.update(d, args)
	case "old":
		old := w.launched[args[0]][len(w.launched[args[0]])-2]
		w.m.Take(w.now, Updated{Status: TaskStatus{TaskID: old, AgentID: "S-old", State: TaskState(args[1]), Source: "MASTER"}})
	case "gave-way":
		p := w.m.pods[args[0]]
		r := p.Replaced[len(p.Replaced)-1]
		w.m.Take(w.now, Updated{Status: TaskStatus{TaskID: r.TaskID, AgentID: r.AgentID, State: TaskState(args[1]), Source: "MASTER"}})
	case "copy":
		w.m.Take(w.now, w.last)
	case "fail-acknowledge":
		w.m.Take(w.now, CallFailed{Call: acknowledgementOf(w.last), Err: "reset", Ambiguous: true})
	case "looks":
		w.look(t, d, args)
	case "report":
		w.report(t, d, args)
	case "fail":
		w.fail(args[0], len(args) > 1)
	case "fail-exclude":
		w.m.Take(w.now, CallFailed{Call: ExcludeHosts{Hosts: args}, Err: "400 not valid", Ambiguous: value(d, "ambiguous", "") != ""})
	case "pause", "resume", "force-complete", "except", "include", "break", "unbreak", "restart-plan", "start-plan", "stop-plan":
		w.say(d, args)
	case "stranger":
		w.m.Take(w.now, Updated{Status: TaskStatus{TaskID: args[0], AgentID: "S-" + args[1], State: TaskState(args[2]), Source: "MASTER"}})
	case "judged":
		gates := map[string]plans.Gate{"open": plans.GateOpen, "closed": plans.GateClosed, "unknown": plans.GateUnknown}
		j := Judged{Judgement: Judgement{Gate: gates[args[1]], Text: value(d, "text", "")}}
		fmt.Sscan(args[0], &j.ID)
		w.m.Take(w.now, j)
	case "kill-task":
		w.m.Take(w.now, Verb{ID: 1, Kind: KillTask, Task: args[0], Actor: "ann"})
		if slices.Contains(args, "lost") {
			w.m.Take(w.now, Disconnected{Err: "stream ended"})
		}
	case "mark-gone":
		w.m.Take(w.now, Verb{ID: 1, Kind: MarkGone, Pod: args[0], Actor: "ann", Reason: value(d, "reason", "host burnt down")})
	case "replace":
		v := Verb{ID: 1, Kind: Replace, Pod: args[0], Actor: "ann", Reason: value(d, "reason", "disk broke")}
		if len(args) > 1 {
			v.Claim = args[1]
		}
		if p := w.m.pods[v.Pod]; v.Claim == "own" && p != nil && p.Claim != nil {
			v.Claim = p.Claim.ID
		}
		w.m.Take(w.now, v)
	case "release":
		v := Verb{ID: 1, Kind: ReleaseLeftover, Host: args[0], Actor: "ann", Reason: value(d, "reason", "of no use")}
		if len(args) > 1 {
			v.Claim = args[1]
		}
		w.m.Take(w.now, v)
	case "cancel-release":
		v := Verb{ID: 1, Kind: CancelRelease, Host: args[0], Actor: "ann"}
		if len(args) > 1 {
			v.Claim = args[1]
		}
		w.m.Take(w.now, v)
	case "show":
		return w.show(args[0])
	case "forget-reservations":
		w.m.Take(w.now, Verb{ID: 1, Kind: ForgetReservations, Pod: args[0], Actor: "ann", Reason: value(d, "reason", "wiped"), Force: slices.Contains(args, "force")})
	case "operation":
		w.operation(d, args)
	case "advance":
		step, err := time.ParseDuration(args[0])
		if err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(step)
	case "view":
		return w.view()
	case "records":
		return w.stored()
	default:
		t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
	}
	out := w.decide(t)
	if d.Cmd == "subscribe" && value(d, "back", "") != "no" {
		w.agentsAreKnown()
	}
	return out
}

// agentsAreKnown: Mesos answers of each host's agent at once, of a task that is no pod's and has ended.
func (w *world) agentsAreKnown() {
	for _, h := range w.m.hosts {
		w.m.Take(w.now, Updated{Status: TaskStatus{TaskID: "ended", AgentID: h.AgentID, State: Finished, Source: "MASTER", Reason: "RECONCILIATION"}})
	}
}

// fail has the ACCEPT fail that launched a pod.
func (w *world) fail(pod string, ambiguous bool) {
	var operations []offers.Operation
	for _, o := range w.m.pods[pod].Operations {
		operations = append(operations, offers.Operation{ID: o.ID})
	}
	id := w.m.pods[pod].Task.ID
	operations = append(operations, offers.Operation{Type: offers.Launch, Tasks: []offers.Task{{ID: id}}})
	w.m.Take(w.now, CallFailed{Call: Accept{OfferIDs: w.accepted[id], Operations: operations}, Err: "400", Ambiguous: ambiguous})
}

// say gives a verb. Its words are plan, phase and step, or of except and include a pod.
func (w *world) say(d *datadriven.TestData, args []string) {
	v := Verb{ID: 1, Kind: VerbKind(strings.TrimSuffix(d.Cmd, "-plan")), Actor: "alice", Reason: "lunch", When: plans.When(value(d, "when", ""))}
	v.Force = value(d, "force", "") != ""
	switch v.Kind {
	case "resume":
		v.Kind = Resume
	case Except, Include:
		v.Pod, args = args[0], nil
	}
	for i, field := range []*string{&v.Plan, &v.Phase, &v.Step} {
		if i < len(args) {
			*field = args[i]
		}
	}
	w.m.Take(w.now, v)
}

func acknowledgementOf(e Event) Call {
	switch e := e.(type) {
	case Updated:
		return Acknowledge{TaskID: e.Status.TaskID, AgentID: e.Status.AgentID, UUID: e.Status.UUID}
	case OperationUpdated:
		return AcknowledgeOperation{OperationID: e.Status.OperationID, AgentID: e.Status.AgentID, UUID: e.Status.UUID}
	}
	return nil
}

func positional(d *datadriven.TestData) []string {
	var out []string
	for _, a := range d.CmdArgs {
		if len(a.Vals) == 0 {
			out = append(out, a.Key)
		}
	}
	return out
}

func value(d *datadriven.TestData, key, otherwise string) string {
	for _, a := range d.CmdArgs {
		if a.Key == key && len(a.Vals) > 0 {
			return strings.Join(a.Vals, ",")
		}
	}
	return otherwise
}

func (w *world) start(d *datadriven.TestData) string {
	fmt.Sscan(value(d, "expect", fmt.Sprint(w.toy.expect)), &w.toy.expect)
	w.toy.setting = value(d, "setting", w.toy.setting)
	fmt.Sscan(value(d, "attempts", fmt.Sprint(w.toy.attempts)), &w.toy.attempts)
	fmt.Sscan(value(d, "early", fmt.Sprint(w.toy.early)), &w.toy.early)
	fmt.Sscan(value(d, "canary", fmt.Sprint(w.toy.canary)), &w.toy.canary)
	var records []Record
	for k, v := range w.records {
		records = append(records, Record{Key: k, Value: v})
	}
	slices.SortFunc(records, func(a, b Record) int { return strings.Compare(a.Key, b.Key) })
	m, err := New(Config{DiscoveryWindow: 10 * time.Second, IgnoreLeftovers: value(d, "ignore-leftovers", "") != "", NoNewHosts: value(d, "new-hosts", "") == "off", NoOfferConstraints: value(d, "offer-constraints", "") == "off", Asks: value(d, "asks", "") != ""}, w.toy, records, Boot{Now: w.now, By: "operator"})
	if err != nil {
		return "error: " + err.Error()
	}
	w.m = m
	return fmt.Sprintf("framework id %q, %d hosts, %d pods", m.FrameworkID(), len(m.hosts), len(m.pods))
}

func (w *world) makeOffers(d *datadriven.TestData, hosts []string) []offers.Offer {
	cpus, disk := 4.0, 1000.0
	fmt.Sscan(value(d, "cpus", "4"), &cpus)
	fmt.Sscan(value(d, "disk", "1000"), &disk)
	var out []offers.Offer
	for _, h := range hosts {
		w.offers++
		o := offers.Offer{
			ID: fmt.Sprintf("O%d", w.offers), AgentID: value(d, "agent", "S-"+h), Site: offers.Site{Host: h, Hostname: h}, Address: "ip-" + h, Role: "r",
			Free: offers.Quantities{CPUs: offers.Scalar(cpus), Disk: offers.Scalar(disk), Ports: []offers.Range{{Begin: 7000, End: 7000}}},
		}
		o.Unavailability = w.window(value(d, "away", ""))
		if kept := value(d, "kept", ""); kept != "" {
			o.Free.Ports, o.Rest = nil, slices.Clone(w.given[kept])
			w.grow(d, o.Rest)
		}
		if stray := value(d, "stray", ""); stray != "" {
			if o.Rest == nil {
				o.Rest = []offers.Resource{{Name: "cpus", Scalar: 1000, Role: "r"}}
			}
			for i := range o.Rest {
				o.Rest[i].Reservations = []offers.Reservation{{Dynamic: true, Role: "r", Labels: []offers.Label{
					{Key: "service", Value: "toy"}, {Key: "pod", Value: stray}, {Key: "resource_id", Value: "c"},
				}}}
			}
		}
		out = append(out, o)
	}
	return out
}

// window reads a window of maintenance: from when until when, as of now.
func (w *world) window(text string) *offers.Unavailability {
	from, until, ok := strings.Cut(text, "..")
	if !ok {
		return nil
	}
	start, err := time.ParseDuration(from)
	if err != nil {
		return nil
	}
	u := &offers.Unavailability{Start: w.now.Add(start)}
	if end, err := time.ParseDuration(until); err == nil {
		u.Duration = end - start
	}
	return u
}

func (w *world) grow(d *datadriven.TestData, rest []offers.Resource) {
	for i := range rest {
		if rest[i].Disk != nil {
			fmt.Sscan(value(d, "volume", "100"), &rest[i].Scalar)
			rest[i].Scalar *= 1000
		}
	}
}

func (w *world) update(d *datadriven.TestData, args []string) {
	task := w.m.pods[args[0]].Task
	s := TaskStatus{TaskID: task.ID, AgentID: task.AgentID, State: TaskState(args[1]), Source: "MASTER", Reason: value(d, "reason", ""), Message: value(d, "message", "")}
	if d.Cmd == "update" {
		w.uuids++
		s.UUID, s.Source = bytes.Repeat([]byte{w.uuids}, 16), value(d, "source", "EXECUTOR")
		w.last = Updated{Status: s}
	}
	w.m.Take(w.now, Updated{Status: s})
}

func (w *world) report(t *testing.T, d *datadriven.TestData, args []string) {
	host := args[0]
	scout := w.m.scouts[host]
	w.seqs[scout.Task.ID]++
	r := toyReport{Seq: w.seqs[scout.Task.ID], Heard: w.heard[host]}
	fmt.Sscan(value(d, "seq", fmt.Sprint(r.Seq)), &r.Seq)
	if value(d, "heard", "") == "earlier" {
		r.Heard = w.earlier[host]
	}
	if len(args) > 1 {
		r.Facts = args[1]
	}
	for _, a := range d.CmdArgs {
		for _, pod := range a.Vals {
			switch a.Key {
			case "healthy":
				r.Health = append(r.Health, Health{TaskID: w.m.pods[pod].Task.ID, Healthy: true})
			case "sick":
				r.Health = append(r.Health, Health{TaskID: w.m.pods[pod].Task.ID, Text: "no majority"})
			}
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	w.uuids++
	w.m.Take(w.now, Updated{Status: TaskStatus{
		TaskID: scout.Task.ID, AgentID: scout.Task.AgentID, State: Running, Source: "EXECUTOR", UUID: bytes.Repeat([]byte{w.uuids}, 16), Data: data,
	}})
}

// look has all scouts that were asked how their pods are, or only those of some hosts, say that they have looked.
func (w *world) look(t *testing.T, d *datadriven.TestData, hosts []string) {
	for _, host := range slices.Sorted(maps.Keys(w.m.inquiries)) {
		if !w.m.inquiries[host].Answered && (len(hosts) == 0 || slices.Contains(hosts, host)) {
			w.report(t, d, []string{host, string(w.m.hosts[host].Facts)})
		}
	}
}

// decide prints what the machine decides, and stores it as the loop would.
func (w *world) decide(t *testing.T) string {
	t.Helper()
	w.draws++
	e := w.m.Decide(w.now, [16]byte{w.draws})
	if outdated := outdatedParts(w.now, w.m, e.View); outdated != "" {
		t.Error(outdated)
	}
	var out strings.Builder
	for _, g := range e.Groups {
		var keys []string
		for _, r := range g.Puts {
			keys = append(keys, r.Key)
			w.records[r.Key] = r.Value
		}
		for _, k := range g.Deletes {
			keys = append(keys, "-"+k)
			delete(w.records, k)
		}
		fmt.Fprintf(&out, "commit %s\n", strings.Join(keys, " "))
	}
	for _, c := range e.Calls {
		if c.After != len(e.Groups) {
			t.Errorf("call %v is sent after %d groups of %d", c.Call, c.After, len(e.Groups))
		}
		fmt.Fprintln(&out, w.describe(c.Call))
	}
	for _, a := range e.Asks {
		fmt.Fprintf(&out, "ASK %d: may %s be stopped, until %s\n", a.ID, strings.Join(a.Pods, ", "), a.Deadline.Sub(w.now))
	}
	for _, a := range e.Answers {
		fmt.Fprintf(&out, "answer %s: %s\n", a.Code, a.Message)
	}
	if e.WakeAt.Equal(w.now) { // what was decided is to be looked at again when it is durable
		return out.String() + w.decide(t)
	}
	if !e.WakeAt.IsZero() {
		fmt.Fprintf(&out, "wake in %s\n", e.WakeAt.Sub(w.now))
	}
	return out.String()
}

func (w *world) describe(c Call) string {
	short := func(id string) string { name, _, _ := strings.Cut(id, "__"); return name }
	switch c := c.(type) {
	case Accept:
		var names []string
		for _, t := range c.Launches() {
			names = append(names, fmt.Sprintf("%s on %s", short(t.ID), t.AgentID))
			pod := t.Name[:strings.LastIndex(t.Name, "-")]
			w.launched[pod] = append(w.launched[pod], t.ID)
			w.accepted[t.ID], w.given[pod] = c.OfferIDs, t.Resources
		}
		if names != nil {
			names = []string{"launch " + strings.Join(names, ", ")}
		}
		for _, op := range slices.Backward(c.Operations) {
			if op.Type != offers.Launch {
				names = slices.Insert(names, 0, fmt.Sprintf("%s %s", op.Type, operands(op)))
			}
		}
		return fmt.Sprintf("ACCEPT %s: %s; refuse rest %s", strings.Join(c.OfferIDs, " "), strings.Join(names, "; "), c.Refuse)
	case Decline:
		return fmt.Sprintf("DECLINE %s for %s", strings.Join(c.OfferIDs, " "), c.Refuse)
	case AcknowledgeOperation:
		return "ACKNOWLEDGE_OPERATION_STATUS " + short(c.OperationID)
	case Acknowledge:
		return fmt.Sprintf("ACKNOWLEDGE %s", short(c.TaskID))
	case Reconcile:
		var names []string
		for _, r := range c.Tasks {
			names = append(names, short(r.TaskID))
		}
		if names == nil {
			return "RECONCILE everything"
		}
		return "RECONCILE " + strings.Join(names, " ")
	case ReconcileOperations:
		var names []string
		for _, r := range c.Operations {
			names = append(names, short(r.OperationID)+" on "+r.AgentID)
		}
		return "RECONCILE_OPERATIONS " + strings.Join(names, ", ")
	case Message:
		sum := sha256.Sum256(c.Data)
		host, digest := strings.TrimPrefix(c.AgentID, "S-"), hex.EncodeToString(sum[:])
		if w.heard[host] != digest {
			w.earlier[host] = w.heard[host]
		}
		w.heard[host] = digest
		text := fmt.Sprintf("MESSAGE to %s on %s: watch %s", short(c.ExecutorID), c.AgentID, short(string(c.Data)))
		if data := string(c.Data); strings.Contains(data, "asked at") && !strings.Contains(data, askedAt(w.m.connection.Since)) {
			text += ", and look now"
		}
		return text
	case Revive:
		return "REVIVE"
	case ExcludeHosts:
		return strings.TrimSpace("UPDATE_FRAMEWORK excluding " + cmp.Or(strings.Join(c.Hosts, " "), "no host"))
	case Suppress:
		return "SUPPRESS"
	case Kill:
		return "KILL " + short(c.TaskID)
	}
	return fmt.Sprintf("%T", c)
}

// operation tells how an operation before a pod's launch went. What the agent says is acknowledged.
func (w *world) operation(d *datadriven.TestData, args []string) {
	pods := maps.Clone(w.m.operations)
	for id, claim := range w.m.releasing {
		pods[id] = w.m.releases[claim].Pod
	}
	for id, pod := range pods {
		if pod == args[0] && strings.HasPrefix(id, args[1]) {
			s := OperationStatus{OperationID: id, State: args[2], Message: value(d, "message", "")}
			if args[2] == "FINISHED" && len(args) == 3 {
				w.uuids++
				s.AgentID, s.UUID = "S", bytes.Repeat([]byte{w.uuids}, 16)
				w.last = OperationUpdated{Status: s}
			}
			w.m.Take(w.now, OperationUpdated{Status: s})
			return
		}
	}
}

// operands lists what an operation is about, without the claim's id, which is random.
func operands(op offers.Operation) string {
	list := op.Resources
	if op.Type == offers.GrowVolume {
		list = offers.Resources{op.Volume, op.Addition}
	}
	var names []string
	for _, r := range list {
		name := r.Name
		if r.Disk != nil && r.Disk.Persistence != nil {
			name, _, _ = strings.Cut(r.Disk.Persistence.ID, ".")
			name = "volume of " + name
		}
		amount := r.Scalar.String()
		if r.Type == offers.Ranges {
			amount = fmt.Sprint(r.Ranges)
		}
		names = append(names, name+" "+amount)
	}
	return strings.Join(names, ", ")
}

func (w *world) view() string {
	var out strings.Builder
	v := w.m.view(w.now, w.m.evaluate(w.now))
	for _, p := range v.Plans {
		fmt.Fprintf(&out, "%s %s%s\n", p.Name, p.Status, holdTexts(p.Holds))
		for _, ph := range p.Phases {
			fmt.Fprintf(&out, "  %s %s%s\n", ph.Name, ph.Status, holdTexts(ph.Holds))
			for _, s := range ph.Steps {
				fmt.Fprintf(&out, "    %s %s%s\n", s.Name, s.Status, holdTexts(s.Holds))
			}
		}
	}
	for _, h := range v.Hosts {
		if h.Excluded {
			fmt.Fprintf(&out, "host %s is excluded\n", h.Key)
		}
		for _, hold := range h.Holds {
			fmt.Fprintf(&out, "host %s: %s\n", h.Key, hold.Text)
		}
	}
	for _, warning := range v.Warnings {
		fmt.Fprintf(&out, "warning: %s\n", warning.Text)
	}
	for _, s := range v.Strangers {
		fmt.Fprintf(&out, "stranger: %s on %s, %s\n", s.TaskID, s.AgentID, s.State)
	}
	return out.String()
}

func (w *world) show(pod string) string {
	var out strings.Builder
	v := podView(w.m.pods[pod], w.m.pods[pod].Claim.view())
	fmt.Fprintf(&out, "%s on %s: task %s %s %s\n", v.Name, v.Host, v.TaskID, v.State, v.Message)
	if c := v.Claim; c != nil {
		fmt.Fprintf(&out, "reserved: %s\n", c.Text)
	}
	for _, r := range v.Replaced {
		fmt.Fprintf(&out, "gave way: %s on %s, seen %q\n", r.TaskID, r.AgentID, r.Seen)
	}
	for _, c := range v.Consents {
		fmt.Fprintf(&out, "%s %s: %s by %s: %s (task %s on agent %s, host %s, was %s)\n", c.At.Format(time.TimeOnly), c.Verb, v.Name, c.By, c.Reason, c.TaskID, c.AgentID, c.Host, c.State)
	}
	return out.String()
}

func holdTexts(holds []plans.Hold) string {
	var out strings.Builder
	for _, h := range holds {
		fmt.Fprintf(&out, " [%s: %s]", h.Code, h.Text)
	}
	return out.String()
}

func (w *world) stored() string {
	var keys []string
	for k := range w.records {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return strings.Join(keys, "\n")
}
