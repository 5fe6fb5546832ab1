package sandbox_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// faulty is a sandbox with one agent and everything in it quick, and a client that is subscribed.
func faulty(t *testing.T, c codec) (*sandbox.Sandbox, *client) {
	t.Helper()
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.AllocationInterval = 20 * time.Millisecond
	cfg.Model = cluster.Config{RetryInterval: 50 * time.Millisecond, HeartbeatInterval: 20 * time.Millisecond}
	s := start(t, cfg)
	client := newClient(t, s.MasterAddress(), c)
	client.subscribe()
	return s, client
}

func inject(t *testing.T, s *sandbox.Sandbox, f fault.Fault) fault.Active {
	t.Helper()
	active, err := s.Inject(f)
	if err != nil {
		t.Fatal(err)
	}
	return active
}

// refused posts a call that gets no answer.
func (c *client) unanswered(call *scheduler.Call) {
	c.t.Helper()
	call.FrameworkID = &mesos.FrameworkID{Value: c.id}
	response, err := http.DefaultClient.Do(c.request(c.ctx, call))
	if err == nil {
		response.Body.Close()
		c.t.Fatalf("%s: answered with %s, want a broken connection", call.Type, response.Status)
	}
}

func acceptOf(offer mesos.Offer, task mesos.TaskInfo) *scheduler.Call {
	task.AgentID = offer.AgentID
	task.Resources = []mesos.Resource{scalar("cpus", 0.1), scalar("mem", 32)}
	return &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{offer.ID},
		Operations: []mesos.Offer_Operation{{
			Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{task}},
		}},
	}}
}

func reconcileOf(task string) *scheduler.Call {
	return &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{
		Tasks: []scheduler.Call_Reconcile_Task{{TaskID: mesos.TaskID{Value: task}}},
	}}
}

func TestLostCalls(t *testing.T) {
	t.Run("before their effect", func(t *testing.T) {
		s, c := faulty(t, protobufCodec())
		offer := c.offer()
		inject(t, s, fault.Fault{Kind: fault.CallLostBefore, Call: "ACCEPT"})
		c.unanswered(acceptOf(offer, shell("t1", "sleep 1000")))
		c.call(reconcileOf("t1"))
		c.update("t1", mesos.TASK_UNKNOWN)
		c.call(acceptOf(offer, shell("t1", "sleep 1000"))) // the offer is still good
		c.update("t1", mesos.TASK_STARTING)
	})
	t.Run("after their effect", func(t *testing.T) {
		s, c := faulty(t, protobufCodec())
		offer := c.offer()
		inject(t, s, fault.Fault{Kind: fault.CallLostAfter, Call: "ACCEPT"})
		c.unanswered(acceptOf(offer, shell("t1", "sleep 1000")))
		c.update("t1", mesos.TASK_STARTING)
		c.call(acceptOf(offer, shell("t2", "sleep 1000")))
		c.update("t2", mesos.TASK_DROPPED) // the offer is gone
	})
	t.Run("a subscription after its effect", func(t *testing.T) {
		s, c := faulty(t, protobufCodec())
		inject(t, s, fault.Fault{Kind: fault.CallLostAfter, Call: "SUBSCRIBE", Framework: c.info.Name})
		other := newClient(t, s.MasterAddress(), protobufCodec())
		other.id = c.id
		call := &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &other.info}}
		other.info.ID = &mesos.FrameworkID{Value: c.id}
		other.unanswered(call)
		c.next(scheduler.Event_ERROR) // the one before was thrown out all the same
		other.subscribe()
	})
}

// Calls are chosen by what they are about: the agent of their offers, or a task.
func TestChosenCalls(t *testing.T) {
	s, c := faulty(t, protobufCodec())
	inject(t, s, fault.Fault{Kind: fault.CallStatus, Status: 500, Agent: "127.0.3.1", Call: "DECLINE"})
	inject(t, s, fault.Fault{Kind: fault.CallStatus, Status: 500, Task: "t2"})
	offer, none := c.offer(), 0.0
	decline := &scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
		OfferIDs: []mesos.OfferID{{Value: "of-nobody"}}, Filters: &mesos.Filters{RefuseSeconds: &none}}}
	c.call(decline)
	decline.Decline.OfferIDs[0] = offer.ID
	if status, _ := c.try(decline); status != 500 {
		t.Errorf("decline of an offer of the agent: %d", status)
	}
	if status, _ := c.try(acceptOf(offer, shell("t2", "sleep 1000"))); status != 500 {
		t.Errorf("accept for t2: %d", status)
	}
	c.call(acceptOf(offer, shell("t1", "sleep 1000")))
	c.update("t1", mesos.TASK_STARTING)
}

func TestRefusedAndSlowCalls(t *testing.T) {
	s, c := faulty(t, jsonCodec())
	inject(t, s, fault.Fault{Kind: fault.CallStatus, Call: "REVIVE", Status: 503, Text: "No leader elected", Count: 2})
	for range 2 {
		if status, text := c.try(&scheduler.Call{Type: scheduler.Call_REVIVE}); status != 503 || text != "No leader elected" {
			t.Errorf("revive: %d %q", status, text)
		}
	}
	c.call(&scheduler.Call{Type: scheduler.Call_REVIVE})

	for _, kind := range []fault.Kind{fault.CallDelay, fault.CallSlowAnswer} {
		inject(t, s, fault.Fault{Kind: kind, Call: "SUPPRESS", Delay: fault.Duration(60 * time.Millisecond)})
		begin := time.Now()
		c.call(&scheduler.Call{Type: scheduler.Call_SUPPRESS})
		if took := time.Since(begin); took < 60*time.Millisecond {
			t.Errorf("%s: suppress took %s", kind, took)
		}
	}
}

func TestReorderedCalls(t *testing.T) {
	t.Run("behind the next call", func(t *testing.T) {
		s, c := faulty(t, protobufCodec())
		offer := c.offer()
		inject(t, s, fault.Fault{Kind: fault.CallReorder, Call: "ACCEPT", Until: "call"})
		c.unanswered(acceptOf(offer, shell("t1", "sleep 1000")))
		c.call(reconcileOf("t1"))
		c.update("t1", mesos.TASK_UNKNOWN)
		c.update("t1", mesos.TASK_STARTING)
	})
	t.Run("behind the next subscription", func(t *testing.T) {
		s, c := faulty(t, protobufCodec())
		offer := c.offer()
		inject(t, s, fault.Fault{Kind: fault.CallReorder, Call: "ACCEPT"})
		c.unanswered(acceptOf(offer, shell("t1", "sleep 1000")))
		c.subscribe()
		c.call(reconcileOf("t1")) // the late ACCEPT came from a session that is over
		c.update("t1", mesos.TASK_UNKNOWN)
	})
}

func TestStreamCutInsideARecord(t *testing.T) {
	s, c := faulty(t, protobufCodec())
	c.hangUp()
	inject(t, s, fault.Fault{Kind: fault.StreamCut, Event: "HEARTBEAT", Skip: 2})
	c.stream = ""
	response := c.post(c.ctx, &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &c.info}})
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err == nil {
		t.Errorf("the stream ended in good order after %q", data)
	}
	if !strings.HasSuffix(string(data), "2\n") { // a heartbeat is that and two bytes more
		t.Errorf("the stream ends with %q", data)
	}
}

func TestEventsThatAreLostOrComeTwice(t *testing.T) {
	s, c := faulty(t, protobufCodec())
	inject(t, s, fault.Fault{Kind: fault.UpdateLost, Task: "t*", State: "TASK_STARTING"})
	inject(t, s, fault.Fault{Kind: fault.UpdateDuplicate, State: "TASK_RUNNING"})
	c.launch(c.offer(), shell("t1", "sleep 1000"))
	c.update("t1", mesos.TASK_STARTING) // as its agent repeated it
	first := c.next(scheduler.Event_UPDATE).Update.Status
	second := c.next(scheduler.Event_UPDATE).Update.Status
	if !bytes.Equal(first.UUID, second.UUID) || first.GetState() != mesos.TASK_RUNNING {
		t.Errorf("updates %v and %v", first, second)
	}

	offer, refuse := c.offer(), 0.0
	inject(t, s, fault.Fault{Kind: fault.EventLost, Event: "OFFERS"})
	c.call(&scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
		OfferIDs: []mesos.OfferID{offer.ID}, Filters: &mesos.Filters{RefuseSeconds: &refuse},
	}})
	c.wait("the next offers to be lost", func(event *scheduler.Event) bool {
		if event.Type == scheduler.Event_OFFERS {
			t.Error("offers came")
		}
		return len(s.Faults()) == 0
	})
}

func TestHalfOpenStream(t *testing.T) {
	s, c := faulty(t, protobufCodec())
	c.next(scheduler.Event_OFFERS)
	inject(t, s, fault.Fault{Kind: fault.StreamSilent, Framework: c.info.Name})
	old := c.events
	c.subscribe()
	c.next(scheduler.Event_OFFERS)
	for len(old) > 0 { // what was written before
		<-old
	}
	select {
	case event, open := <-old:
		t.Errorf("the old stream gave %v, open %v", event, open)
	default:
	}
	if _, err := s.Inject(fault.Fault{Kind: fault.StreamSilent, Framework: "nobody"}); err == nil || !strings.Contains(err.Error(), `no scheduler is subscribed as "nobody"`) {
		t.Errorf("error %v", err)
	}
}

func TestHeartbeatsStop(t *testing.T) {
	s, c := faulty(t, protobufCodec())
	stop := inject(t, s, fault.Fault{Kind: fault.HeartbeatsStop, Count: -1})
	c.call(reconcileOf("t1"))
	c.update("t1", mesos.TASK_UNKNOWN)
	c.seen = nil
	c.call(reconcileOf("t1"))
	c.wait("three that are lost", func(*scheduler.Event) bool {
		active, _ := find(s, stop.ID)
		if active.Struck < 3 {
			c.call(reconcileOf("t1"))
			return false
		}
		return true
	})
	for _, event := range c.seen {
		if event.Type == scheduler.Event_HEARTBEAT {
			t.Fatal("a heartbeat came")
		}
	}
	if _, err := s.ClearFaults(stop.ID); err != nil {
		t.Fatal(err)
	}
	c.next(scheduler.Event_HEARTBEAT)
}

func find(s *sandbox.Sandbox, id int) (fault.Active, bool) {
	for _, a := range s.Faults() {
		if a.ID == id {
			return a, true
		}
	}
	return fault.Active{}, false
}

func TestThingsThatNoClientKnows(t *testing.T) {
	for what, want := range map[string][2]string{
		fault.WhatType:  {`{"type":"FROM_THE_FUTURE"`, "\x08\x8f\x4e"},
		fault.WhatField: {`"from_the_future":{"value":[1,`, "from the future"},
		fault.WhatEnum:  {`"reason":"REASON_FROM_THE_FUTURE"`, "\x50\x8f\x4e"},
	} {
		for i, c := range []codec{jsonCodec(), protobufCodec()} {
			t.Run(what+" "+c.media, func(t *testing.T) {
				s, _ := faulty(t, c)
				client := newClient(t, s.MasterAddress(), c)
				inject(t, s, fault.Fault{Kind: fault.EventUnknown, What: what})
				response := client.post(client.ctx, &scheduler.Call{Type: scheduler.Call_SUBSCRIBE,
					Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &client.info}})
				defer response.Body.Close()
				client.stream = response.Header.Get("Mesos-Stream-Id")
				var text bytes.Buffer
				buffer := make([]byte, 64<<10)
				reconciled := false
				for !strings.Contains(text.String(), want[i]) {
					n, err := response.Body.Read(buffer)
					text.Write(buffer[:n])
					if err != nil {
						t.Fatalf("%v: the stream ended without %q: %q", err, want[i], text.String())
					}
					if !reconciled { // to get an UPDATE
						reconciled = true
						go client.reconcileAs(s)
					}
				}
			})
		}
	}
}

// reconcileAs asks for a task of the framework that subscribed last.
func (c *client) reconcileAs(s *sandbox.Sandbox) {
	response, err := http.Post("http://"+s.MasterAddress()+"/api/v1", "application/json", strings.NewReader(`{"type":"GET_FRAMEWORKS"}`))
	if err != nil {
		return
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	parts := strings.Split(string(text), `"id":{"value":"`)
	for _, part := range parts[1:] {
		id, _, _ := strings.Cut(part, `"`)
		call := reconcileOf("t1")
		call.FrameworkID = &mesos.FrameworkID{Value: id}
		body, err := c.codec.encode(call)
		if err != nil {
			return
		}
		request, err := http.NewRequestWithContext(c.ctx, http.MethodPost, c.url, bytes.NewReader(body))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", c.codec.media)
		request.Header.Set("Mesos-Stream-Id", c.stream)
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}
}

func TestOversizedAndSlowEvents(t *testing.T) {
	s, c := faulty(t, protobufCodec())
	inject(t, s, fault.Fault{Kind: fault.StreamTrickle, Event: "SUBSCRIBED", Delay: fault.Duration(100 * time.Microsecond)})
	c.subscribe() // it arrives whole
	inject(t, s, fault.Fault{Kind: fault.OffersOversized, Bytes: 5 << 20, Framework: c.id})
	c.stream = ""
	response := c.post(c.ctx, &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, FrameworkID: c.info.ID,
		Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &c.info}})
	defer response.Body.Close()
	for in := bufio.NewReader(response.Body); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal("no record that is as large: ", err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		event, data := &scheduler.Event{}, make([]byte, n)
		if _, err := io.ReadFull(in, data); err != nil {
			t.Fatal(err)
		}
		if n < 5<<20 {
			continue
		}
		if err := event.Unmarshal(data); err != nil || len(event.GetOffers().GetOffers()) != 1 {
			t.Errorf("large record: %v, %v", event, err)
		}
		return
	}
}

func TestRedirects(t *testing.T) {
	s, c := faulty(t, protobufCodec())
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for to, want := range map[string]string{
		"loop": "//" + s.MasterAddress() + "/master/state", "nowhere": "//nowhere.invalid:5050/master/state",
		"10.1.2.3:5050": "//10.1.2.3:5050/master/state",
	} {
		active := inject(t, s, fault.Fault{Kind: fault.Redirect, To: to})
		response, err := browser.Get("http://" + s.MasterAddress() + "/state")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Location"); response.StatusCode != http.StatusTemporaryRedirect || got != want {
			t.Errorf("%s: %s to %q, want %q", to, response.Status, got, want)
		}
		get(t, "http://"+s.MasterAddress()+"/health")
		if _, err := s.ClearFaults(active.ID); err != nil {
			t.Fatal(err)
		}
	}
	c.call(&scheduler.Call{Type: scheduler.Call_REVIVE})
}

func TestKilledTask(t *testing.T) {
	s, c := faulty(t, protobufCodec())
	c.launch(c.offer(), shell("t1", "sleep 1000"))
	c.update("t1", mesos.TASK_STARTING)
	c.update("t1", mesos.TASK_RUNNING)
	if _, err := s.Inject(fault.Fault{Kind: fault.TaskKill, Task: "t2"}); err == nil || !strings.Contains(err.Error(), `task "t2": it does not run; those that do are t1`) {
		t.Errorf("error %v", err)
	}
	inject(t, s, fault.Fault{Kind: fault.TaskKill, Task: "t*"})
	if text := c.update("t1", mesos.TASK_FAILED).GetMessage(); text != "Command terminated with signal Killed" {
		t.Errorf("message %q", text)
	}
}

func TestFullDisk(t *testing.T) {
	s, c := faulty(t, protobufCodec())
	full := inject(t, s, fault.Fault{Kind: fault.DiskFull, Agent: "0"})
	c.launch(c.offer(), shell("t1", "sleep 1000"))
	if text := c.update("t1", mesos.TASK_DROPPED).GetMessage(); !strings.HasSuffix(text, "No space left on device") {
		t.Errorf("message %q", text)
	}
	if _, err := s.ClearFaults(full.ID); err != nil {
		t.Fatal(err)
	}
	c.launch(c.offer(), shell("t2", "sleep 1000"))
	c.update("t2", mesos.TASK_STARTING)
}

// What runs on a full disk goes on, and so does what it starts, but writes fail until there is space again.
func TestRunningTaskOnAFullDisk(t *testing.T) {
	cfg := oneAgent(t.TempDir())
	cfg.AllocationInterval = 20 * time.Millisecond
	s := start(t, cfg)
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	c.launch(c.offer(), shell("t1", "echo begins > log; touch ready; until ! (echo more >> log) 2>errors; do sleep 0.01; done; "+
		"mkfifo told && echo full > told; until (echo again >> log) 2>/dev/null; do sleep 0.01; done; exit 7"))
	c.update("t1", mesos.TASK_STARTING)
	c.update("t1", mesos.TASK_RUNNING)
	dir := filepath.Join(cfg.Agents[0].WorkDir, "slaves")
	await := func(what string, there func() bool) {
		t.Helper()
		for !there() {
			select {
			case <-c.ctx.Done():
				t.Fatalf("%s: never", what)
			case <-time.After(time.Millisecond):
			}
		}
	}
	find := func(name string) string {
		found, _ := filepath.Glob(filepath.Join(dir, "*", "frameworks", "*", "executors", "t1", "runs", "*", name))
		if len(found) == 0 {
			return ""
		}
		return found[0]
	}
	await("the task writes", func() bool { return find("ready") != "" })
	full := inject(t, s, fault.Fault{Kind: fault.DiskFull, Agent: "0"})
	await("its writes fail", func() bool { return find("told") != "" })
	if _, err := os.ReadFile(find("told")); err != nil { // from a FIFO, which is not on a disk
		t.Fatal(err)
	}
	if _, err := s.ClearFaults(full.ID); err != nil {
		t.Fatal(err)
	}
	if text := c.update("t1", mesos.TASK_FAILED).GetMessage(); text != "Command exited with status 7" {
		t.Errorf("message %q", text)
	}
	log, err := os.ReadFile(find("log"))
	if err != nil || !strings.HasSuffix(string(log), "more\nagain\n") && !strings.HasSuffix(string(log), "begins\nagain\n") {
		t.Errorf("log %q %v", log, err)
	}
}

func TestMountThatVanishes(t *testing.T) {
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(disk, "data"), []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := oneAgent(filepath.Join(dir, "agent"))
	s := start(t, cfg)
	for path, want := range map[string]string{
		"/etc": "must be a MOUNT disk of an agent", dir: "must be a MOUNT disk of an agent",
		cfg.Agents[0].WorkDir: "must be a MOUNT disk of an agent", "x": "must be absolute",
		filepath.Join(dir, "none"): "no such file or directory",
	} {
		if _, err := s.Inject(fault.Fault{Kind: fault.MountGone, Path: path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("path %s: %v, want %q", path, err, want)
		}
	}
	gone := inject(t, s, fault.Fault{Kind: fault.MountGone, Agent: "127.0.3.1", Path: "../disk"})
	if entries, err := os.ReadDir(disk); err != nil || len(entries) != 0 {
		t.Errorf("while it is gone: %v %v", entries, err)
	}
	if _, err := s.ClearFaults(gone.ID); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(disk, "data")); err != nil || string(data) != "1" {
		t.Errorf("when it is back: %q %v", data, err)
	}
}

func TestFaultsFromAnotherProcess(t *testing.T) {
	s, _ := faulty(t, protobufCodec())
	ctx, remote := deadline(t), sandbox.Remote{Address: s.MasterAddress()}
	active, err := remote.Inject(ctx, fault.Fault{Kind: fault.CallDelay, Call: "KILL", Delay: fault.Duration(time.Second), For: fault.Duration(time.Hour)})
	if err != nil || active.ID == 0 || active.Left != -1 || active.Ends.IsZero() {
		t.Fatal(active, err)
	}
	listed, err := remote.Faults(ctx)
	if err != nil || len(listed) != 1 || listed[0].String() != "call-delay call=KILL count=-1 for=1h0m0s delay=1s" {
		t.Error(listed, err)
	}
	names, err := remote.AgentNames(ctx)
	if err != nil || len(names) != 1 || names[0].Hostname != "127.0.3.1" || names[0].ID == "" {
		t.Error(names, err)
	}
	for _, c := range []struct {
		fault fault.Fault
		want  string
	}{
		{fault.Fault{Kind: fault.AgentKill, Agent: "7"}, `fault agent-kill: agent "7": there is none; there are 0 = 127.0.3.1 = `},
		{fault.Fault{Kind: fault.CallStatus, Call: "X", Status: 1}, `call: "X": must be one of SUBSCRIBE, `},
		{fault.Fault{Kind: fault.CallStatus, Call: "X", Status: 1}, `status: 1: must be 300 to 599`},
	} {
		if _, err := remote.Inject(ctx, c.fault); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.fault, err, c.want)
		}
	}
	if _, err := remote.ClearFaults(ctx, 17); err == nil || !strings.Contains(err.Error(), "fault 17: it is not active; active are 1") {
		t.Errorf("clear 17: %v", err)
	}
	cleared, err := remote.ClearFaults(ctx)
	if err != nil || len(cleared) != 1 {
		t.Error(cleared, err)
	}
	if _, err := (sandbox.Remote{Address: s.AgentAddresses()[0]}).Faults(ctx); err == nil || !strings.Contains(err.Error(), "is it the master of a sandbox?") {
		t.Errorf("an agent's address: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := remote.Faults(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
