package plans

import (
	"math"
	"math/bits"
	"time"
)

const (
	// octaveBits makes 8 buckets an octave: a bucket is at most an eighth of its least duration wide.
	octaveBits = 3
	// durationBuckets are enough for every duration that is not negative.
	durationBuckets = (63 - octaveBits + 1) << octaveBits
	// enoughSteps of this run count for more than an earlier run does.
	enoughSteps = 3
	// lastYear is the last one that RFC 3339, and with it JSON, can tell.
	lastYear = 9999
)

// durations counts how long steps took, in a histogram whose buckets grow with what they hold. The shortest and the longest are kept as
// they are, and others are told within a sixteenth. The zero value is ready. It is large: don't copy it.
type durations struct {
	n                 int
	shortest, longest time.Duration
	buckets           [durationBuckets]uint32
}

// add counts a duration; a negative one (clocks differ) is 0.
func (d *durations) add(took time.Duration) {
	took = max(took, 0)
	if d.n == 0 || took < d.shortest {
		d.shortest = took
	}
	d.longest = max(d.longest, took)
	d.buckets[bucketOf(took)]++
	d.n++
}

// count is how many durations were added; none if there is no d.
func (d *durations) count() int {
	if d == nil {
		return 0
	}
	return d.n
}

// percentile returns the duration that a share p of them, from 0 to 1, did not exceed: percentile(0.9) is the P90. It is 0 if there are
// none.
func (d *durations) percentile(p float64) time.Duration {
	rank := rankOf(p, d.n)
	switch {
	case d.n == 0:
		return 0
	case rank == 1:
		return d.shortest
	case rank == d.n:
		return d.longest
	}
	seen := 0
	for b := bucketOf(d.shortest); b < len(d.buckets); b++ {
		if seen += int(d.buckets[b]); seen >= rank {
			return min(max(middleOf(b), d.shortest), d.longest)
		}
	}
	return d.longest
}

// rankOf is the place, from 1, of the percentile among n sorted durations.
func rankOf(p float64, n int) int {
	if !(p > 0) { // also what is not a number
		return 1
	}
	return max(int(math.Ceil(min(p, 1)*float64(n))), 1)
}

// bucketOf is the bucket of a duration. Its upper bits are the octave, its lower ones the place in it; the first octaves hold single
// nanoseconds.
func bucketOf(d time.Duration) int {
	octave := bits.Len64(uint64(d) >> octaveBits)
	if octave == 0 {
		return int(d)
	}
	return octave<<octaveBits | int(d>>(octave-1))&(1<<octaveBits-1)
}

// middleOf is the duration in the middle of a bucket.
func middleOf(bucket int) time.Duration {
	octave := bucket >> octaveBits
	if octave == 0 {
		return time.Duration(bucket)
	}
	width := time.Duration(1) << (octave - 1)
	least := (1<<octaveBits | time.Duration(bucket)&(1<<octaveBits-1)) << (octave - 1)
	return least + width/2
}

// record is what a run keeps of the durations.
func (d *durations) record(phase string) Duration {
	if d == nil {
		return Duration{Phase: phase}
	}
	return Duration{Phase: phase, Steps: d.n, P50: d.percentile(0.5), P90: d.percentile(0.9)}
}

// pastDurations returns how long the steps of the phase took in the newest run that says so; its Steps are 0 if none does. Runs are ordered
// newest last.
func pastDurations(past []Run, phase string) Duration {
	for i := len(past) - 1; i >= 0; i-- {
		for _, d := range past[i].Durations {
			if d.Phase == phase && d.Steps > 0 {
				return d
			}
		}
	}
	return Duration{}
}

// progress is how far a phase has come, as far as an estimate asks.
type progress struct {
	phase string
	// parallel phases do up to width steps together, and then the next as many; 0: all at once. Others do one after the other.
	parallel bool
	width    int
	// left steps are neither done nor under way, underWay are.
	left, underWay int
	// begun is when the oldest step that is under way began; zero: none, or not known.
	begun time.Time
	// anchor is when the phase last moved: the latest end or begin of a step, or when it could begin; zero: not known.
	anchor time.Time
	// took is how long its steps took in this run, past in an earlier one (Steps 0: none).
	took *durations
	past Duration
	// least is what a step takes at the least: a pod that was stopped has to settle, which the launches of an earlier run did not.
	least time.Duration
	// waits are the places of the phases that must be done before steps that are left begin.
	waits []int
	// done phases need no time; open ones may need any.
	done, open bool
}

// pace is how long a step takes. Two steps of this run say less than an earlier run, and more than nothing.
func (p *progress) pace() Duration {
	if p.took.count() >= enoughSteps || p.past.Steps <= 0 {
		return p.took.record(p.phase)
	}
	pace := p.past
	pace.P50 = max(pace.P50, p.least, 0)
	pace.P90 = max(pace.P90, pace.P50)
	return pace
}

// together says that all steps that may begin do so at once.
func (p *progress) together() bool { return p.parallel && p.width <= 0 }

// waves is how many times the steps that are left take the time of one.
func (p *progress) waves() int {
	left := max(p.left, 0)
	switch {
	case !p.parallel:
		return left
	case p.together():
		return min(left, 1)
	}
	return left/p.width + min(left%p.width, 1)
}

// end is when the phase will have ended if each step takes so long and those that are left may begin from free on. The time that it is
// now counts only if nothing else is known: otherwise the end would move away while nothing happens.
func (p *progress) end(free, now time.Time, step time.Duration) time.Time {
	start := later(later(free, p.anchor), p.begun)
	if start.IsZero() {
		start = now
	}
	rest := multiple(step, p.waves())
	if p.underWay <= 0 {
		return start.Add(rest)
	}
	going := start.Add(step)
	if !p.begun.IsZero() {
		going = p.begun.Add(step)
	}
	if p.together() { // what is left joins what is under way
		return later(going, start.Add(rest))
	}
	return later(going, start).Add(rest)
}

// multiple is n durations, or the longest that can be said.
func multiple(d time.Duration, n int) time.Duration {
	if n > 0 && d > math.MaxInt64/time.Duration(n) {
		return math.MaxInt64
	}
	return d * time.Duration(n)
}

// estimate says of each phase when it will have ended, in phase, which is as long as phases, and returns when all will; nil where that
// can't be said: of phases that are done or open, of those whose steps took nobody knows how long, and of those that wait for one without
// an estimate, or in a circle.
//
// It adds up percentiles as if steps were alike. That makes Latest too late rather than too early for a series of many steps, and Likely
// too early for many steps side by side, of which the slowest counts. It does not matter much, since all of it is concluded from few steps
// anyway.
func estimate(phases []progress, now time.Time, phase []*Estimate) *Estimate {
	f := forecast{phases: phases, now: now, ends: make([]ending, len(phases))}
	plan, none, all := Estimate{}, true, true
	for i := range phases {
		e := f.of(i)
		phase[i] = e
		if phases[i].done {
			continue
		}
		none = false
		if e == nil {
			all = false
			continue
		}
		plan.Likely, plan.Latest = later(plan.Likely, e.Likely), later(plan.Latest, e.Latest)
		plan.Steps += e.Steps
	}
	if none || !all {
		return nil
	}
	return &plan
}

// forecast is the work on one estimate.
type forecast struct {
	phases []progress
	now    time.Time
	ends   []ending
}

// ending is what was found out of the end of a phase.
type ending struct {
	Estimate
	looked, known bool
}

// of returns the estimate of a phase. One that is still being looked at waits for itself, and has none.
func (f *forecast) of(i int) *Estimate {
	p, e := &f.phases[i], &f.ends[i]
	if !e.looked {
		e.looked = true
		e.Estimate, e.known = f.look(p)
	}
	if !e.known {
		return nil
	}
	return &e.Estimate
}

func (f *forecast) look(p *progress) (Estimate, bool) {
	if p.done || p.open {
		return Estimate{}, false
	}
	pace := p.pace()
	if pace.Steps == 0 {
		return Estimate{}, false
	}
	likely, latest, ok := f.free(p)
	if !ok {
		return Estimate{}, false
	}
	e := Estimate{Likely: p.end(likely, f.now, pace.P50), Latest: p.end(latest, f.now, pace.P90), Steps: pace.Steps}
	return e, e.Latest.Year() <= lastYear
}

// free is when the phases that the phase waits for have ended, or will have; zero if it waits for none, or that is not known.
func (f *forecast) free(p *progress) (likely, latest time.Time, ok bool) {
	if p.left <= 0 { // what is under way does not wait
		return likely, latest, true
	}
	for _, w := range p.waits {
		if w < 0 || w >= len(f.phases) {
			return likely, latest, false
		}
		if f.phases[w].done { // the phase could begin when it was
			likely, latest = later(likely, f.phases[w].anchor), later(latest, f.phases[w].anchor)
			continue
		}
		e := f.of(w)
		if e == nil {
			return likely, latest, false
		}
		likely, latest = later(likely, e.Likely), later(latest, e.Latest)
	}
	return likely, latest, true
}
