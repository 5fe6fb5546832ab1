//go:build linux

package bench

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/mesostest"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

const (
	hosts = 10_000
	// pods are a prober, a metadata and a data service on every host, three registries, an API service and a web console.
	pods          = 3*hosts + 5
	serverCommand = "/opt/quobyte/run"
)

// deploy leaves the state in a directory in which all pods of all hosts run and are well, but for one on the last host if a pod is to wait: it has failed.
func deploy(b *testing.B, dir string, oneWaits bool) *world {
	b.Helper()
	settings := quobyte.DefaultSettings()
	settings.Containerizer, settings.ServerCommand, settings.PortsFrom = quobyte.Command, serverCommand, quobyte.PortsFromHost
	settings.FrameworkURL, settings.Role = "http://127.0.0.1:1", "quobyte"
	service, err := quobyte.New(settings)
	if err != nil {
		b.Fatal(err)
	}
	s, err := store.OpenBolt(dir)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now().Add(-time.Hour) // it was deployed some time ago
	m, err := machine.New(machine.Config{DiscoveryWindow: time.Second}, service, nil, machine.Boot{Now: now, By: "operator"})
	if err != nil {
		b.Fatal(err)
	}
	w := &world{probers: map[string]*prober{}}
	m.Take(now, machine.Subscribed{FrameworkID: "F"})
	decide := func(turn uint64) machine.Effects {
		effects := m.Decide(now, [16]byte{byte(turn)})
		for _, g := range effects.Groups {
			if err := s.Commit(b.Context(), g); err != nil {
				b.Fatal(err)
			}
		}
		return effects
	}
	for turn := range uint64(100) {
		now = now.Add(time.Second)
		m.Take(now, offered(turn))
		effects := decide(turn)
		if deployed(effects.View) {
			if oneWaits {
				last := effects.View.Pods[slices.IndexFunc(effects.View.Pods, func(p machine.PodView) bool { return p.Type == quobyte.Data && p.Host == lastHost })]
				m.Take(now, machine.Updated{Status: machine.TaskStatus{TaskID: last.TaskID, AgentID: last.AgentID, State: machine.Failed}})
				decide(turn + 1)
			}
			w.answers.Store(0)
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			return w
		}
		for _, c := range effects.Calls {
			for _, status := range w.called(c.Call) {
				m.Take(now, machine.Updated{Status: status})
			}
		}
	}
	b.Fatal("the deployment does not come to its end")
	return nil
}

var lastHost = mesostest.StorageOffer(hosts - 1).Hostname

func deployed(v *machine.View) bool {
	if v == nil {
		return false
	}
	p, _ := v.Plan(machine.DeployPlan)
	return p.Status == plans.Complete && len(v.Pods) == pods
}

// offered is what all hosts offer.
func offered(turn uint64) machine.Offered {
	var all []offers.Offer
	for i := range hosts {
		o := mesostest.StorageOffer(i)
		all = append(all, offers.Offer{ID: fmt.Sprint(turn, "/", i), AgentID: o.AgentID.Value, Role: "quobyte", Address: "10.1.2.3", Site: offers.Site{Host: o.Hostname, Hostname: o.Hostname},
			Free: offers.Quantities{CPUs: 32_000, Mem: 131_072_000, Disk: 500_000_000}})
	}
	return machine.Offered{Offers: all}
}

// world is a cluster on which every task runs at once, and what its probers say: each host has a device for metadata and one for data, three have one
// for a registry, and everything is well.
type world struct {
	probers map[string]*prober // by agent
	updates int
	answers atomic.Int64 // of probers
}

type prober struct {
	task string
	host int
	seq  uint64
}

// called is what comes of a call.
func (w *world) called(c machine.Call) []machine.TaskStatus {
	var all []machine.TaskStatus
	switch c := c.(type) {
	case machine.Accept:
		for _, t := range c.Launches() {
			all = append(all, w.runs(t.AgentID, t.ID, w.launched(t)))
		}
	case machine.Message:
		if task, data := w.told(c.AgentID, c.ExecutorID, c.Data); task != "" {
			all = append(all, w.runs(c.AgentID, task, data))
		}
	}
	return all
}

func (w *world) runs(agent, task string, data []byte) machine.TaskStatus {
	w.updates++
	return machine.TaskStatus{TaskID: task, AgentID: agent, State: machine.Running, UUID: fmt.Appendf(nil, "%016d", w.updates), Data: data}
}

// launched is what a task says first.
func (w *world) launched(t offers.Task) []byte {
	if !strings.HasPrefix(t.ID, quobyte.Prober+"-") {
		return nil
	}
	p := &prober{task: t.ID, seq: 1}
	fmt.Sscanf(t.AgentID[strings.LastIndexByte(t.AgentID, 'S'):], "S%d", &p.host)
	w.probers[t.AgentID] = p
	return quobyte.Report{Seq: 1, Facts: facts(p.host)}.Encode()
}

// told is what a prober says when it has heard whose health it is asked about.
func (w *world) told(agent, _ string, message []byte) (task string, data []byte) {
	list, err := quobyte.DecodeWatchlist(message)
	p := w.probers[agent]
	if err != nil || p == nil {
		return "", nil
	}
	p.seq++
	w.answers.Add(1)
	report := quobyte.Report{Seq: p.seq, Facts: facts(p.host), Heard: quobyte.HeardDigest(message)}
	for _, pod := range list.Pods {
		report.Health = append(report.Health, quobyte.PodHealth{TaskID: pod.TaskID, Healthy: true})
	}
	return p.task, report.Encode()
}

func facts(host int) quobyte.Facts {
	device := func(disk int, podType string) quobyte.FoundDevice {
		return quobyte.FoundDevice{
			Path: fmt.Sprintf("/mnt/disk%02d", disk), Serial: fmt.Sprintf("WD-%05d-%02d", host, disk), Model: "WDC WUH721414AL", FS: "xfs", Types: []string{podType},
		}
	}
	f := quobyte.Facts{Devices: []quobyte.FoundDevice{device(0, quobyte.Metadata), device(1, quobyte.Data)}}
	if host < 3 {
		registry := device(2, quobyte.Registry)
		registry.Bootstrap = host == 0
		f.Devices = append(f.Devices, registry)
	}
	return f
}
