package recorder

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// Config says where and how much to record. Zero values stand for the defaults in brackets.
type Config struct {
	// Dir is made if it is missing. Nobody else may record there at the same time.
	Dir string
	// SegmentBytes [64 MiB] is about how large a segment becomes, its snapshot not counted, before the next one begins.
	SegmentBytes int64
	// Segments [16] is how many are kept, the one that is written included.
	Segments int
	// StateEvery [1000] is the number of decisions between two digests of the state.
	StateEvery uint64
	// Version names the program.
	Version string
	// Settings are the service's, in JSON, without anything that is secret.
	Settings json.RawMessage
	Logger   *slog.Logger
}

const (
	// queueWeight bounds what waits to be written: events, offers and records, about a kilobyte each.
	queueWeight = 50_000
	// queueBatches bounds it in decisions.
	queueBatches = 4096
	// farewell is how long End waits until everything is written.
	farewell = 5 * time.Second
	// patience is how long New waits for the disk.
	patience = 5 * time.Second
)

// Recorder records the inputs of one machine. New makes it, Run writes; Begin, Take, Decide, Decided and End are called by the
// loop, in this order, and but for End never wait.
type Recorder struct {
	cfg  Config
	lock *os.File

	queue  chan batch
	weight atomic.Int64 // of what is in the queue
	full   atomic.Bool  // the segment is as large as it may become
	failed atomic.Bool  // nothing is written any more
	done   chan struct{}

	// The loop's own.
	head     Segment // of the next segment
	pending  []taken
	heavy    int64 // weight of pending
	deciding *decision
	number   uint64
	at       time.Time // of the last decision
	lost     bool      // the queue was full: wait until it is empty, and begin with a snapshot
}

// batch is what the loop hands over after a decision.
type batch struct {
	takes  []taken
	decide *decision
	end    string   // reason; empty: the segment goes on
	state  string   // digest to end with
	start  *opening // the segment to begin after that
	weight int64
}

type taken struct {
	at    time.Time
	event machine.Event
}

type decision struct {
	number  uint64
	at      time.Time
	random  [16]byte
	effects *machine.Effects // nil: it did not end
	state   string
}

// opening is how a segment begins.
type opening struct {
	head    Segment
	records []machine.Record
	parts   []machine.Part
	state   string
}

// New prepares the directory, and makes sure that nobody else records there.
func New(cfg Config) (*Recorder, error) {
	if cfg.SegmentBytes == 0 {
		cfg.SegmentBytes = 64 << 20
	}
	if cfg.Segments == 0 {
		cfg.Segments = 16
	}
	if cfg.StateEvery == 0 {
		cfg.StateEvery = 1000
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	lock, err := inTime(cfg.Dir, claim)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	return &Recorder{cfg: cfg, lock: lock, queue: make(chan batch, queueBatches), done: make(chan struct{})}, nil
}

// inTime claims the directory, or gives up when its disk hangs: whoever leads, and does not come to work, must be able to end.
func inTime(dir string, claim func(dir string) (*os.File, error)) (*os.File, error) {
	type outcome struct {
		lock *os.File
		err  error
	}
	done := make(chan outcome, 1)
	go func() { // not joined when it hangs in a system call; it ends with the process, and so does the lock
		lock, err := claim(dir)
		done <- outcome{lock, err}
	}()
	select {
	case o := <-done:
		return o.lock, o.err
	case <-time.After(patience):
		return nil, fmt.Errorf("directory %s: its disk has not answered within %s", dir, patience)
	}
}

// claim makes the directory and locks it. The lock ends with the process at the latest.
func claim(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("directory %s: another process records there; give each its own", dir)
		}
		return nil, fmt.Errorf("directory %s: lock: %w", dir, err)
	}
	return d, nil
}

// Begin tells what a machine was built from, and gives the machine, which has taken nothing yet.
func (r *Recorder) Begin(cfg machine.Config, service machine.Service, records []machine.Record, boot machine.Boot, m *machine.Machine) {
	r.head = Segment{
		Format: format, Version: r.cfg.Version, Started: boot.Now, At: boot.Now, Machine: cfg, Settings: r.cfg.Settings, Fingerprints: fingerprints(service),
	}
	s, err := m.Snapshot()
	if err != nil {
		r.fail(err)
		return
	}
	head := r.head
	head.Boot = &boot
	r.hand(batch{start: &opening{head: head, records: records, state: s.Digest()}})
}

func fingerprints(s machine.Service) map[string]string {
	out := map[string]string{s.Scout(): s.Fingerprint(s.Scout())}
	for _, phase := range s.Phases() {
		for _, t := range phase.PodTypes {
			out[t] = s.Fingerprint(t)
		}
	}
	return out
}

// Take tells of an event that the machine is about to take.
func (r *Recorder) Take(now time.Time, e machine.Event) {
	if r.failed.Load() {
		return
	}
	r.pending = append(r.pending, taken{at: now, event: e})
	r.heavy++
	if o, ok := e.(machine.Offered); ok {
		r.heavy += int64(len(o.Offers))
	}
}

// Decide tells that the machine is about to decide.
func (r *Recorder) Decide(now time.Time, random [16]byte) {
	r.number++
	r.at = now
	r.deciding = &decision{number: r.number, at: now, random: random}
}

// Decided tells what the machine has decided. Nothing of it was carried out yet.
func (r *Recorder) Decided(effects machine.Effects, m *machine.Machine) {
	b := batch{takes: r.pending, decide: r.deciding, weight: r.heavy + 1}
	r.pending, r.heavy, r.deciding = nil, 0, nil
	if r.failed.Load() {
		return
	}
	if effects.View != nil {
		effects.View = &machine.View{Revision: effects.View.Revision} // all that is looked at; the whole is large, and need not wait here
	}
	for _, g := range effects.Groups {
		b.weight += int64(len(g.Puts))
	}
	b.decide.effects = &effects
	waiting := r.weight.Load()
	switch {
	case r.lost && waiting > 0:
		return
	case r.lost:
		b = batch{end: endLost, start: r.snapshot(m)} // what was taken in since is in the snapshot
		r.lost = false
		r.full.Store(false)
	case waiting > 0 && waiting+b.weight > queueWeight:
		r.lose()
		return
	case r.full.Swap(false):
		b.end, b.start = endContinued, r.snapshot(m)
		if b.start != nil {
			b.state = b.start.state
		}
	case r.number%r.cfg.StateEvery == 0:
		b.decide.state = r.digest(m)
	}
	r.hand(b)
}

// hand puts a batch into the queue, if there is room.
func (r *Recorder) hand(b batch) {
	if r.failed.Load() {
		return
	}
	b.weight = max(b.weight, 1)
	r.weight.Add(b.weight)
	select {
	case r.queue <- b:
	default:
		r.weight.Add(-b.weight)
		r.lose()
	}
}

func (r *Recorder) lose() {
	if !r.lost {
		r.cfg.Logger.Warn("recording: writing does not keep up; it goes on with a new segment when what waits is written", "dir", r.cfg.Dir)
	}
	r.lost = true
}

// snapshot is how the next segment begins; nil if that failed.
func (r *Recorder) snapshot(m *machine.Machine) *opening {
	s, err := m.Snapshot()
	if err != nil {
		r.fail(err)
		return nil
	}
	head := r.head
	head.At, head.Decisions, head.Lost = r.at, r.number, r.lost
	return &opening{head: head, records: s.Records, parts: s.Volatile, state: s.Digest()}
}

func (r *Recorder) digest(m *machine.Machine) string {
	s, err := m.Snapshot()
	if err != nil {
		r.fail(err)
		return ""
	}
	return s.Digest()
}

// End ends the recording and waits until it is written, though not for long: then Run hangs in a system call, which a disk does not answer, and End says
// so in the log and returns false. It must be called also when the machine has panicked: what it was about to do is the most interesting part.
func (r *Recorder) End(m *machine.Machine) (written bool) {
	b := batch{takes: r.pending, decide: r.deciding, end: endStopped}
	switch {
	case r.lost:
		b.takes, b.decide, b.end = nil, nil, endLost
	case b.takes != nil || b.decide != nil:
		b.end = endUnfinished
	default:
		b.state = r.digest(m)
	}
	r.hand(b)
	close(r.queue)
	select {
	case <-r.done:
		return true
	case <-time.After(farewell):
		r.cfg.Logger.Warn("recording: not everything is written; the framework ends without, and leaves it to hang", "dir", r.cfg.Dir, "waited", farewell)
		return false
	}
}

// fail stops recording, for good.
func (r *Recorder) fail(err error) {
	if !r.failed.Swap(true) {
		r.cfg.Logger.Warn("recording: stopped; the framework goes on without", "dir", r.cfg.Dir, "error", err)
	}
}

// Run writes until End.
func (r *Recorder) Run() {
	defer close(r.done)
	defer r.lock.Close()
	w := &writer{cfg: r.cfg}
	if err := w.compressClosed(); err != nil {
		r.fail(err)
	}
	for b := range r.queue {
		if !r.failed.Load() {
			if err := r.write(w, b); err != nil {
				r.fail(err)
			}
		}
		r.weight.Add(-b.weight)
	}
	if err := w.close(); err != nil {
		r.fail(err)
	}
}

func (r *Recorder) write(w *writer, b batch) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v) // a mistake in here must not end the framework
		}
	}()
	if err := w.batch(b); err != nil {
		return err
	}
	if w.size > r.cfg.SegmentBytes && !w.full {
		w.full = true
		r.full.Store(true)
	}
	if len(r.queue) == 0 {
		return w.flush()
	}
	return nil
}

func hexOf(b [16]byte) string { return hex.EncodeToString(b[:]) }
