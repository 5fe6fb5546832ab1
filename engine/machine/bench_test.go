package machine

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/offers"
)

// BenchmarkDecide measures a decision after one status update, with a deployment of a scout and a db on each host.
func BenchmarkDecide(b *testing.B) {
	for _, hosts := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			m, now := deployed(b, hosts)
			scout := m.pods["agent-0"].Task
			for i := 0; b.Loop(); i++ {
				data, _ := json.Marshal(toyReport{Seq: uint64(i + 2), Facts: "db"})
				now = now.Add(time.Second)
				m.Take(now, Updated{Status: TaskStatus{TaskID: scout.ID, State: Running, Data: data}})
				m.Decide(now, [16]byte{1})
			}
		})
	}
}

// deployed returns a machine whose scouts all run and have reported.
func deployed(b *testing.B, hosts int) (*Machine, time.Time) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	m, err := New(Config{DiscoveryWindow: time.Second}, toy{expect: 1}, nil, Boot{Now: now})
	if err != nil {
		b.Fatal(err)
	}
	m.Take(now, Subscribed{FrameworkID: "F"})
	var batch []offers.Offer
	for i := range hosts {
		h := fmt.Sprintf("h%05d", i)
		batch = append(batch, offers.Offer{ID: h, AgentID: h, Site: offers.Site{Host: h, Hostname: h}, Role: "r", Free: offers.Quantities{CPUs: 4000}})
	}
	m.Take(now, Offered{Offers: batch})
	m.Decide(now, [16]byte{1})
	data, _ := json.Marshal(toyReport{Seq: 1, Facts: "db"})
	for _, p := range m.order {
		m.Take(now, Updated{Status: TaskStatus{TaskID: p.Task.ID, State: Running, Data: data}})
	}
	now = now.Add(2 * time.Second)
	m.Decide(now, [16]byte{2})
	if m.run.FrozenAt.IsZero() || len(m.pods) != 2*hosts+1 {
		b.Fatalf("not deployed: %d pods", len(m.pods))
	}
	return m, now
}

// BenchmarkNothingFits measures a decision in which every host is offered, a scout waits for each of them, and none fits.
func BenchmarkNothingFits(b *testing.B) {
	for _, hosts := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
			m, err := New(Config{DiscoveryWindow: time.Second}, toy{expect: 1}, nil, Boot{Now: now})
			if err != nil {
				b.Fatal(err)
			}
			m.Take(now, Subscribed{FrameworkID: "F"})
			for round := 0; b.Loop(); round++ {
				var batch []offers.Offer
				for i := range hosts {
					h := fmt.Sprintf("h%05d", i)
					batch = append(batch, offers.Offer{ID: fmt.Sprintf("%s-%d", h, round), AgentID: h, Site: offers.Site{Host: h, Hostname: h}, Role: "r"})
				}
				now = now.Add(time.Second)
				m.Take(now, Offered{Offers: batch})
				m.Decide(now, [16]byte{1})
			}
		})
	}
}

// BenchmarkReleasesWait measures a decision in which 1,000 of 10,000 hosts offer something, and which is shown, while thousands of things are to be given back on hosts
// that offer nothing.
func BenchmarkReleasesWait(b *testing.B) {
	for _, releases := range []int{0, 3000} {
		b.Run(fmt.Sprintf("releases=%d", releases), func(b *testing.B) {
			m, now := deployed(b, 10_000)
			for i := range releases {
				m.putRelease(&Release{Claim: fmt.Sprintf("c%05d", i), Pod: "db-0", Host: fmt.Sprintf("h%05d", 9999-i), By: "ann", Reason: "of no use", At: now})
			}
			for round := 0; b.Loop(); round++ {
				var batch []offers.Offer
				for i := range 1000 {
					h := fmt.Sprintf("h%05d", i)
					batch = append(batch, offers.Offer{ID: fmt.Sprintf("%s-%d", h, round), AgentID: h, Site: offers.Site{Host: h, Hostname: h}, Role: "r"})
				}
				now = now.Add(time.Second)
				m.Take(now, Offered{Offers: batch})
				m.Decide(now, [16]byte{1})
			}
		})
	}
}
