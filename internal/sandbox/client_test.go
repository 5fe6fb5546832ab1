package sandbox_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// patience is how long a test waits for something that happens at once.
const patience = 30 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, cfg sandbox.Config) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// codec is how a client writes calls and reads events. jsonCodec writes with the generated JSON code of mesos-go on purpose:
// what that writes, a master must read. It does not read with it, since that refuses a master with QUOTA_V2.
type codec struct {
	media  string
	encode func(*scheduler.Call) ([]byte, error)
	decode func([]byte, *scheduler.Event) error
}

func protobufCodec() codec {
	return codec{
		media:  "application/x-protobuf",
		encode: func(call *scheduler.Call) ([]byte, error) { return call.Marshal() },
		decode: func(data []byte, event *scheduler.Event) error { return event.Unmarshal(data) },
	}
}

func jsonCodec() codec {
	return codec{
		media:  "application/json",
		encode: func(call *scheduler.Call) ([]byte, error) { return json.Marshal(call) },
		decode: func(data []byte, event *scheduler.Event) error { return protojson.Unmarshal(data, event) },
	}
}

// client is a scheduler that a test drives by hand.
type client struct {
	acknowledged map[string]bool // by uuid, which nobody waits for any more
	t            *testing.T
	ctx          context.Context
	codec        codec
	url          string
	info         mesos.FrameworkInfo
	id           string
	stream       string
	events       chan *scheduler.Event // closed when the stream ends
	hangUp       context.CancelFunc
	seen         []*scheduler.Event // taken from events but not asked for yet
}

func newClient(t *testing.T, master string, c codec) *client {
	timeout := 60.0
	return &client{
		t: t, ctx: deadline(t), codec: c, url: "http://" + master + "/api/v1/scheduler",
		info: mesos.FrameworkInfo{
			User: self(), Name: "test", Roles: []string{"dev"}, FailoverTimeout: &timeout,
			Capabilities: []mesos.FrameworkInfo_Capability{
				{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
				{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
				{Type: mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT},
			},
		},
	}
}

// self is the name of the user that runs the tests: the one whom every sandbox accepts.
func self() string {
	me, err := user.Current()
	if err != nil {
		return "root"
	}
	return me.Username
}

func (c *client) request(ctx context.Context, call *scheduler.Call) *http.Request {
	c.t.Helper()
	body, err := c.codec.encode(call)
	if err != nil {
		c.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", c.codec.media)
	request.Header.Set("Accept", c.codec.media)
	if c.stream != "" {
		request.Header.Set("Mesos-Stream-Id", c.stream)
	}
	return request
}

func (c *client) post(ctx context.Context, call *scheduler.Call) *http.Response {
	c.t.Helper()
	response, err := http.DefaultClient.Do(c.request(ctx, call))
	if err != nil {
		c.t.Fatal(err)
	}
	return response
}

func (c *client) subscribe() {
	c.t.Helper()
	call := &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &c.info}}
	if c.id != "" {
		c.info.ID = &mesos.FrameworkID{Value: c.id}
		call.FrameworkID = c.info.ID
	}
	c.stream = ""
	ctx, cancel := context.WithCancel(c.ctx)
	c.t.Cleanup(cancel)
	c.hangUp = cancel
	response := c.post(ctx, call)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != c.codec.media {
		c.t.Fatalf("SUBSCRIBE: %s %s", response.Status, response.Header)
	}
	c.stream = response.Header.Get("Mesos-Stream-Id")
	c.events, c.seen = make(chan *scheduler.Event, 1000), nil
	go c.read(response.Body, c.events)
	c.id = c.next(scheduler.Event_SUBSCRIBED).Subscribed.FrameworkID.Value
}

func (c *client) read(body io.ReadCloser, events chan<- *scheduler.Event) {
	defer close(events)
	defer body.Close()
	in := bufio.NewReader(body)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			c.t.Errorf("record length %q: %v", line, err)
			return
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(in, data); err != nil {
			return
		}
		event := &scheduler.Event{}
		if err := c.codec.decode(data, event); err != nil {
			c.t.Errorf("event %q: %v", data, err)
			return
		}
		events <- event
	}
}

// wait gives the next event that the test looks for; others are kept for later.
func (c *client) wait(what string, wanted func(*scheduler.Event) bool) *scheduler.Event {
	c.t.Helper()
	for i, event := range c.seen {
		if wanted(event) {
			c.seen = append(c.seen[:i:i], c.seen[i+1:]...)
			return event
		}
	}
	for {
		select {
		case event, open := <-c.events:
			if !open {
				c.t.Fatalf("waiting for %s: the stream has ended; not asked for: %v", what, c.others())
			}
			if wanted(event) {
				return event
			}
			c.seen = append(c.seen, event)
		case <-c.ctx.Done():
			c.t.Fatalf("waiting for %s: %v; not asked for: %v", what, c.ctx.Err(), c.others())
		}
	}
}

// others are the events that were not asked for, without heartbeats.
func (c *client) others() []*scheduler.Event {
	return slices.DeleteFunc(slices.Clone(c.seen), func(e *scheduler.Event) bool { return e.Type == scheduler.Event_HEARTBEAT })
}

func (c *client) next(kind scheduler.Event_Type) *scheduler.Event {
	c.t.Helper()
	return c.wait(kind.String(), func(event *scheduler.Event) bool { return event.Type == kind })
}

func (c *client) offer() mesos.Offer {
	c.t.Helper()
	return c.next(scheduler.Event_OFFERS).Offers.Offers[0]
}

// update waits for a state of a task and acknowledges it if it is to be.
func (c *client) update(task string, state mesos.TaskState) *mesos.TaskStatus {
	c.t.Helper()
	event := c.wait(task+" "+state.String(), func(event *scheduler.Event) bool {
		return event.Type == scheduler.Event_UPDATE && event.Update.Status.TaskID.Value == task && !c.acknowledged[string(event.Update.Status.UUID)]
	})
	status := &event.Update.Status
	if status.GetState() != state {
		c.t.Fatalf("task %s: %s %s %q, want %s", task, status.GetState(), status.GetReason(), status.GetMessage(), state)
	}
	if status.UUID != nil {
		if c.acknowledged == nil {
			c.acknowledged = map[string]bool{}
		}
		c.acknowledged[string(status.UUID)] = true // and yet it may come again meanwhile
		c.call(&scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Acknowledge: &scheduler.Call_Acknowledge{
			AgentID: *status.AgentID, TaskID: status.TaskID, UUID: status.UUID,
		}})
	}
	return status
}

func (c *client) try(call *scheduler.Call) (int, string) {
	c.t.Helper()
	call.FrameworkID = &mesos.FrameworkID{Value: c.id}
	response := c.post(c.ctx, call)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func (c *client) call(call *scheduler.Call) {
	c.t.Helper()
	if status, text := c.try(call); status != http.StatusAccepted {
		c.t.Fatalf("%s: %d %s", call.Type, status, text)
	}
}

// launch starts tasks on one offer, each with a tenth of a cpu.
func (c *client) launch(offer mesos.Offer, tasks ...mesos.TaskInfo) {
	c.t.Helper()
	refuse := 0.0
	for i := range tasks {
		tasks[i].AgentID = offer.AgentID
		tasks[i].Resources = []mesos.Resource{scalar("cpus", 0.1), scalar("mem", 32)}
	}
	c.call(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{offer.ID},
		Operations: []mesos.Offer_Operation{{
			Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: tasks},
		}},
		Filters: &mesos.Filters{RefuseSeconds: &refuse},
	}})
}

func (c *client) kill(task string) {
	c.t.Helper()
	c.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: task}}})
}

func scalar(name string, value float64) mesos.Resource {
	typ := mesos.SCALAR
	return mesos.Resource{Name: name, Type: &typ, Scalar: &mesos.Value_Scalar{Value: value}}
}

func shell(id, command string) mesos.TaskInfo {
	return mesos.TaskInfo{
		Name: id, TaskID: mesos.TaskID{Value: id}, Command: &mesos.CommandInfo{Value: &command},
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(url, response.Status, string(body), err)
	}
	return string(body)
}

func prefixed(text, prefix string) error {
	if !strings.HasPrefix(text, prefix) {
		return fmt.Errorf("got %q, want it to begin with %q", text, prefix)
	}
	return nil
}
