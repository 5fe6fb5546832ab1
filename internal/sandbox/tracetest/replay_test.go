package tracetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// replay is one run of a recording against a sandbox. All of it happens in virtual time.
type replay struct {
	trace   *trace
	ledger  ledger
	flags   map[string]string
	dir     string
	sandbox *sandbox.Sandbox
	model   *cluster.Cluster // for what is called with its lock held
	network *network
	machine *machine
	ids     *bindings
	clients map[string]*client

	masterID string // of the recording, at the line that is replayed
	master   string // address
	agents   []*agentSpec
	hosts    map[int]string // addresses by port

	terms    int      // masters that have led before
	failures []string // of what notes made happen, under mu

	start   time.Time
	offset  time.Duration // how much later the replay is than the recording
	shifted struct {      // the last change of offset: when, and from what
		at, from time.Duration
	}
	poked      chan struct{}
	goroutines sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]bool
	planned []*planned // see after

	left        map[string]map[string]bool // types of events that the recording leaves out, by who
	current     atomic.Int64               // index of the line that is replayed
	ends        []*line                    // that tell of the end of a stream, to be checked
	late        []*line                    // calls that are made when their answer is due
	held        map[string]map[string]any  // offers of the replay that nobody has answered, by id
	extra       map[string]string          // headers of the next call, which the recording tells of in a note
	lastAgent   string                     // that an offer was wanted of
	problems    []string
	lastAllowed bool
	masterless  bool                    // its master has ended, without a note that says so
	polled      map[*line]bool          // answers to calls that the recording does not have
	slow        map[*line]time.Duration // how late events may be whose cause was inferred from them
	ahead       map[*line]bool          // calls that were made before their line's turn
	hidden      []hidden
	matched     int
	failed      int
	allowed     int
}

// run replays a recording. The result has what is to be told.
func run(t *testing.T, trace *trace, ledger ledger) *replay {
	t.Helper()
	r := &replay{
		trace: trace, ledger: ledger, flags: trace.flags(), dir: t.TempDir(), network: newNetwork(), ids: newBindings(),
		clients: map[string]*client{}, agents: trace.agents(), hosts: map[int]string{}, conns: map[net.Conn]bool{}, ahead: map[*line]bool{}, slow: map[*line]time.Duration{}, polled: map[*line]bool{}, hidden: trace.hiddenEnds(),
		left: map[string]map[string]bool{}, held: map[string]map[string]any{},
	}
	synctest.Test(t, func(t *testing.T) {
		r.poked = make(chan struct{}, 1)
		r.machine = newMachine(r)
		r.start = time.Now()
		if err := r.setUp(); err != nil {
			t.Fatal(err)
		}
		defer r.tearDown()
		r.places()
		for _, l := range trace.lines {
			r.current.Store(int64(l.number - 1))
			r.checkEnds(l)
			r.step(l)
		}
		r.checkEnds(nil)
		r.leftovers()
		r.problems = append(r.problems, r.failures...)
	})
	return r
}

// setUp starts a sandbox like the cluster of the recording.
func (r *replay) setUp() error {
	interval := duration(r.flags["allocation_interval"])
	fit := r.trace.fitBeat(interval)
	cfg := sandbox.Config{
		Runner: r.machine, Listen: r.network.listen,
		Model: cluster.Config{
			AllocationInterval: fit.period - time.Millisecond, FirstRound: fit.phase,
			Shuffle:           r.shuffle,
			Docker:            r.trace.runsDocker(),
			OfferTimeout:      duration(r.flags["offer_timeout"]),
			RegistrationLimit: duration(r.flags["executor_registration_timeout"]),
			ShutdownGrace:     duration(r.flags["executor_shutdown_grace_period"]),

			PingTimeout: duration(r.flags["agent_ping_timeout"]), PingTimeouts: r.number("max_agent_ping_timeouts"),
			ReregisterTimeout:   duration(r.flags["agent_reregister_timeout"]),
			ReregistrationLimit: duration(r.flags["executor_reregistration_timeout"]),
			Registry:            registries[r.flags["registry"]],
		},
	}
	infos := r.trace.masterInfos()
	if len(infos) == 0 {
		return fmt.Errorf("%s: no SUBSCRIBED event tells of the master", r.trace.name)
	}
	r.adoptMaster(infos[0])
	cfg.MasterAddress, cfg.Model.MasterID = r.master, r.masterID
	for _, info := range infos[1:] {
		if address := addressOfMaster(info); address != r.master && !slices.Contains(cfg.Standbys, address) {
			cfg.Standbys = append(cfg.Standbys, address)
			port, _ := dig(info, "port").(float64)
			r.hosts[int(port)] = address
		}
	}
	r.ids.bind(r.masterID, r.masterID)
	if domain := dig(infos[0], "domain"); domain != nil {
		cfg.Model.Domain = &mesos.DomainInfo{}
		if err := convert(domain, cfg.Model.Domain); err != nil {
			return err
		}
	}
	for _, spec := range r.agents {
		if r.hosts[spec.port] != "" {
			continue // the same machine with a new id, later
		}
		agent, err := r.agent(spec)
		if err != nil {
			return err
		}
		cfg.Agents = append(cfg.Agents, agent)
		r.hosts[spec.port] = net.JoinHostPort(spec.ip, strconv.Itoa(spec.port))
	}
	s, err := sandbox.Start(context.Background(), cfg)
	if r.sandbox = s; err != nil {
		return err
	}
	r.do(&line{}, func(_ time.Time, c *cluster.Cluster) ([]cluster.Effect, error) {
		r.model = c
		return nil, nil
	})
	return nil
}

var registries = map[string]cluster.RegistryKind{"in_memory": cluster.InMemory, "replicated_log": cluster.Replicated}

func (r *replay) number(flag string) int {
	n, _ := strconv.Atoi(r.flags[flag])
	return n
}

// adoptMaster takes a master of the recording as the one that calls go to.
func (r *replay) adoptMaster(info any) {
	r.masterID, _ = dig(info, "id").(string)
	r.master = addressOfMaster(info)
	port, _ := dig(info, "port").(float64)
	r.hosts[int(port)] = r.master
}

func addressOfMaster(info any) string {
	ip, _ := dig(info, "address", "ip").(string)
	port, _ := dig(info, "port").(float64)
	return net.JoinHostPort(ip, strconv.Itoa(int(port)))
}

// agent configures one agent, with the id that it had.
func (r *replay) agent(spec *agentSpec) (sandbox.Agent, error) {
	a := sandbox.Agent{
		Hostname: spec.hostname, IP: spec.ip, Port: spec.port, WorkDir: filepath.Join(r.dir, spec.id),
	}
	for _, resource := range spec.resources {
		var parsed mesos.Resource
		if err := convert(resource, &parsed); err != nil {
			return a, err
		}
		a.Further = append(a.Further, parsed)
	}
	for _, attribute := range spec.attributes {
		var parsed mesos.Attribute
		if err := convert(attribute, &parsed); err != nil {
			return a, err
		}
		a.FurtherAttributes = append(a.FurtherAttributes, parsed)
	}
	if spec.domain != nil {
		a.Domain = &mesos.DomainInfo{}
		if err := convert(spec.domain, a.Domain); err != nil {
			return a, err
		}
	}
	meta := filepath.Join(a.WorkDir, "meta", "slaves")
	if err := os.MkdirAll(meta, 0o755); err != nil {
		return a, err
	}
	return a, os.Symlink(spec.id, filepath.Join(meta, "latest"))
}

// convert makes a message of decoded JSON.
func convert(value, message any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return protojson.Unmarshal(text, message)
}

func (r *replay) tearDown() {
	_ = r.sandbox.Close()
	r.mu.Lock()
	for conn := range r.conns {
		_ = conn.Close()
	}
	r.mu.Unlock()
	for _, c := range r.clients {
		for _, raw := range c.raw {
			if raw.conn != nil {
				_ = raw.conn.Close()
			}
		}
	}
	r.goroutines.Wait()
}

func (r *replay) elapsed() time.Duration { return time.Since(r.start) }

// background counts a goroutine; the caller calls done at its end.
func (r *replay) background() (done func()) {
	r.goroutines.Add(1)
	return r.goroutines.Done
}

func (r *replay) remember(conn net.Conn) (forget func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[conn] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.conns, conn)
	}
}

// poke ends a waitUntil early: something has come.
func (r *replay) poke() {
	select {
	case r.poked <- struct{}{}:
	default:
	}
}

// settle lets everybody do what can be done without time going on.
func (r *replay) settle() { synctest.Wait() }

// waitUntil waits for something to come, or for a time of the replay.
func (r *replay) waitUntil(at time.Duration) {
	if wait := at - r.elapsed(); wait > 0 {
		select {
		case <-r.poked:
		case <-time.After(wait):
		}
	}
	r.settle()
}

// reach lets time go on until that of a line.
func (r *replay) reach(l *line) { r.pass(seconds(l.T) + r.offset - r.elapsed()) }

// pass lets some time go by.
func (r *replay) pass(span time.Duration) {
	if span > 0 {
		time.Sleep(span)
	}
	r.settle()
}

func (r *replay) step(l *line) {
	r.endHidden(l)
	switch l.Dir {
	case callLine:
		if r.ahead[l] {
			return
		}
		r.supply(l)
		r.reach(l)
		r.masterBack(l)
		r.writeSandboxFiles(l)
		r.shift(max(r.offset, r.elapsed()-seconds(l.T))) // it may have had to wait for an offer
		r.pass(r.travel(l))
		if r.overtaken(l) {
			r.late = append(r.late, l)
			return
		}
		r.makeCall(l)
		r.settle()
	case responseLine:
		if r.polled[l] {
			r.reach(l)
		}
		r.expectResponse(l)
	case eventLine:
		r.expectEvent(l)
	case noteLine:
		r.reach(l)
		r.shift(max(r.offset, r.elapsed()-seconds(l.T)))
		r.actOn(l)
		r.settle()
	}
}

// travel is how long it took, about, from the cause of a call of the recording to its effect: what it reacts to had come some
// time after it was sent, and the answer was there when it had an effect. It matters where a filter ends close to a round
// of offers.
func (r *replay) travel(l *line) time.Duration {
	const there, longest = 2 * time.Millisecond, 5 * time.Millisecond
	for _, next := range r.trace.lines[l.number:] {
		if r.trace.calls()[next] == l {
			return there + min(longest, seconds(next.T-l.T))
		}
	}
	return 0
}

// makeCall makes the call of a line as its `who`.
func (r *replay) makeCall(l *line) {
	c := r.client(l.Who)
	q := &request{
		address: r.addressOf(l), method: orText(l.HTTP.Method, http.MethodPost), path: orText(r.ids.translate(l.HTTP.Path), endpointOf(l)),
		header: map[string]string{}, body: r.bodyOf(l),
	}
	if len(l.HTTP.Headers) > 0 || l.HTTP.Case != "" {
		for name, value := range l.HTTP.Headers {
			q.header[name] = r.ids.translate(value)
		}
		c.callRaw(q)
		return
	}
	if q.method != http.MethodGet {
		q.header["Content-Type"] = "application/json"
		if !bytes.HasPrefix(q.body, []byte("{")) && len(q.body) > 0 {
			q.header["Content-Type"] = "application/x-www-form-urlencoded"
		}
	}
	q.header["Accept"] = "application/json"
	if l.HTTP.Path == "" && c.stream != "" {
		q.header["Mesos-Stream-Id"] = c.stream
	}
	for name, value := range r.extra {
		q.header[name] = value
	}
	r.extra = nil
	if r.isLost(l) {
		c.lose()
		return
	}
	c.call(q)
}

// reset is how the driver of the recordings notes that a connection was reset before there was an answer.
const reset = "ConnectionResetError"

// isLost tells whether a call met the end of its master. It is not made then: what matters is that it had no effect.
func (r *replay) isLost(l *line) bool {
	answer := r.answerOf(l)
	text, _ := answer.decoded.(string)
	return strings.Contains(text, reset)
}

// answerOf is the response line of a call.
func (r *replay) answerOf(l *line) *line {
	open := 0
	for _, next := range r.trace.lines[l.number:] {
		switch {
		case next.Who != l.Who:
		case next.Dir == callLine:
			open++
		case next.Dir == responseLine && open == 0:
			return next
		case next.Dir == responseLine:
			open--
		}
	}
	return &line{}
}

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// addressOf is where a call goes: to a port if the line has one, to the agent of an executor, or to the master.
func (r *replay) addressOf(l *line) string {
	if address := r.hosts[l.HTTP.Port]; l.HTTP.Port != 0 && address != "" {
		return address
	}
	if id, ok := strings.CutPrefix(l.Who, "executor:"); ok {
		if p := r.machine.process(id); p != nil {
			for _, a := range r.agents {
				if a.id == p.start.Agent {
					return r.hosts[a.port]
				}
			}
		}
	}
	return r.master
}

// bodyOf is the body of a call with the identifiers of the replay. A text is sent as it is, which may be no JSON.
func (r *replay) bodyOf(l *line) []byte {
	switch body := l.decoded.(type) {
	case nil:
		return nil
	case string:
		return []byte(r.ids.translate(body))
	case map[string]any:
		if text, ok := body["_bytes_base64"].(string); ok {
			data, _ := base64.StdEncoding.DecodeString(text)
			return data
		}
	}
	return []byte(r.ids.translate(string(l.Body)))
}

// expectResponse compares the answer to the oldest open call of a `who` with a line.
func (r *replay) expectResponse(l *line) {
	c := r.client(l.Who)
	if len(c.raw) > 0 {
		r.reach(l)
		a, err := c.takeRaw(r.callOf(l).HTTP.Method)
		if err != nil {
			r.problem(l, "answer: %v", err)
			return
		}
		r.compareAnswer(l, a)
		return
	}
	if call := r.callOf(l); slices.Contains(r.late, call) {
		r.closesFirst(l)
		r.reach(l)
		r.makeCall(call)
	}
	a := c.take()
	if a == nil {
		r.problem(l, "the recording has an answer to no call")
		return
	}
	for until := seconds(l.T) + r.offset + tolerance; !c.ready(a) && r.elapsed() < until; {
		r.waitUntil(until)
	}
	if !c.ready(a) {
		r.problem(l, "no answer")
		return
	}
	if text, _ := l.decoded.(string); a.err != nil && strings.Contains(text, reset) {
		r.count(true)
		return
	}
	if a.err != nil {
		r.problem(l, "answer: %v", a.err)
		return
	}
	r.compareAnswer(l, a)
}

// callOf is the call that a response line answers; the line itself if the recording has none.
func (r *replay) callOf(l *line) *line {
	if call := r.trace.calls()[l]; call != nil {
		return call
	}
	return l
}

// overtaken tells whether a call had its effect only after what comes before its answer: another call, sent later, was
// answered earlier; or a connection was closed, and the call, sent before, was refused because of that. It is not if what it
// brought comes before its answer.
func (r *replay) overtaken(l *line) bool {
	answered := false
	for _, next := range r.trace.lines[l.number:] {
		call := r.trace.calls()[next]
		if brings(l, next) {
			return false
		}
		if call == l {
			return answered || tooLate[next.text()] && (next.number > l.number+1 || r.endNotedAfter(next).number > 0)
		}
		answered = answered || call != nil && call.Who == l.Who && call.number > l.number
	}
	return false
}

// brings tells whether an event is what comes of a call: it tells of a task that the call launches, kills or asks for.
func brings(call, event *line) bool {
	task := event.text("update", "status", "task_id", "value")
	if event.Dir != eventLine || event.Who != call.Who || task == "" {
		return false
	}
	return call.text("kill", "task_id", "value") == task || slices.Contains(tasksNamed(call.at("reconcile", "tasks")), task) ||
		slices.ContainsFunc(list(call.at("accept", "operations")), func(op any) bool {
			return slices.Contains(tasksNamed(dig(op, "launch", "task_infos")), task) ||
				slices.Contains(tasksNamed(dig(op, "launch_group", "task_group", "tasks")), task)
		})
}

func list(value any) []any {
	items, _ := value.([]any)
	return items
}

func tasksNamed(value any) (ids []string) {
	for _, task := range list(value) {
		id, _ := dig(task, "task_id", "value").(string)
		ids = append(ids, id)
	}
	return ids
}

// closesFirst ends a stream whose end shows in the answer to a call, although it is noted only behind that.
func (r *replay) closesFirst(l *line) {
	if ended := r.endNotedAfter(l); tooLate[l.text()] && ended.number > 0 {
		r.hangUp(ended, []string{"", l.Who})
	}
}

func (r *replay) endNotedAfter(l *line) *line {
	return r.trace.next(l, swapped, func(other *line) bool {
		return other.Dir == noteLine && other.Who == l.Who && closedByUs.MatchString(other.note())
	})
}

// tooLate are answers to calls that came after the end of a subscription.
var tooLate = map[string]bool{"Framework is not subscribed": true, "Framework cannot be found": true}

func (r *replay) compareAnswer(l *line, a *answer) {
	if a.status == http.StatusAccepted {
		r.answered(r.callOf(l)) // otherwise its offers are still there
	}
	c := comparison{ids: r.ids}
	status, proto := l.HTTP.Status, a.proto
	if l.HTTP.StatusLine != "" {
		proto, _, _ = strings.Cut(l.HTTP.StatusLine, " ")
		want := l.HTTP.StatusLine
		if got := fmt.Sprintf("%s %d %s", a.proto, a.status, http.StatusText(a.status)); want != got {
			c.differ("status line", want, got)
		}
	} else if status != 0 && status != a.status {
		c.differ("status", float64(status), float64(a.status))
	}
	if proto != a.proto {
		c.differ("protocol", proto, a.proto)
	}
	r.compareHeaders(&c, l, a)
	r.compareBody(&c, l, a)
	good := true
	for _, d := range c.differences {
		r.problem(l, "answer to %s: %s", r.callOf(l).typ(), d)
		good = good && r.lastAllowed
	}
	r.count(good)
}

// compareHeaders knows that of a 202 the recording keeps only the status, since all are alike.
func (r *replay) compareHeaders(c *comparison, l *line, a *answer) {
	want := l.HTTP.Headers
	if want == nil && l.HTTP.Status == http.StatusAccepted {
		want = map[string]string{"Date": "", "Content-Length": "0"}
	}
	if want == nil {
		return
	}
	for _, name := range sortedKeys(want) {
		value, got := want[name], a.header.Get(name)
		// Paths in some bodies were changed after the recording, and JSON has numbers in it that are as they are.
		text, isText := l.decoded.(string)
		isText = isText && strconv.Itoa(len(text)) == value
		switch {
		case got == "":
			c.differ("header "+name, value, nil)
		case name == "Date", name == "Content-Length" && !isText:
		case !c.texts(value, got):
			c.differ("header "+name, value, got)
		}
	}
	for _, name := range sortedKeys(a.header) {
		if _, ok := want[name]; !ok {
			c.differ("header "+name, nil, a.header.Get(name))
		}
	}
}

const streamFollows = "(chunked stream of RecordIO events follows)"

func (r *replay) compareBody(c *comparison, l *line, a *answer) {
	switch want := l.decoded.(type) {
	case string:
		switch {
		case want == streamFollows || want == executorStreamFollows || want == operatorStreamFollows:
			if !a.stream {
				c.differ("body", want, a.body)
			}
		case a.stream:
			compareChunks(c, want, a.body)
		case !c.texts(want, a.body):
			c.differ("body", want, a.body)
		}
	case map[string]any:
		if text, ok := want["_bytes_base64"].(string); ok {
			data, _ := base64.StdEncoding.DecodeString(text)
			comparePrefix(c, data, []byte(a.body))
			return
		}
		r.compareJSON(c, want, a)
	default:
		r.compareJSON(c, want, a)
	}
}

func (r *replay) compareJSON(c *comparison, want any, a *answer) {
	if object, ok := want.(map[string]any); ok && object["_cut"] != nil {
		c.cut = true
		delete(object, "_cut")
	}
	var got any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		c.differ("body", want, a.body)
		return
	}
	c.values("", want, got)
}

// actOn does what a note says. One that is in no table is a remark.
func (r *replay) actOn(l *line) {
	text := l.note()
	for _, n := range notes {
		if m := n.pattern.FindStringSubmatch(text); m != nil {
			n.act(r, l, m)
			return
		}
	}
}

// problem notes that something is not as recorded, unless that is allowed.
func (r *replay) problem(l *line, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if r.lastAllowed = r.ledger.allow(r, l, text); r.lastAllowed {
		r.allowed++
		return
	}
	r.failed++
	r.problems = append(r.problems, fmt.Sprintf("%s %s  [%s]\n    %s", r.trace.where(l), l.Who, r.trace.caseOf(l), text))
}

func (r *replay) count(good bool) {
	if good {
		r.matched++
	}
}

// leave notes that the recording leaves out a type of events of a `who`.
func (r *replay) leave(who, typ string) {
	if r.left[who] == nil {
		r.left[who] = map[string]bool{}
	}
	r.left[who][typ] = true
}

// omits tells whether an event need not be in the recording.
func (r *replay) omits(c *client, body any) bool { return r.left[c.name][typeOf(body)] }

// leftovers complains of events that the recording does not have. Heartbeats come by the clock, and a recording may end or
// begin to leave them out between two.
func (r *replay) leftovers() {
	last := r.trace.lines[len(r.trace.lines)-1]
	for _, who := range sortedKeys(r.clients) {
		c := r.clients[who]
		r.checkHeartbeats(c, last)
		for _, g := range c.events {
			if g.paired || typeOf(g.body) == "HEARTBEAT" || r.omits(c, g.body) || r.untold(c, g.body) || r.lastRound(c, g, last) {
				continue
			}
			near := r.near(g, last)
			near.Who = who
			r.problem(near, "unexpected at %.3f: %s", g.at.Seconds(), describe(g.body))
		}
	}
}

// lastRound tells whether an event is OFFERS just before the end of its stream, or of all: the round of the recording may have been after that.
func (r *replay) lastRound(c *client, g *got, last *line) bool {
	end := seconds(last.T) + r.offset
	if c.end() != "" {
		end = min(end, c.endedAt)
	}
	return typeOf(g.body) == "OFFERS" && g.at > end-tolerance
}

// untold tells whether an offer is rescinded that the recording does not have.
func (r *replay) untold(c *client, body any) bool {
	id, _ := dig(body, "rescind", "offer_id", "value").(string)
	_, told := r.ids.backward[id]
	return id != "" && !told && r.left[c.name]["OFFERS"]
}

// near is the line before an event, with the time of the event, if the two clocks had always been alike.
func (r *replay) near(g *got, last *line) *line {
	copied := *last
	if i := slices.IndexFunc(r.trace.lines, func(l *line) bool { return seconds(l.T) > g.at }); i > 0 {
		copied = *r.trace.lines[i-1]
	}
	copied.T = g.at.Seconds()
	return &copied
}
