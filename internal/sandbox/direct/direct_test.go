package direct_test

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/direct"
)

var start = time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)

// world is a cluster with one scheduler, whose events it reads as a scheduler would.
type world struct {
	t *testing.T
	direct.Cluster
	now    time.Time
	stream string
	events []*scheduler.Event
	rest   []direct.Effect // that are no records
}

func newWorld(t *testing.T) *world {
	t.Helper()
	var ids uint64
	return &world{t: t, now: start, Cluster: direct.Cluster{Model: cluster.New(start, cluster.Config{
		MasterID: "M", Hostname: "master", IP: "127.0.0.1", Port: 5050,
		NewID: func() (id [16]byte) {
			ids++
			binary.BigEndian.PutUint64(id[8:], ids)
			return id
		},
	})}}
}

// take sorts effects into events of the scheduler and the rest.
func (w *world) take(effects []direct.Effect) {
	w.t.Helper()
	w.events, w.rest = nil, nil
	for _, effect := range effects {
		record, ok := effect.(direct.Record)
		if !ok {
			w.rest = append(w.rest, effect)
			continue
		}
		event := &scheduler.Event{}
		if err := event.Unmarshal(record.Bytes); err != nil {
			w.t.Fatalf("record %q: %v", record.Bytes, err)
		}
		w.events = append(w.events, event)
	}
}

func (w *world) host(name string) string {
	w.t.Helper()
	id, effects := w.AddAgent(w.now, direct.Host{Hostname: name, IP: "10.0.0.1", CPUs: 4, MemMB: 1024, DiskMB: 100, Ports: [][2]uint64{{31000, 31009}}})
	w.take(effects)
	return id
}

func (w *world) subscribe(call *scheduler.Call) direct.Answer {
	w.t.Helper()
	if call == nil {
		yes, failover := true, 60.0
		call = &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &mesos.FrameworkInfo{
			User: "root", Name: "A", Roles: []string{"dev"}, Checkpoint: &yes, FailoverTimeout: &failover,
			Capabilities: []mesos.FrameworkInfo_Capability{
				{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}, {Type: mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT},
				{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
			},
		}}}
	}
	stream, answer, effects := w.Subscribe(w.now, w.bytes(call))
	w.stream = stream
	w.take(effects)
	return answer
}

func (w *world) bytes(call *scheduler.Call) []byte {
	w.t.Helper()
	body, err := call.Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	return body
}

func (w *world) call(call *scheduler.Call) direct.Answer {
	w.t.Helper()
	call.FrameworkID = &mesos.FrameworkID{Value: "M-0000"}
	answer, effects := w.Call(w.now, w.stream, w.bytes(call))
	w.take(effects)
	return answer
}

// launch launches a task on an offer: a command, or one of a custom executor.
func (w *world) launch(offer, task, executor string) {
	w.t.Helper()
	value := "sleep 1000"
	info := mesos.TaskInfo{
		Name: task, TaskID: mesos.TaskID{Value: task}, AgentID: mesos.AgentID{Value: "M-S0"},
		Resources: []mesos.Resource{cluster.Scalar("cpus", 0.1), cluster.Scalar("mem", 32)},
	}
	if executor == "" {
		info.Command = &mesos.CommandInfo{Value: &value}
	} else {
		info.Executor = &mesos.ExecutorInfo{
			Type: mesos.ExecutorInfo_CUSTOM, ExecutorID: mesos.ExecutorID{Value: executor}, Command: &mesos.CommandInfo{Value: &value},
		}
	}
	refuse := 0.0
	answer := w.call(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{{Value: offer}}, Filters: &mesos.Filters{RefuseSeconds: &refuse},
		Operations: []mesos.Offer_Operation{{Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{info}}}},
	}})
	w.answered(answer, direct.Answer{Status: 202})
}

func (w *world) answered(got, want direct.Answer) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("the answer is %d %q, want %d %q", got.Status, got.Text, want.Status, want.Text)
	}
}

// types are those of the events since the last call.
func (w *world) types() string {
	var types []string
	for _, event := range w.events {
		name := event.Type.String()
		if event.Type == scheduler.Event_UPDATE {
			status := event.Update.Status
			name = fmt.Sprintf("%s %s %s", name, status.TaskID.Value, strings.TrimPrefix(status.GetState().String(), "TASK_"))
		}
		types = append(types, name)
	}
	return strings.Join(types, ", ")
}

func (w *world) saw(types string, rest ...direct.Effect) {
	w.t.Helper()
	if got := w.types(); got != types {
		w.t.Errorf("events: got %s, want %s", got, types)
	}
	if diff := cmp.Diff(rest, w.rest); diff != "" {
		w.t.Errorf("other effects (-want +got):\n%s", diff)
	}
}

func (w *world) wait(d time.Duration) {
	w.t.Helper()
	end := w.now.Add(d)
	var all []direct.Effect
	for next := w.Model.NextWake(); !next.IsZero() && !next.After(end); next = w.Model.NextWake() {
		w.now = next
		all = append(all, w.Tick(w.now)...)
	}
	w.now = end
	w.take(all)
}

// A call that is no protobuf, or not a good one, is refused with the master's words, and nothing comes of it.
func TestBadBytes(t *testing.T) {
	w := newWorld(t)
	w.subscribe(nil)
	for _, test := range []struct {
		name string
		body []byte
		want string
	}{
		{"no protobuf", []byte("{}"), "Failed to parse body into Call protobuf"},
		{"nothing", nil, "Failed to validate scheduler::Call: Expecting 'type' to be present"},
		{"no body", w.bytes(&scheduler.Call{Type: scheduler.Call_KILL, FrameworkID: &mesos.FrameworkID{Value: "M-0000"}}),
			"Failed to validate scheduler::Call: Expecting 'kill' to be present"},
		{"no framework", w.bytes(&scheduler.Call{Type: scheduler.Call_REVIVE}), "Failed to validate scheduler::Call: Expecting 'framework_id' to be present"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, effects := w.Call(w.now, w.stream, test.body)
			if want := (direct.Answer{Status: 400, Text: test.want}); answer != want || len(effects) > 0 {
				t.Errorf("as a call: got %v with %v, want %v with nothing", answer, effects, want)
			}
			stream, answer, effects := w.Subscribe(w.now, test.body)
			if want := (direct.Answer{Status: 400, Text: test.want}); answer != want || len(effects) > 0 || stream != "" {
				t.Errorf("as a subscription: got %q %v with %v, want %v with nothing", stream, answer, effects, want)
			}
		})
	}
}

// Who calls is checked as by the master; the refusal comes back as it is.
func TestForeignStream(t *testing.T) {
	w := newWorld(t)
	w.subscribe(nil)
	w.stream = "other"
	w.answered(w.call(&scheduler.Call{Type: scheduler.Call_REVIVE}), direct.Answer{Status: 400,
		Text: "The stream ID 'other' included in this request didn't match the stream ID currently associated with framework ID M-0000"})
}

// An event is a record of the stream that it is for; a stream ends after what was sent before.
func TestRecordsAndEnds(t *testing.T) {
	w := newWorld(t)
	if id := w.host("h0"); id != "M-S0" {
		t.Errorf("the agent is %s, want M-S0", id)
	}
	w.answered(w.subscribe(nil), direct.Answer{Status: 200})
	w.saw("SUBSCRIBED, HEARTBEAT, OFFERS")
	first := w.stream
	yes := *w.events[0].Subscribed.FrameworkID
	w.subscribe(&scheduler.Call{Type: scheduler.Call_SUBSCRIBE, FrameworkID: &yes, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &mesos.FrameworkInfo{
		User: "root", Name: "A", ID: &yes, Roles: []string{"dev"}, Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}},
	}}})
	w.saw("ERROR, SUBSCRIBED, HEARTBEAT", direct.Ended{Stream: first}) // offers are a matter of the next round
	w.take(w.Disconnect(w.now, w.stream))
	w.saw("") // its failover_timeout is 0: it is removed, and nobody is there to hear of it
	w.answered(w.call(&scheduler.Call{Type: scheduler.Call_REVIVE}), direct.Answer{Status: 400, Text: "Framework cannot be found"})
}

// Offer constraints, which the generated calls have no place for, come in the same bytes.
func TestOfferConstraints(t *testing.T) {
	w := newWorld(t)
	for i, rack := range []string{"r1", "r2"} {
		w.AddAgent(w.now, direct.Host{
			Hostname: fmt.Sprint("h", i), IP: fmt.Sprint("10.0.0.", i), CPUs: 1, MemMB: 64, DiskMB: 1,
			TextAttributes: map[string]string{"zone": "z", "rack": rack}, AttributesOrder: []string{"zone", "rack"},
		})
	}
	call := &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &mesos.FrameworkInfo{
		User: "root", Name: "A", Roles: []string{"dev"}, Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}},
	}}}
	plain := w.bytes(call)
	// offer_constraints is field 3 of subscribe: {"dev": [[rack text_equals r2]]}. It goes to the end of subscribe, which is the last field.
	bytesField := func(number int, value string) string {
		return string([]byte{byte(number<<3 | 2), byte(len(value))}) + value
	}
	selector, predicate := bytesField(2, "rack"), bytesField(3, bytesField(1, "r2"))
	constraint := bytesField(1, selector) + bytesField(2, predicate)
	groups := bytesField(1, bytesField(1, constraint))
	constraints := bytesField(3, bytesField(1, bytesField(1, "dev")+bytesField(2, groups)))
	inner, err := call.Subscribe.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	head := plain[:len(plain)-len(inner)-2]
	body := string(head) + bytesField(3, string(inner)+constraints)
	stream, answer, effects := w.Subscribe(w.now, []byte(body))
	w.answered(answer, direct.Answer{Status: 200})
	w.stream = stream
	w.take(effects)
	w.saw("SUBSCRIBED, HEARTBEAT, OFFERS")
	offers := w.events[2].Offers.Offers
	if len(offers) != 1 || offers[0].Hostname != "h1" {
		t.Fatalf("offers of %v, want h1 alone", offers)
	}
	var names []string
	for _, a := range offers[0].Attributes {
		names = append(names, a.Name+"="+a.Text.Value)
	}
	if got := strings.Join(names, " "); got != "zone=z rack=r2" {
		t.Errorf("attributes %s, want them in the order in which they are told", got)
	}
}

// What an agent is made of comes back in offers, disks included.
func TestHost(t *testing.T) {
	w := newWorld(t)
	w.AddAgent(w.now, direct.Host{
		Hostname: "h", IP: "10.0.0.1", CPUs: 4, MemMB: 1024, DiskMB: 100, Ports: [][2]uint64{{1, 2}, {5, 9}},
		Disks: []direct.Disk{{Root: "/mnt/a", MB: 500}},
	})
	w.subscribe(nil)
	var texts []string
	for _, r := range w.events[2].Offers.Offers[0].Resources {
		text := r.Name
		switch {
		case r.Scalar != nil:
			text += fmt.Sprint(":", r.Scalar.Value)
		case r.Ranges != nil:
			for _, span := range r.Ranges.Range {
				text += fmt.Sprintf(":%d-%d", span.Begin, span.End)
			}
		}
		if source := r.GetDisk().GetSource(); source != nil {
			text += " " + source.Type.String() + " " + source.Mount.GetRoot()
		}
		texts = append(texts, text)
	}
	want := []string{"cpus:4", "mem:1024", "disk:100", "ports:1-2:5-9", "disk:500 MOUNT /mnt/a"}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("resources on offer (-want +got):\n%s", diff)
	}
}

// The process of a command task is started by the caller, who tells how it went; KILL becomes a signal, and SIGKILL follows.
func TestCommandTask(t *testing.T) {
	w := newWorld(t)
	w.host("h0")
	w.subscribe(nil)
	w.launch("M-O0", "t1", "")
	start, ok := w.rest[0].(direct.Start)
	if !ok || start.Command != "sleep 1000" || start.Custom || start.Executor != "t1" || start.Framework != "M-0000" || start.Agent != "M-S0" {
		t.Fatalf("got %+v, want the start of t1", w.rest)
	}
	w.take(w.Started(w.now, start.Container, 7))
	w.saw("UPDATE t1 STARTING")
	kill := func() {
		w.answered(w.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: "t1"}}}), direct.Answer{Status: 202})
	}
	kill()
	w.saw("", direct.Signal{Container: start.Container})
	w.wait(4 * time.Second)
	if diff := cmp.Diff([]direct.Effect{direct.Signal{Container: start.Container, Kill: true}}, w.rest); diff != "" {
		t.Errorf("after its grace (-want +got):\n%s", diff)
	}
	w.take(w.Exited(w.now, start.Container, 9))
	w.saw("") // it waits behind TASK_STARTING
}

// A process that can't be started is a failed task.
func TestFailedStart(t *testing.T) {
	w := newWorld(t)
	w.host("h0")
	w.subscribe(nil)
	w.launch("M-O0", "t1", "")
	w.take(w.Failed(w.now, w.rest[0].(direct.Start).Container, "no such file"))
	w.saw("UPDATE t1 FAILED")
	if text := w.events[0].Update.Status.GetMessage(); text != "Failed to launch container: no such file" {
		t.Errorf("the message is %q", text)
	}
}

// An executor subscribes, is told all that an agent tells one, and what it says goes to the scheduler.
func TestExecutor(t *testing.T) {
	w := newWorld(t)
	w.host("h0")
	w.subscribe(nil)
	w.launch("M-O0", "t1", "e1")
	start := w.rest[0].(direct.Start)
	if !start.Custom || start.Executor != "e1" {
		t.Fatalf("got %+v, want the start of e1", start)
	}
	w.take(w.Started(w.now, start.Container, 7))
	e := direct.Executor{Agent: "M-S0", Framework: "M-0000", ID: "e1"}

	_, answer, _ := w.ExecutorSubscribe(w.now, direct.Executor{Agent: "M-S0", Framework: "M-0000", ID: "no"}, nil, nil)
	w.answered(answer, direct.Answer{Status: 400, Text: "Executor cannot be found"})
	answer, _ = w.ExecutorUpdate(w.now, e, direct.Update{TaskID: "t1", State: "RUNNING", UUID: make([]byte, 16)})
	w.answered(answer, direct.Answer{Status: 403, Text: "Executor is not subscribed"})

	stream, answer, effects := w.ExecutorSubscribe(w.now, e, nil, nil)
	w.answered(answer, direct.Answer{Status: 200})
	w.take(effects)
	w.saw("", direct.ToExecutor{Stream: stream, Type: direct.Subscribed}, direct.ToExecutor{Stream: stream, Type: direct.Launch, TaskID: "t1"})

	answer, _ = w.ExecutorUpdate(w.now, e, direct.Update{TaskID: "t1", State: "RUNNING", UUID: []byte("short")})
	w.answered(answer, direct.Answer{Status: 400, Text: "Failed to validate Executor::Call: Not a valid UUID"})
	uuid := []byte("0123456789abcdef")
	answer, effects = w.ExecutorUpdate(w.now, e, direct.Update{TaskID: "t1", State: "RUNNING", Message: "up", Data: []byte("d"), UUID: uuid})
	w.answered(answer, direct.Answer{Status: 202})
	w.take(effects)
	w.saw("UPDATE t1 RUNNING", direct.ToExecutor{Stream: stream, Type: direct.Acknowledged, TaskID: "t1", UUID: uuid})
	status := w.events[0].Update.Status
	if status.GetMessage() != "up" || string(status.Data) != "d" || string(status.UUID) != string(uuid) || status.ExecutorID.Value != "e1" {
		t.Errorf("the update is %v", status)
	}

	w.call(&scheduler.Call{Type: scheduler.Call_MESSAGE, Message: &scheduler.Call_Message{
		AgentID: mesos.AgentID{Value: "M-S0"}, ExecutorID: mesos.ExecutorID{Value: "e1"}, Data: []byte("hello"),
	}})
	w.saw("", direct.ToExecutor{Stream: stream, Type: direct.Message, Data: []byte("hello")})
	w.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: "t1"}}})
	w.saw("", direct.ToExecutor{Stream: stream, Type: direct.Kill, TaskID: "t1"})
	w.call(&scheduler.Call{Type: scheduler.Call_SHUTDOWN, Shutdown: &scheduler.Call_Shutdown{
		AgentID: mesos.AgentID{Value: "M-S0"}, ExecutorID: mesos.ExecutorID{Value: "e1"},
	}})
	w.saw("", direct.ToExecutor{Stream: stream, Type: direct.Shutdown})
	w.take(w.Exited(w.now, start.Container, 0))
	w.saw("FAILURE", direct.ExecutorEnded{Stream: stream}) // what becomes of t1 waits behind its TASK_RUNNING
}

// An executor that comes back brings what its agent has not acknowledged, and its tasks; one that it does not name is dropped if the
// agent has been started again.
func TestExecutorReturns(t *testing.T) {
	w := newWorld(t)
	w.host("h0")
	w.subscribe(nil)
	w.launch("M-O0", "t1", "e1")
	w.take(w.Started(w.now, w.rest[0].(direct.Start).Container, 7))
	e := direct.Executor{Agent: "M-S0", Framework: "M-0000", ID: "e1"}
	stream, _, _ := w.ExecutorSubscribe(w.now, e, nil, nil)
	w.wait(2 * time.Second)
	w.launch("M-O1", "t2", "e1")
	w.saw("", direct.ToExecutor{Stream: stream, Type: direct.Launch, TaskID: "t2"})
	w.take(w.KillAgent(w.now, "M-S0"))
	w.saw("", direct.ExecutorEnded{Stream: stream})
	effects, err := w.StartAgent(w.now, "M-S0", false)
	if err != nil {
		t.Fatal(err)
	}
	w.take(effects)
	if _, err := w.StartAgent(w.now, "M-S0", false); err == nil {
		t.Error("an agent that runs starts again")
	}
	w.wait(300 * time.Millisecond)
	uuid := []byte("0123456789abcdef")
	stream, answer, effects := w.ExecutorSubscribe(w.now, e, []direct.Update{{TaskID: "t1", State: "RUNNING", UUID: uuid}}, []string{"t1"})
	w.answered(answer, direct.Answer{Status: 200})
	w.take(effects)
	w.saw("", direct.ToExecutor{Stream: stream, Type: direct.Subscribed}, direct.ToExecutor{Stream: stream, Type: direct.Acknowledged, TaskID: "t1", UUID: uuid})
	w.wait(10 * time.Second)
	if types := w.types(); !strings.Contains(types, "UPDATE t1 RUNNING") || !strings.Contains(types, "UPDATE t2 DROPPED") {
		t.Errorf("when the agent is back there are %s, want t1 RUNNING and t2 DROPPED", types)
	}
}

// Agents that forget who they were are others, and the caller is told.
func TestRegistered(t *testing.T) {
	w := newWorld(t)
	w.host("h0")
	w.subscribe(nil)
	w.take(w.KillAgent(w.now, "M-S0"))
	effects, err := w.StartAgent(w.now, "M-S0", true)
	if err != nil {
		t.Fatal(err)
	}
	w.take(effects)
	w.wait(10 * time.Second)
	if diff := cmp.Diff([]direct.Effect{direct.Registered{Former: "M-S0", ID: "M-S1", Hostname: "h0"}}, w.rest); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A machine that reboots loses what ran there; one that is cut off keeps it, and comes back with it.
func TestRebootAndPartition(t *testing.T) {
	w := newWorld(t)
	w.host("h0")
	w.subscribe(nil)
	w.launch("M-O0", "t1", "")
	container := w.rest[0].(direct.Start).Container
	w.take(w.Started(w.now, container, 7))
	w.take(w.PartitionAgent(w.now, "M-S0"))
	w.saw("")
	w.wait(2 * time.Minute)
	if types := w.types(); !strings.Contains(types, "UPDATE t1 UNREACHABLE") {
		t.Errorf("cut off: %s, want t1 UNREACHABLE", types)
	}
	w.take(w.HealAgent(w.now, "M-S0"))
	w.wait(10 * time.Second)
	if types := w.types(); !strings.Contains(types, "UPDATE t1 RUNNING") {
		t.Errorf("back: %s, want t1 RUNNING", types)
	}
	w.take(w.RebootAgent(w.now, "M-S0"))
	if diff := cmp.Diff([]direct.Effect{direct.Signal{Container: container, Kill: true}}, w.rest); diff != "" {
		t.Errorf("reboot (-want +got):\n%s", diff)
	}
}

// A failover goes through the stages that are longer than nothing, in their order, and says what calls are answered with meanwhile.
func TestFailOver(t *testing.T) {
	w := newWorld(t)
	w.host("h0")
	w.subscribe(nil)
	old := w.stream
	w.take(w.FailOver(w.now, direct.Outage{Down: time.Second, Starting: time.Second, Leaderless: time.Second, Recovering: time.Second, Back: 5 * time.Second}))
	w.saw("", direct.Ended{Stream: old})
	for _, want := range []struct {
		answer direct.Answer
		down   bool
	}{
		{direct.Answer{Status: 503, Text: "connection refused"}, true},
		{direct.Answer{Status: 404, Text: "404 Not Found."}, false},
		{direct.Answer{Status: 503, Text: "No leader elected"}, false},
		{direct.Answer{Status: 503, Text: "Master has not finished recovery"}, false},
		{direct.Answer{}, false},
	} {
		answer, down := w.Unavailable()
		w.answered(answer, want.answer)
		if down != want.down {
			t.Errorf("%s: down is %t", want.answer.Text, down)
		}
		if answer.Status != 0 {
			w.answered(w.subscribe(nil), answer)
			if w.stream != "" {
				t.Errorf("%s: there is a stream", answer.Text)
			}
			w.answered(w.call(&scheduler.Call{Type: scheduler.Call_REVIVE}), answer)
		}
		w.wait(time.Second)
	}
	w.subscribe(nil)
	w.saw("SUBSCRIBED, HEARTBEAT")
	w.wait(3 * time.Second)
	w.saw("")
	w.wait(2 * time.Second)
	w.saw("OFFERS")

	w.take(w.FailOver(w.now, direct.Outage{}))
	if answer, down := w.Unavailable(); answer.Status != 0 || down {
		t.Errorf("an outage of no length: %v", answer)
	}
}

// The same calls give the same effects, byte for byte.
func TestRepeatable(t *testing.T) {
	run := func() (all []direct.Effect) {
		w := newWorld(t)
		keep := func(effects []direct.Effect) {
			all = append(all, effects...)
			w.take(effects)
		}
		id, effects := w.AddAgent(w.now, direct.Host{Hostname: "h", IP: "10.0.0.1", CPUs: 4, MemMB: 1024, DiskMB: 1})
		keep(effects)
		w.subscribe(nil)
		w.launch("M-O0", "t1", "e1")
		all = append(all, w.rest...)
		keep(w.Started(w.now, w.rest[0].(direct.Start).Container, 7))
		stream, _, effects := w.ExecutorSubscribe(w.now, direct.Executor{Agent: id, Framework: "M-0000", ID: "e1"}, nil, nil)
		keep(effects)
		keep(w.PartitionAgent(w.now, id))
		for range 40 {
			w.now = w.Model.NextWake()
			keep(w.Tick(w.now))
		}
		keep(w.HealAgent(w.now, id))
		keep(w.FailOver(w.now, direct.Outage{Down: time.Second}))
		return append(all, direct.ExecutorEnded{Stream: stream})
	}
	first := run()
	if len(first) < 20 {
		t.Fatalf("only %d effects", len(first))
	}
	if second := run(); !reflect.DeepEqual(first, second) {
		t.Error(cmp.Diff(first, second))
	}
}
