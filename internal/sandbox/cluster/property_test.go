package cluster

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"pgregory.net/rapid"
)

// world is a cluster with two schedulers and obedient processes, driven at random.
type world struct {
	c          *Cluster
	now        time.Time
	ids        uint64
	frameworks map[string]string            // id by name; kept when the stream ends
	streams    map[string]string            // by name, while subscribed
	names      map[string]string            // by stream
	offers     map[string]*mesos.Offer      // held, by id
	owner      map[string]string            // of offers, by id
	unacked    map[string]*mesos.TaskStatus // the last update with a uuid, by task
	starting   []string                     // containers
	running    []string
	executors  map[string]StartProcess // by container
	tasks      int
	configured Resources                   // of each agent
	kept       map[string][]mesos.Resource // by agent, what it checkpointed last
	volumes    map[string]bool             // directories that there are
	refined    map[string]bool             // hosts on which volumes may have got the role of others with their id
}

func newWorld() *world {
	w := &world{
		now: time.Unix(1_000_000, 0), frameworks: map[string]string{}, streams: map[string]string{},
		names: map[string]string{}, offers: map[string]*mesos.Offer{}, owner: map[string]string{},
		unacked: map[string]*mesos.TaskStatus{}, executors: map[string]StartProcess{},
		kept: map[string][]mesos.Resource{}, volumes: map[string]bool{}, refined: map[string]bool{},
	}
	w.c = New(w.now, Config{MasterID: "M", NewID: func() (id [16]byte) {
		w.ids++
		binary.BigEndian.PutUint64(id[8:], w.ids)
		return id
	}})
	resources := agentResources()
	w.configured = parseResources(resources)
	for i := range 3 {
		_, effects := w.c.AddAgent(w.now, AgentConfig{Hostname: fmt.Sprint("h", i), IP: "127.0.0.1", Port: 5051 + i,
			Resources: resources})
		w.take(effects)
	}
	return w
}

func (w *world) take(effects []Effect) {
	for _, effect := range effects {
		switch e := effect.(type) {
		case SendToScheduler:
			w.event(e)
		case CloseScheduler:
			w.forget(e.Stream)
		case CutScheduler:
			w.forget(e.Stream)
		case AgentRegistered:
			w.rename(e)
		case CreateVolume:
			w.makeVolume(e.Agent, e.Volume, true)
		case DestroyVolume:
			w.makeVolume(e.Agent, e.Volume, false)
		case CheckpointResources:
			w.kept[e.Agent] = e.Resources
		case StartProcess:
			w.starting = append(w.starting, e.Container)
			w.executors[e.Container] = e
		case SignalProcess:
			if i := slices.Index(w.starting, e.Container); i >= 0 {
				w.starting = slices.Delete(w.starting, i, i+1)
				w.take(w.c.ProcessFailed(w.now, e.Container, "killed"))
			} else if i := slices.Index(w.running, e.Container); i >= 0 && e.Signal == Kill {
				w.running = slices.Delete(w.running, i, i+1)
				w.take(w.c.ProcessExited(w.now, e.Container, Exit{Status: 9}))
			}
		}
	}
}

func (w *world) event(e SendToScheduler) {
	switch e.Event.Type {
	case scheduler.Event_SUBSCRIBED:
		w.frameworks[w.names[e.Stream]] = e.Event.Subscribed.FrameworkID.Value
	case scheduler.Event_OFFERS:
		for i := range e.Event.Offers.Offers {
			o := &e.Event.Offers.Offers[i]
			w.offers[o.ID.Value], w.owner[o.ID.Value] = o, w.names[e.Stream]
		}
	case scheduler.Event_RESCIND:
		delete(w.offers, e.Event.Rescind.OfferID.Value)
	case scheduler.Event_UPDATE:
		if status := e.Event.Update.Status; status.UUID != nil {
			w.unacked[status.TaskID.Value] = &status
		}
	}
}

func (w *world) forget(stream string) {
	name := w.names[stream]
	if w.streams[name] == stream {
		delete(w.streams, name)
		w.dropOffers(name)
	}
}

func (w *world) dropOffers(name string) {
	for id := range w.offers {
		if w.owner[id] == name {
			delete(w.offers, id)
		}
	}
}

func (w *world) call(name string, call *scheduler.Call) {
	call.FrameworkID = &mesos.FrameworkID{Value: w.frameworks[name]}
	_, effects := w.c.Call(w.now, w.streams[name], call)
	w.take(effects)
}

func (w *world) subscribe(t *rapid.T) {
	name := rapid.SampledFrom([]string{"A", "B"}).Draw(t, "framework")
	timeout := 10.0
	info := &mesos.FrameworkInfo{User: "u", Name: name, Roles: []string{"r1", "r2", "r1/s"}, FailoverTimeout: &timeout,
		Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}}
	if name == "A" {
		info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{
			Type: mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT})
	}
	call := &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: info}}
	if id := w.frameworks[name]; id != "" {
		info.ID = &mesos.FrameworkID{Value: id}
		call.FrameworkID = info.ID
	}
	w.dropOffers(name)
	stream, effects := w.c.Subscribe(w.now, call)
	w.names[stream], w.streams[name] = name, stream
	w.take(effects)
	if w.streams[name] == "" {
		delete(w.frameworks, name) // it has been removed; the next subscription is a new one
	}
}

func pick(t *rapid.T, keys []string, what string) string {
	if len(keys) == 0 {
		t.Skip("no " + what)
	}
	slices.Sort(keys)
	return rapid.SampledFrom(keys).Draw(t, what)
}

func (w *world) subscriber(t *rapid.T) string {
	return pick(t, slices.Collect(maps.Keys(w.streams)), "subscriber")
}

func (w *world) launch(t *rapid.T) {
	id := pick(t, slices.Collect(maps.Keys(w.offers)), "offer")
	o, name := w.offers[id], w.owner[id]
	delete(w.offers, id)
	refuse := rapid.SampledFrom([]float64{0, 1, 100}).Draw(t, "refuse")
	launch := &mesos.Offer_Operation_Launch{}
	for range rapid.IntRange(0, 3).Draw(t, "tasks") {
		w.tasks++
		task := fmt.Sprint("t", w.tasks)
		port := uint64(31000 + rapid.IntRange(0, 12).Draw(t, "port"))
		info := mesos.TaskInfo{Name: task, TaskID: mesos.TaskID{Value: task}, AgentID: o.AgentID,
			Resources: []mesos.Resource{
				Scalar("cpus", rapid.SampledFrom([]float64{0.1, 1, 3, 5}).Draw(t, "cpus")),
				Ranges("ports", Span{port, port}),
			}}
		command := &mesos.CommandInfo{}
		if rapid.Bool().Draw(t, "custom executor") {
			executor := rapid.SampledFrom([]string{"e1", "e2"}).Draw(t, "executor")
			info.Executor = &mesos.ExecutorInfo{ExecutorID: mesos.ExecutorID{Value: executor}, Command: command,
				Resources: []mesos.Resource{Scalar("cpus", 0.5)}}
		} else {
			info.Command = command
		}
		launch.TaskInfos = append(launch.TaskInfos, info)
	}
	w.call(name, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs:   []mesos.OfferID{{Value: id}},
		Operations: []mesos.Offer_Operation{{Type: mesos.Offer_Operation_LAUNCH, Launch: launch}},
		Filters:    &mesos.Filters{RefuseSeconds: &refuse},
	}})
}

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"subscribe": w.subscribe,
		"disconnect": func(t *rapid.T) {
			name := w.subscriber(t)
			stream := w.streams[name]
			delete(w.streams, name)
			w.dropOffers(name)
			w.take(w.c.Disconnect(w.now, stream))
		},
		"launch":  w.launch,
		"operate": w.operate, "operate more": w.operate,
		"decline": func(t *rapid.T) {
			id := pick(t, slices.Collect(maps.Keys(w.offers)), "offer")
			name := w.owner[id]
			delete(w.offers, id)
			w.call(name, &scheduler.Call{Type: scheduler.Call_DECLINE,
				Decline: &scheduler.Call_Decline{OfferIDs: []mesos.OfferID{{Value: id}}}})
		},
		"revive": func(t *rapid.T) { w.call(w.subscriber(t), &scheduler.Call{Type: scheduler.Call_REVIVE}) },
		"suppress": func(t *rapid.T) {
			w.call(w.subscriber(t), &scheduler.Call{Type: scheduler.Call_SUPPRESS,
				Suppress: &scheduler.Call_Suppress{Roles: []string{"r1"}}})
		},
		"teardown": func(t *rapid.T) { w.call(w.subscriber(t), &scheduler.Call{Type: scheduler.Call_TEARDOWN}) },
		"kill": func(t *rapid.T) {
			task := fmt.Sprint("t", rapid.IntRange(0, w.tasks).Draw(t, "task"))
			w.call(w.subscriber(t), &scheduler.Call{Type: scheduler.Call_KILL,
				Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: task}}})
		},
		"acknowledge": func(t *rapid.T) {
			status := w.unacked[pick(t, slices.Collect(maps.Keys(w.unacked)), "update")]
			for _, name := range slices.Sorted(maps.Keys(w.streams)) {
				w.call(name, &scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Acknowledge: &scheduler.Call_Acknowledge{
					AgentID: *status.AgentID, TaskID: status.TaskID, UUID: status.UUID}})
			}
		},
		"process starts": func(t *rapid.T) {
			container := pick(t, slices.Clone(w.starting), "container")
			w.starting = slices.DeleteFunc(w.starting, func(c string) bool { return c == container })
			w.running = append(w.running, container)
			w.take(w.c.ProcessStarted(w.now, container, 1))
			if e := w.executors[container]; e.CustomExecutor {
				_, _, effects := w.c.ExecutorSubscribe(w.now, e.Agent, &executor.Call{Type: executor.Call_SUBSCRIBE,
					ExecutorID: mesos.ExecutorID{Value: e.Executor}, FrameworkID: mesos.FrameworkID{Value: e.Framework},
					Subscribe: &executor.Call_Subscribe{}})
				w.take(effects)
			}
		},
		"process ends": func(t *rapid.T) {
			container := pick(t, slices.Clone(w.running), "container")
			w.running = slices.DeleteFunc(w.running, func(c string) bool { return c == container })
			w.take(w.c.ProcessExited(w.now, container, Exit{Status: rapid.SampledFrom([]int{0, 256, 15}).Draw(t, "status")}))
		},
		"time passes": func(t *rapid.T) {
			w.advance(t, time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms"))*time.Millisecond)
		},
		"": w.check,
	}
}

func (w *world) advance(t *rapid.T, span time.Duration) {
	until := w.now.Add(span)
	for range 10_000 {
		next := w.c.NextWake()
		if next.IsZero() || next.After(until) {
			w.now = until
			return
		}
		if next.After(w.now) {
			w.now = next
		}
		w.take(w.c.Tick(w.now))
		if again := w.c.NextWake(); !again.IsZero() && !again.After(w.now) {
			t.Fatalf("after Tick at %s the next wake-up is %s: time does not go on", w.now, again)
		}
	}
	t.Fatal("10000 wake-ups are not enough for ", span)
}

func (w *world) check(t *rapid.T) {
	for _, a := range w.c.hosts {
		w.checkOwned(t, a)
	}
	for _, a := range w.c.agents {
		var offered, used Resources
		for _, f := range w.c.frameworks {
			for _, o := range w.c.offersOf(f) {
				if o.agent == a {
					offered = offered.plus(o.resources.allocated(""))
				}
			}
			for _, id := range f.tasks.keys {
				if task := f.tasks.of[id]; task.agent == a && !terminal(task.known) {
					used = used.plus(task.resources.allocated(""))
				}
			}
		}
		for _, key := range a.executors.keys {
			used = used.plus(a.executors.of[key].resources.allocated(""))
		}
		if a.linked() && len(w.c.missingTasks(a)) == 0 && !same(used, a.used) {
			t.Fatalf("agent %s: used is %s but tasks and executors that live use %s", a.id, a.used, used)
		}
		if !same(offered, a.offered) {
			t.Fatalf("agent %s: offered is %s but the offers say %s", a.id, a.offered, offered)
		}
		if !a.total.contains(used.plus(offered)) {
			t.Fatalf("agent %s: promises more than it has: used %s, offered %s of %s", a.id, used, offered, a.total)
		}
	}
	for id := range w.offers {
		if w.c.offers[id] == nil {
			t.Fatalf("offer %s is held by %s but was withdrawn without a word", id, w.owner[id])
		}
	}
	for _, a := range w.c.hosts {
		for _, key := range a.updates.keys {
			if len(a.updates.of[key].queue) == 0 {
				t.Fatalf("task %s: an empty queue of updates was kept", key)
			}
		}
	}
}

func TestAgentsNeverPromiseMoreThanTheyHave(t *testing.T) {
	CheckDrawn(t, func(t *rapid.T) {
		t.Repeat(newWorld().actions())
	})
}

// TestEverythingIsFreeInTheEnd plays at random, then tears both frameworks down.
func TestEverythingIsFreeInTheEnd(t *testing.T) {
	CheckDrawn(t, func(t *rapid.T) {
		w := newWorld()
		actions := w.actions()
		t.Repeat(actions)
		for _, name := range slices.Sorted(maps.Keys(w.streams)) {
			w.call(name, &scheduler.Call{Type: scheduler.Call_TEARDOWN})
		}
		w.advance(t, time.Minute) // the rest is removed after its failover timeout, or killed after its grace
		for _, container := range slices.Concat(w.starting, w.running) {
			if p := w.c.processes[container]; p != nil && p.started {
				t.Fatalf("container %s of %s was not told to end", container, p.executor.id)
			}
		}
		for _, a := range w.c.agents {
			if !same(a.free(), a.total) {
				t.Fatalf("agent %s: %s is used for ever", a.id, a.total.minus(a.free()))
			}
		}
	})
}

func TestResourceAlgebra(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) Resources {
		var list []mesos.Resource
		for _, name := range []string{"cpus", "mem"} {
			list = append(list, Scalar(name, float64(rapid.IntRange(0, 50).Draw(t, name))/10))
		}
		begin := uint64(rapid.IntRange(0, 30).Draw(t, "begin"))
		list = append(list, Ranges("ports", Span{begin, begin + uint64(rapid.IntRange(0, 9).Draw(t, "more"))}))
		return parseResources(list)
	})
	CheckDrawn(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		if sum := a.plus(b); !sum.contains(a) || !sum.contains(b) {
			t.Fatalf("%s + %s = %s does not contain both", a, b, sum)
		}
		if a.contains(b) && !same(a.minus(b).plus(b), a) {
			t.Fatalf("%s - %s + the same is %s", a, b, a.minus(b).plus(b))
		}
		if rest := a.minus(b); !a.contains(rest) || !a.minus(a).Empty() {
			t.Fatalf("%s - %s = %s is more than the first", a, b, rest)
		}
		if parsed := parseResources(a.wire(resourceForm{refined: true})); !same(parsed, a) {
			t.Fatalf("%s came back as %s", a, parsed)
		}
		if parsed := parseResources(a.wire(resourceForm{})); !same(parsed, a) {
			t.Fatalf("%s came back in the old form as %s", a, parsed)
		}
	})
}
