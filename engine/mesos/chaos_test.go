package mesos_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
)

// chaos is a cluster whose masters answer as they please, and a caller that sends calls all the time.
type chaos struct {
	*harness
	random   *rand.Rand
	masters  map[string]*fakeMaster
	detector told

	mu         sync.Mutex
	calm       bool
	next       uint64
	redirected map[string]bool // calls, by what tells them apart
	ambiguous  map[string]bool // ACCEPTs
}

func (c *chaos) roll(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calm {
		return -1
	}
	return c.random.IntN(n)
}

// onlyNow refuses calls of any subscription but the newest, as masters do.
func onlyNow(m *fakeMaster) func(*http.Request) answer {
	return func(r *http.Request) answer {
		m.mu.Lock()
		defer m.mu.Unlock()
		id := r.Header.Get("Mesos-Stream-Id")
		if id == "" || len(m.streams) > 0 && m.streams[len(m.streams)-1].id == id {
			return answer{}
		}
		return answer{status: 400, text: "The stream ID '" + id + "' included in this request didn't match the stream ID currently associated with framework ID F-0000"}
	}
}

// onCall answers a call at a master.
func (c *chaos) onCall(m *fakeMaster) func(*scheduler.Call) answer {
	return func(call *scheduler.Call) answer {
		other := masterA
		if m.address == masterA {
			other = masterB
		}
		answers := map[int]answer{
			0: {status: 500}, 1: {status: 503, text: "Master has not finished recovery"}, 2: {cut: true}, 3: {hold: true}, 4: {status: 403},
			5: {status: 404}, 6: {status: 400, text: "Framework cannot be found"}, 7: {status: 400, text: "bad"}, 8: {status: 429},
			9: {status: 307, location: "//" + other + "/master/api/v1/scheduler"}, 10: {status: 307},
		}
		a, ok := answers[c.roll(200)]
		if !ok {
			return answer{status: 202}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if a.status == 307 {
			c.redirected[identity(call)] = true
		}
		if call.Type == scheduler.Call_ACCEPT && (a.cut || a.hold || a.status == 500 || a.status == 429) {
			c.ambiguous[identity(call)] = true
		}
		return a
	}
}

func (c *chaos) onSubscribe() answer {
	answers := map[int]answer{
		0: {status: 503, text: "x"}, 1: {status: 404}, 2: {hold: true}, 3: {cut: true}, 4: {status: 307, location: "//" + masterA + "/"},
		5: {status: 307, location: "//" + masterB + "/"}, 6: {status: 500}, 7: {status: 307},
	}
	return answers[c.roll(24)]
}

// trouble does something to the masters or to who leads.
func (c *chaos) trouble() {
	names := []string{masterA, masterB}
	m := c.masters[names[c.random.IntN(2)]]
	m.mu.Lock()
	var st *fakeStream
	if len(m.streams) > 0 {
		st = m.streams[len(m.streams)-1]
	}
	m.mu.Unlock()
	switch c.random.IntN(6) {
	case 0:
		c.detector <- leader(m.address)
	case 1:
		c.detector <- session.Candidates{Reason: "nobody leads"}
		c.detector <- leader(m.address)
	case 2:
		if st != nil && !st.ended {
			st.ended = true
			close(st.finish)
		}
	case 3:
		if st != nil && !st.ended {
			st.event(c.t, errorEvent("something is wrong"))
		}
	case 4:
		if st != nil && !st.ended {
			st.out <- []byte("3\nabc")
		}
	case 5:
		if st != nil && !st.ended {
			st.event(c.t, offersEvent("O"))
		}
	}
}

// call sends one of the kinds of calls, each with an identity of its own.
func (c *chaos) call() {
	c.mu.Lock()
	c.next++
	n := c.next
	kind := c.random.IntN(4)
	c.mu.Unlock()
	id := fmt.Sprint("t", n)
	switch kind {
	case 0:
		c.session.Send(machine.Kill{TaskID: id})
	case 1:
		c.session.Send(machine.Reconcile{Tasks: []machine.TaskRef{{TaskID: id, AgentID: "S0"}}})
	case 2:
		c.session.Send(machine.Acknowledge{TaskID: id, AgentID: "S0", UUID: binary.BigEndian.AppendUint64(make([]byte, 8), n)})
	case 3:
		c.session.Send(launch(id))
	}
}

// identity tells calls apart.
func identity(call *scheduler.Call) string {
	switch call.Type {
	case scheduler.Call_KILL:
		return call.Kill.TaskID.Value
	case scheduler.Call_RECONCILE:
		return call.Reconcile.Tasks[0].TaskID.Value
	case scheduler.Call_ACKNOWLEDGE:
		return call.Acknowledge.TaskID.Value
	}
	return call.Accept.OfferIDs[0].Value
}

// Whatever masters answer and whoever leads: subscriptions begin with Subscribed and end with Disconnected, what is between belongs to
// them; no call is sent twice to one master; after an ambiguous ACCEPT nothing is sent in its subscription; and when the trouble is over, the
// session is subscribed with whoever leads.
func TestChaos(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) { runChaos(t, network, seed) })
		})
	}
}

func runChaos(t *testing.T, network *pipenet.Network, seed uint64) {
	cfg, detector := detected()
	c := &chaos{random: rand.New(rand.NewPCG(seed, 1)), masters: map[string]*fakeMaster{}, detector: detector, redirected: map[string]bool{}, ambiguous: map[string]bool{}}
	for _, address := range []string{masterA, masterB} {
		m := newMaster(t, network, address)
		defer m.server.Close()
		m.prefix, m.guard, m.onCall, m.refuse = address+" ", onlyNow(m), c.onCall(m), c.onSubscribe
		c.masters[address] = m
	}
	cfg.Jitter = func() float64 { return 0.5 }
	c.harness = start(t, network, cfg, "F-0000")
	c.react = func(e machine.Event) {
		if f, ok := e.(machine.CallFailed); ok {
			if _, launches := f.Call.(machine.Accept); launches && f.Ambiguous {
				c.call()
			}
		}
	}
	detector <- leader(masterA)
	for range 300 {
		c.mu.Lock()
		wait, what := time.Duration(c.random.IntN(2000))*time.Millisecond, c.random.IntN(10)
		c.mu.Unlock()
		c.after(wait)
		if what == 0 {
			c.trouble()
			continue
		}
		for range 5 {
			c.call()
		}
	}
	c.mu.Lock()
	c.calm = true
	c.mu.Unlock()
	detector <- leader(masterB)
	c.after(3 * time.Minute)
	c.masters[masterB].emit(heartbeat)
	c.after(time.Second)
	if !c.session.Stats().Subscribed {
		t.Error("not subscribed after all trouble is over")
	}
	c.call()
	c.after(time.Second)
	if got := c.masters[masterB].received(); len(got) == 0 {
		t.Error("the leader has received no call")
	}
	if err := c.stop(); err != nil {
		t.Errorf("run = %v", err)
	}
	checkEvents(t, c.take())
	for _, m := range c.masters {
		c.checkCalls(m)
	}
}

func checkEvents(t *testing.T, events []machine.Event) {
	subscribed, subscriptions := false, 0
	for i, e := range events {
		switch e := e.(type) {
		case machine.Subscribed:
			if subscribed {
				t.Errorf("event %d: Subscribed while subscribed", i)
			}
			subscribed = true
			subscriptions++
		case machine.Disconnected:
			if e.Fatal {
				t.Errorf("event %d: fatal: %s", i, e.Err)
			}
			subscribed = false
		default:
			if !subscribed {
				t.Errorf("event %d: %T while not subscribed", i, e)
			}
		}
	}
	if subscriptions < 2 {
		t.Errorf("%d subscriptions: too little happened", subscriptions)
	}
}

func (c *chaos) checkCalls(m *fakeMaster) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	seen, over := map[string]bool{}, map[string]bool{}
	for i, call := range m.calls {
		id, stream := identity(call), m.headers[i].Get("Mesos-Stream-Id")
		if c.redirected[id] {
			continue // it may come from another master's subscription, and come back
		}
		if seen[id] {
			c.t.Errorf("%s: %s %s was sent twice", m.address, call.Type, id)
		}
		seen[id] = true
		if over[stream] && call.Type != scheduler.Call_ACKNOWLEDGE {
			c.t.Errorf("%s: %s %s after an ambiguous ACCEPT in its subscription", m.address, call.Type, id)
		}
		if c.ambiguous[id] {
			over[stream] = true
		}
	}
}
