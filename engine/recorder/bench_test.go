package recorder

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// diskOffer is an offer of a host with twelve disks.
func diskOffer(i int) offers.Offer {
	const master = "f09caa85-23ad-4def-8d9f-6308c4a3382b"
	host := fmt.Sprintf("host-%05d.example.com", i)
	o := offers.Offer{
		ID: fmt.Sprintf("%s-O%d", master, i), AgentID: fmt.Sprintf("%s-S%d", master, i), Role: "quobyte",
		Address: "10.0.0.1", Site: offers.Site{Host: host, Hostname: host, Region: "eu", Zone: "a"},
		Free: offers.Quantities{CPUs: 32_000, Mem: 256_000_000, Disk: 100_000_000, Ports: []offers.Range{{Begin: 31000, End: 32000}}},
	}
	for d := range 12 {
		o.Mounts = append(o.Mounts, offers.Mount{Size: 4_000_000_000, Root: fmt.Sprintf("/mnt/disk%02d", d)})
	}
	return o
}

// BenchmarkWriteOffers measures what the writer's goroutine does for each offer. Sizes are those on disk, before and after compression.
func BenchmarkWriteOffers(b *testing.B) {
	const n = 1000
	var batchOf machine.Offered
	for i := range n {
		batchOf.Offers = append(batchOf.Offers, diskOffer(i))
	}
	dir := b.TempDir()
	w := &writer{cfg: Config{Dir: dir, Segments: 2}}
	if err := w.begin(&opening{}); err != nil {
		b.Fatal(err)
	}
	rounds := 0
	for b.Loop() {
		rounds++
		if err := w.batch(batch{takes: []taken{{at: time.Now(), event: batchOf}}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rounds*n), "ns/offer")
	b.ReportMetric(float64(w.size)/float64(rounds*n), "bytes/offer")
	name := w.file.Name()
	if err := w.rotate(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(name + gzipped)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(rounds*n), "gz-bytes/offer")
}

// BenchmarkLoop measures what a recording costs the loop: for a decision after a status update, and for one after the offers of a
// thousand hosts. The machine's own work is not counted.
func BenchmarkLoop(b *testing.B) {
	var many machine.Offered
	for i := range 1000 {
		many.Offers = append(many.Offers, diskOffer(i))
	}
	for _, test := range []struct {
		name  string
		event machine.Event
	}{
		{"update", machine.Updated{Status: machine.TaskStatus{TaskID: "t", State: machine.Running, Data: make([]byte, 1000)}}},
		{"1000offers", many},
	} {
		b.Run(test.name, func(b *testing.B) {
			m, err := machine.New(machineConfig, toy{}, nil, machine.Boot{})
			if err != nil {
				b.Fatal(err)
			}
			r, err := New(Config{Dir: b.TempDir(), StateEvery: 1 << 60})
			if err != nil {
				b.Fatal(err)
			}
			effects := m.Decide(time.Time{}, [16]byte{})
			for b.Loop() {
				r.Take(time.Time{}, test.event)
				r.Decide(time.Time{}, [16]byte{})
				r.Decided(effects, m)
				r.weight.Add(-(<-r.queue).weight) // as if it was written
			}
		})
	}
}
