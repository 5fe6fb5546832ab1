package engine

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/mesostest"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
	"github.com/quobyte/mesos-framework/internal/zktest"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// herd is a service of three pods on every host, a scout among them.
type herd struct{ single }

func (herd) Name() string                { return "herd" }
func (herd) Scout() string               { return "scout" }
func (herd) ScoutSilence() time.Duration { return 3 * time.Minute }

func (herd) Phases() []machine.PhaseSpec {
	var phases []machine.PhaseSpec
	for _, name := range []string{"scout", "metadata", "data"} {
		phases = append(phases, machine.PhaseSpec{Name: name, Strategy: plans.Parallel, PodTypes: []string{name}})
	}
	return phases
}

func (herd) Read(data []byte) (machine.Report, error) {
	return machine.Report{Seq: 1, Facts: data}, nil
}

func (herd) Survey(hosts []machine.Host) machine.Survey {
	var s machine.Survey
	for _, t := range []string{"metadata", "data"} {
		for _, h := range hosts {
			s.Pods = append(s.Pods, machine.Wanted{Type: t, Host: h.Key})
		}
	}
	return s
}

func (herd) Requirement(p machine.Pod) offers.Requirement {
	return offers.Requirement{Subject: p.Name, Host: p.Host, CPUs: 1000, Ports: []offers.Port{{Name: "rpc", Unmanaged: true, Number: 7000 + uint64(len(p.Type))}}}
}

func (herd) Task(p machine.Pod, at machine.Place, _ machine.Cluster) (offers.Task, error) {
	t := offers.Task{Command: offers.Command{Shell: true, Value: "exec " + p.Type}}
	if p.Type == "scout" {
		t.Executor = &offers.Executor{Name: "scout"}
	}
	return t, nil
}

// mute is a session that forgets what it is given.
type mute struct{}

func (mute) Run(ctx context.Context, _ string, _ func(machine.Event)) error {
	<-ctx.Done()
	return nil
}
func (mute) Send(machine.Call) {}

// herdOn returns an engine for a herd, whose loop does not run.
func herdOn(b *testing.B, s store.Store) *Engine {
	e, err := New(b.Context(), Config{Machine: machine.Config{DiscoveryWindow: 1}, Service: herd{}, Store: s, Session: mute{}})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func decided(b *testing.B, e *Engine) *machine.View {
	if _, err := e.decide(b.Context()); err != nil {
		b.Fatal(err)
	}
	v, _ := e.View()
	return v
}

// deployHerd brings a herd to COMPLETE, with as many rounds of offers and statuses as that takes.
func deployHerd(b *testing.B, e *Engine, hosts int) {
	e.take(machine.Subscribed{FrameworkID: "F"})
	for round := range 20 {
		var batch []offers.Offer
		for i := range hosts {
			o := mesostest.StorageOffer(i)
			batch = append(batch, offers.Offer{ID: fmt.Sprint(round, "/", i), AgentID: o.AgentID.Value, Role: "quobyte",
				Site: offers.Site{Host: o.Hostname, Hostname: o.Hostname, Zone: fmt.Sprint("zone-", i%3)}, Free: offers.Quantities{CPUs: 4000}})
		}
		e.take(machine.Offered{Offers: batch})
		v := decided(b, e)
		for _, p := range v.Pods {
			if p.TaskID != "" && p.State != machine.Running {
				e.take(machine.Updated{Status: machine.TaskStatus{TaskID: p.TaskID, AgentID: p.AgentID, State: machine.Running, UUID: make([]byte, 16), Data: []byte(`"two devices of 4 TB"`)}})
			}
		}
		v = decided(b, e)
		if p, _ := v.Plan("deploy"); p.Status == plans.Complete && len(v.Pods) == 3*hosts {
			return
		}
	}
	v, _ := e.View()
	b.Fatalf("not deployed: %d pods", len(v.Pods))
}

// BenchmarkRestart is what an operator waits for after a crash: the state of 10,000 hosts with three pods each is read from the disk, or from
// ZooKeeper, and the first decision made. heap-MB is what is alive after it, view and store included; resident-MB is what the process then
// has in memory, with the garbage of the restart. cpu-s/op is what this process computes, whoever else does on the machine; ZooKeeper's part is not in it.
func BenchmarkRestart(b *testing.B) {
	b.Run("bolt", func(b *testing.B) {
		dir := b.TempDir()
		restart(b, func() (store.Store, error) { return store.OpenBolt(dir) })
	})
	b.Run("zookeeper", func(b *testing.B) {
		at, err := zookeeper.ParseAddress(zktest.Start(b).Address + "/quobyte/state")
		if err != nil {
			b.Fatal(err)
		}
		restart(b, func() (store.Store, error) {
			return store.OpenZooKeeper(b.Context(), store.ZooKeeper{Config: zookeeper.Config{Address: at}})
		})
	})
}

func restart(b *testing.B, openStore func() (store.Store, error)) {
	open := func() store.Store {
		s, err := openStore()
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	disk := &store.Disk{}
	deployHerd(b, herdOn(b, disk.Open()), 10_000)
	records, err := disk.Open().Load(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	s := open()
	if err := store.Replace(b.Context(), s, records); err != nil {
		b.Fatal(err)
	}
	s.Close()
	disk, records = nil, nil
	var before, after runtime.MemStats
	debug.FreeOSMemory()
	runtime.ReadMemStats(&before)
	resident, computed := 0.0, time.Duration(0)
	for b.Loop() {
		begun := cpuTime(b)
		s := open()
		e := herdOn(b, s)
		v := decided(b, e)
		b.StopTimer()
		computed += cpuTime(b) - begun
		resident = max(resident, residentMB(b))
		if len(v.Pods) != 30_000 {
			b.Fatalf("%d pods", len(v.Pods))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(e)
		s.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "heap-MB")
	b.ReportMetric(resident, "resident-MB")
	b.ReportMetric(computed.Seconds()/float64(b.N), "cpu-s/op")
}

// cpuTime is how long the process has computed.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// residentMB is what the process has in memory, garbage included.
func residentMB(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Logf("resident memory is not known: %v", err)
		return 0
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		b.Fatal(err)
	}
	return float64(pages*os.Getpagesize()) / 1e6
}

// BenchmarkIntake follows offers of 10,000 hosts from the socket through the decoder and the decision to the socket again, where they are declined. On all
// of them all is well, or one more host has gone, and a pod of it waits for an offer. An operation is an event of 10,000 offers.
func BenchmarkIntake(b *testing.B) {
	const hosts = 10_000
	b.Run("all-well", func(b *testing.B) { intake(b, hosts, func(*Engine) {}) })
	b.Run("one-waits", func(b *testing.B) {
		intake(b, hosts, func(e *Engine) {
			pods := decided(b, e).Pods
			p := pods[len(pods)-1]
			e.take(machine.Updated{Status: machine.TaskStatus{TaskID: p.TaskID, AgentID: p.AgentID, State: machine.Failed, UUID: make([]byte, 16)}})
			decided(b, e)
		})
	})
}

// intake deploys pods on one host more than there will be, and has something befall them.
func intake(b *testing.B, hosts int, befall func(*Engine)) {
	master, err := mesostest.NewMaster(hosts)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: master}
	go server.Serve(l)
	defer server.Close()

	disk := &store.Disk{}
	former := herdOn(b, disk.Open())
	deployHerd(b, former, hosts+1)
	befall(former)
	session, err := mesos.New(mesos.Config{Masters: []string{l.Addr().String()}, Framework: mesos.Framework{User: "root", Name: "herd", Roles: []string{"quobyte"}}})
	if err != nil {
		b.Fatal(err)
	}
	e, err := New(b.Context(), Config{Service: herd{}, Store: disk.Open(), Session: session})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	round := func() {
		master.Offer()
		select {
		case <-master.Declined():
		case err := <-ended:
			b.Fatalf("engine: %v", err)
		}
	}
	round() // finds the session still being set up
	b.SetBytes(int64(master.Size()))
	begun := cpuTime(b)
	b.ResetTimer()
	for range b.N {
		round()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N*hosts)/b.Elapsed().Seconds(), "offers/s")
	b.ReportMetric(float64(b.N*hosts)/(cpuTime(b)-begun).Seconds(), "offers/cpu-s")
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
