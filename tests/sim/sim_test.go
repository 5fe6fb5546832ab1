package sim_test

import (
	"bytes"
	"cmp"
	"flag"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/tests/sim"
)

var (
	seeds  = flag.Int("sim.seeds", 40, "schedules to try")
	first  = flag.Uint64("sim.first", 1, "the first of their seeds")
	one    = flag.Uint64("sim.seed", 0, "try this seed alone, with its journal")
	shrink = flag.Int("sim.shrink", 60, "runs to spend on making a schedule that fails smaller")
	save   = flag.String("sim.save", "", "the folder into which schedules that fail are written when they are as small as can be, such as testdata/corpus")
	budget = flag.Duration("sim.budget", 0, "try seeds for this long instead of a number of them")
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(-1) // much is made for one decision and dropped after it, and what lasts is a tenth of this:
	debug.SetMemoryLimit(200 << 20)
	flag.Parse()
	os.Exit(m.Run())
}

func TestSeeds(t *testing.T) {
	if *one != 0 {
		r := sim.Run(sim.Draw(*one), os.Stdout)
		t.Log(r)
		if r.Broken != "" {
			t.Fail()
		}
		return
	}
	began, virtual, launches, faults, decisions, n, broken := time.Now(), time.Duration(0), 0, 0, 0, 0, 0
	for ; more(n, began) && broken < 5; n++ {
		var journal io.Writer
		twice := n%50 == 7
		if twice {
			journal = io.Discard // of which there is a digest
		}
		r := sim.Run(sim.Draw(*first+uint64(n)), journal)
		virtual, launches, faults = virtual+r.Took, launches+r.Launches, faults+r.Faults
		decisions += r.Decisions
		if twice {
			if again := sim.Run(sim.Draw(*first+uint64(n)), io.Discard); again.Digest != r.Digest {
				t.Errorf("seed %d: journals %s and %s", r.Schedule.Seed, r.Digest, again.Digest)
			}
		}
		if r.Broken != "" {
			broken++
			t.Error(r)
			keep(t, sim.Shrink(r, *shrink))
		}
	}
	took := time.Since(began)
	t.Logf("%d schedules tried, with %d faults, %d launches and %d decisions, %v of virtual time, in %v: %.0f a minute",
		n, faults, launches, decisions, virtual.Round(time.Second), took.Round(time.Millisecond), float64(n)/took.Minutes())
}

// TestReproducible: the same seed gives the same journal.
func TestReproducible(t *testing.T) {
	for seed := *first; seed < *first+5; seed++ {
		a, b := sim.Run(sim.Draw(seed), io.Discard), sim.Run(sim.Draw(seed), io.Discard)
		if a.Digest != b.Digest || a.Events != b.Events {
			t.Errorf("seed %d: journals %s (%d events) and %s (%d events)", seed, a.Digest, a.Events, b.Digest, b.Events)
		}
	}
}

// TestReproducibleWhateverHappens: so it does with every kind of fault, and with everything that operators do.
func TestReproducibleWhateverHappens(t *testing.T) {
	missing := map[string]bool{}
	for _, kind := range sim.Kinds() {
		missing[string(kind)] = true
	}
	for _, kind := range sim.VerbKinds() {
		missing[kind] = true
	}
	for seed := uint64(1); len(missing) > 0; seed++ {
		s := sim.Draw(seed)
		found := false
		for _, what := range happens(s) {
			found = found || missing[what]
		}
		if !found || len(s.Hosts) > 12 {
			continue
		}
		var a, b bytes.Buffer
		one, two := sim.Run(s, &a), sim.Run(s, &b)
		if !bytes.Equal(a.Bytes(), b.Bytes()) || one.Digest != two.Digest {
			t.Errorf("seed %d: journals of %d and %d bytes differ, or what they leave out: %s and %s", seed, a.Len(), b.Len(), one.Digest, two.Digest)
		}
		for _, what := range happens(s) {
			delete(missing, what)
		}
	}
}

// happens lists the kinds of what goes wrong in a schedule, and of what operators do.
func happens(s sim.Schedule) []string {
	var kinds []string
	for _, f := range s.Faults {
		kinds = append(kinds, string(f.Kind))
	}
	for _, v := range s.Verbs {
		kinds = append(kinds, v.Kind)
	}
	return kinds
}

// TestChaosIsManifold: schedules are as different as they are meant to be.
func TestChaosIsManifold(t *testing.T) {
	kinds, hosts, most, none, shares, volumes := map[string]int{}, 0, 0, 0, 0, 0
	for seed := range uint64(500) {
		s := sim.Draw(seed)
		hosts = max(hosts, len(s.Hosts))
		most = max(most, len(s.Faults))
		if len(s.Faults) == 0 {
			none++
		}
		if strings.HasSuffix(s.MaxUnavailable, "%") {
			shares++
		}
		if len(s.Volumes) > 0 {
			volumes++
		}
		for _, kind := range happens(s) {
			kinds[kind]++
		}
	}
	if volumes < 60 || volumes > 110 {
		t.Errorf("pods have volumes in %d of 500 schedules, and not in one of six", volumes)
	}
	for _, kind := range sim.VerbKinds() {
		if kinds[kind] < 5 {
			t.Errorf("operators said %s %d times in 500 schedules", kind, kinds[kind])
		}
	}
	for _, kind := range sim.Kinds() {
		if least := map[sim.Kind]int{"stray-task": 5, "gone-unseen": 5, "too-large": 5, "exclude-fails": 5, "gone-silent": 5, "api-slow": 5, "old-backup": 5}[kind]; kinds[string(kind)] < cmp.Or(least, 20) {
			t.Errorf("%s was drawn %d times in 500 schedules", kind, kinds[string(kind)])
		}
	}
	if hosts < 45 || most < 18 || none == 0 || shares < 20 {
		t.Errorf("at most %d hosts and %d faults, %d schedules without any, %d with budgets that are a share", hosts, most, none, shares)
	}
}

func more(n int, began time.Time) bool {
	if *budget > 0 {
		return time.Since(began) < *budget
	}
	return n < *seeds
}
