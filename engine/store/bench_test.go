package store

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// measured are the stores that benchmarks are about.
func measured() []kind {
	return slices.DeleteFunc(kinds(), func(k kind) bool { return k.name == breaking })
}

// BenchmarkCommit is how many groups of records are made durable one after the other in a second, and how long the half, and all but a hundredth, of
// them take at most.
func BenchmarkCommit(b *testing.B) {
	for _, k := range measured() {
		b.Run(k.name, func(b *testing.B) {
			place := k.start(b).place
			for _, records := range []int{1, 100} {
				b.Run(fmt.Sprint(records), func(b *testing.B) {
					s := place()(b)
					defer s.Close()
					var g machine.Group
					for i := range records {
						g.Puts = append(g.Puts, machine.Record{Key: fmt.Sprintf("pods/data-%d", i), Value: bytes.Repeat([]byte("x"), 800)})
					}
					var took []time.Duration
					for b.Loop() {
						begun := time.Now()
						must(b, s.Commit(b.Context(), g))
						took = append(took, time.Since(begun))
					}
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
					slices.Sort(took)
					for _, percent := range []int{50, 99} {
						b.ReportMetric(1000*percentile(took, percent).Seconds(), fmt.Sprintf("p%d-ms", percent))
					}
				})
			}
		})
	}
}

// percentile is the shortest of sorted durations that so many percent of them do not exceed.
func percentile(sorted []time.Duration, percent int) time.Duration {
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}

func TestPercentile(t *testing.T) {
	for _, c := range []struct{ n, percent, want int }{{1, 50, 1}, {1, 99, 1}, {2, 50, 1}, {2, 99, 2}, {100, 50, 50}, {100, 99, 99}, {1000, 99, 990}, {1001, 99, 991}} {
		var sorted []time.Duration
		for i := range c.n {
			sorted = append(sorted, time.Duration(i+1))
		}
		if got := percentile(sorted, c.percent); got != time.Duration(c.want) {
			t.Errorf("%d%% of 1 to %d: %d, want %d", c.percent, c.n, got, c.want)
		}
	}
}

// BenchmarkLoad opens a store with 30,000 pods and loads it, as a framework that takes over does.
func BenchmarkLoad(b *testing.B) {
	for _, k := range measured() {
		b.Run(k.name, func(b *testing.B) {
			open := k.start(b).place()
			s := open(b)
			const pods = 30_000
			for i := 0; i < pods; {
				var g machine.Group
				for ; i < pods && len(g.Puts) < 250; i++ {
					g.Puts = append(g.Puts, machine.Record{Key: fmt.Sprintf("pods/data-%d", i), Value: bytes.Repeat([]byte("x"), 800)})
				}
				must(b, s.Commit(b.Context(), g))
			}
			must(b, s.Close())
			for b.Loop() {
				s := open(b)
				records, err := s.Load(b.Context())
				must(b, err)
				if len(records) != pods {
					b.Fatalf("%d records", len(records))
				}
				must(b, s.Close())
			}
		})
	}
}
