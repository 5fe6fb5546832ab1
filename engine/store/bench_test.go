package store

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// measured are the stores that benchmarks are about.
func measured() []kind {
	return slices.DeleteFunc(kinds(), func(k kind) bool { return k.name == breaking })
}

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
					for b.Loop() {
						must(b, s.Commit(b.Context(), g))
					}
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
				})
			}
		})
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
