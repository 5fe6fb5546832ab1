package prober

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/executor"
	"github.com/quobyte/mesos-framework/quobyte"
)

const (
	// flushTimeout is how long the last update may take to reach the agent.
	flushTimeout = 5 * time.Second
)

// Run is the prober's life: it serves one task, until the agent ends it or ctx does. See the package documentation.
func Run(ctx context.Context, cfg Config) error {
	cfg, err := cfg.complete()
	if err != nil {
		return fmt.Errorf("prober: %w", err)
	}
	p := &prober{
		log:      cfg.Logger,
		session:  cfg.Session,
		interval: cfg.Interval,
		patience: cfg.LaunchPatience,
		rounds:   make(chan round, 1),
		looker: looker{
			scan:    cfg.scan,
			poller:  newPoller(cfg.Transport, cfg.PollTimeout),
			timeout: cfg.ScanTimeout,
		},
	}
	ctx, cancel := context.WithCancel(ctx)
	events := make(chan executor.Event)
	ended := make(chan error, 1)
	p.work.Go(func() {
		ended <- cfg.Session.Run(ctx, func(e executor.Event) {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		})
	})
	err = p.loop(ctx, events, ended)
	cancel()
	p.work.Wait()
	return err
}

// prober is the state of the loop. Only the loop's goroutine touches it, but for looker, which belongs to the round that is
// under way.
type prober struct {
	log      *slog.Logger
	session  Session
	interval time.Duration
	patience time.Duration // for the task
	looker   looker
	work     sync.WaitGroup

	taskID string // empty before the launch
	list   quobyte.Watchlist
	heard  string

	rounds chan round // results of the round that is under way
	busy   bool       // there is one
	again  bool       // another one is wanted as soon as it ends
	asked  bool       // a message came since the last round began
	toldAt time.Time  // when the last message came

	seq    uint64
	last   []byte // what the last report said, its number left out
	silent int    // intervals since
}

// errEnd ends the loop in good order.
var errEnd = errors.New("end")

func (p *prober) loop(ctx context.Context, events <-chan executor.Event, ended <-chan error) error {
	ticks := time.NewTicker(p.interval)
	defer ticks.Stop()
	taskless := time.NewTimer(p.patience)
	defer taskless.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case err = <-ended:
			return sessionEnd(ctx, err)
		case e := <-events:
			err = p.take(ctx, e)
		case <-taskless.C:
			// A launch that was under way when the agent was restarted never comes, and the agent does not end who waits for it: the
			// framework starts another prober, and this one would stay for ever.
			if p.taskID == "" {
				err = fmt.Errorf("no task came within %v", p.patience)
			}
		case <-ticks.C:
			p.silent++
			if !p.busy {
				p.begin(ctx)
			}
		case r := <-p.rounds:
			err = p.finish(ctx, r)
		}
		switch {
		case errors.Is(err, errEnd):
			return nil
		case err != nil:
			return fmt.Errorf("prober: %w", err)
		}
	}
}

// sessionEnd judges the end of the connection that nobody here asked for.
func sessionEnd(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil:
		return errors.New("prober: session with the agent ended")
	}
	return fmt.Errorf("prober: %w", err)
}

func (p *prober) take(ctx context.Context, e executor.Event) error {
	switch e := e.(type) {
	case executor.Launched:
		return p.launched(ctx, e.TaskID)
	case executor.Message:
		p.told(ctx, e.Data)
	case executor.KillRequested:
		if e.TaskID == p.taskID {
			return p.killed(ctx)
		}
	case executor.Shutdown:
		p.log.Info("agent asked for shutdown")
		return errEnd
	}
	return nil
}

func (p *prober) launched(ctx context.Context, taskID string) error {
	if p.taskID != "" && p.taskID != taskID {
		return p.session.Update(taskID, machine.Failed, fmt.Sprintf("this prober serves task %q already; an executor id must not be used twice", p.taskID), nil)
	}
	p.taskID = taskID
	p.begin(ctx)
	return nil
}

// told takes a watch list, and looks at once how the pods on it are. What comes of it is reported even if it is what was
// reported before: the framework drops what it can't use yet, such as that a pod is well before Mesos has said that it runs,
// and sends a message again when it wants to know.
func (p *prober) told(ctx context.Context, data []byte) {
	list, err := quobyte.DecodeWatchlist(data)
	if err != nil {
		p.log.Warn("message from the framework can't be read; the list before it stays", "error", err)
		return
	}
	p.list, p.heard, p.asked, p.toldAt = list, quobyte.HeardDigest(data), true, time.Now()
	p.begin(ctx)
}

func (p *prober) killed(ctx context.Context) error {
	p.log.Info("task was killed", "task", p.taskID)
	if err := p.session.Update(p.taskID, machine.Killed, "killed on request", nil); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := p.session.Flush(ctx); err != nil {
		return fmt.Errorf("last update of task %q: %w", p.taskID, err)
	}
	return errEnd
}

// begin starts a round, or has one follow the round that is under way.
func (p *prober) begin(ctx context.Context) {
	if p.taskID == "" {
		return
	}
	if p.busy {
		p.again = true
		return
	}
	p.busy, p.again = true, false
	list, heard, asked := p.list, p.heard, p.asked
	p.asked = false
	p.work.Go(func() {
		r := p.looker.look(ctx, list)
		r.heard, r.asked = heard, asked
		p.rounds <- r
	})
}

// finish reports what a round has found, if that is news, or the framework asked or has heard nothing for long.
func (p *prober) finish(ctx context.Context, r round) error {
	p.busy = false
	if p.again {
		defer p.begin(ctx)
	}
	if r.facts == nil { // no scan has ended yet: there is nothing to say about the host, but the task runs
		return p.send(nil, r.note, []byte(r.note), false)
	}
	report := quobyte.Report{Facts: *r.facts, Health: r.health, Heard: r.heard}
	said := append(report.Encode(), r.note...)
	report.Seq = p.seq + 1
	return p.send(report.Encode(), r.note, said, r.asked)
}

func (p *prober) send(data []byte, note string, said []byte, asked bool) error {
	if !asked && (p.unheard() || bytes.Equal(said, p.last) && p.silent < quobyte.RepeatEvery) {
		return nil
	}
	p.last, p.silent = said, 0
	if data != nil {
		p.seq++
	}
	return p.session.Update(p.taskID, machine.Running, note, data)
}

// unheard says that nobody listens: the framework has been away for long. What is reported meanwhile would pile up at the agent, and say nothing when
// it is back that it does not ask for then.
func (p *prober) unheard() bool {
	return p.list.AskedAt != nil && time.Since(p.toldAt) >= quobyte.UnheardAfter
}
