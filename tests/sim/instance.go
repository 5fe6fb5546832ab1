package sim

import (
	"errors"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// instance is one life of the framework's process: what engine.Engine is in the real one.
type instance struct {
	*world
	number  int
	epoch   int
	machine *machine.Machine
	session *session
	skew    time.Duration // of its clock

	inbox     []machine.Event
	deciding  bool // a decision is planned or being carried out
	stopped   bool // SIGSTOP
	stoppedAt time.Time
	dead      bool
	wake      time.Time
	view      *machine.View

	acks map[string]time.Time         // uuids that it acknowledged in its session, unless that failed, and when
	told map[string]machine.TaskState // what it was told last of each task, in any of its sessions
}

// boot starts the framework's process.
func (w *world) boot(skew time.Duration) {
	epoch, records := w.disk.open()
	i := &instance{world: w, number: len(w.lives) + 1, epoch: epoch, skew: skew, acks: map[string]time.Time{}, told: map[string]machine.TaskState{}}
	w.note("serve %d: starts with %d records", i.number, len(records))
	cfg := machine.Config{NoNewHosts: w.schedule.Closed, Principal: "quobyte", Asks: w.schedule.Asks}
	m, err := machine.New(cfg, w.service, records, machine.Boot{Now: i.clock(), By: "operator"})
	if err != nil {
		w.check.fail(loads, "%v", err)
		return
	}
	i.machine = m
	i.session = newSession(i, m.FrameworkID())
	w.lives = append(w.lives, i)
	i.session.connectLater(0)
	i.decideSoon()
}

// serve is the newest life of the framework, nil while there is none.
func (w *world) serve() *instance {
	if len(w.lives) == 0 {
		return nil
	}
	if i := w.lives[len(w.lives)-1]; !i.dead {
		return i
	}
	return nil
}

// clock is what the instance takes for the time.
func (i *instance) clock() time.Time { return i.now.Add(i.skew) }

func (i *instance) deliver(e machine.Event) {
	if i.dead {
		return
	}
	i.inbox = append(i.inbox, e)
	i.decideSoon()
}

func (i *instance) decideSoon() {
	if i.deciding || i.stopped || i.dead {
		return
	}
	i.deciding = true
	i.after(i.upTo(i.schedule.Speed.Decide), "decide", i.decide)
}

// decide is one turn of the loop.
func (i *instance) decide() {
	if i.dead {
		return
	}
	if i.stopped {
		i.deciding = false
		return
	}
	i.wake = time.Time{}
	i.decisions++
	now := i.clock()
	events := i.inbox
	i.inbox = nil
	for _, e := range events {
		i.check.taking(i, e)
		i.machine.Take(now, e)
	}
	effects := i.machine.Decide(now, i.newID())
	i.check.decided(i, effects)
	if i.decisions%weighing == 0 {
		i.check.checkMemory(i)
	}
	for _, ask := range effects.Asks {
		i.ask(ask)
	}
	i.send(effects.Calls, 0)
	i.carryOut(effects, 0)
}

// carryOut does what a decision asks for, from its n-th group on, in the order that the machine demands.
func (i *instance) carryOut(effects machine.Effects, n int) {
	for ; n < len(effects.Groups); n++ {
		if d := i.upTo(i.schedule.Speed.Disk); d > 0 {
			i.after(d, "commit", func() {
				if !i.dead && i.commit(effects, n) {
					i.carryOut(effects, n+1)
				}
			})
			return
		}
		if !i.commit(effects, n) {
			return
		}
	}
	i.finish(effects)
}

// commit stores the n-th group and sends the calls that waited for it; false if the process is no more.
func (i *instance) commit(effects machine.Effects, n int) bool {
	what := i.store.draw(i.now)
	if what == failsBefore || what == crashesBefore {
		i.die("commit %d of %d: %s", n+1, len(effects.Groups), what)
		return false
	}
	err := i.disk.commit(i.epoch, effects.Groups[n])
	switch {
	case errors.Is(err, errDeposed):
		i.die("deposed")
		return false
	case what != stored: // what is on record is to be right all the same: what comes next may be another process with other settings
		i.check.committed(i)
		i.die("commit %d of %d: %s", n+1, len(effects.Groups), what)
		return false
	}
	i.check.committed(i)
	i.send(effects.Calls, n+1)
	return true
}

func (i *instance) send(calls []machine.Sending, durable int) {
	for _, c := range calls {
		if c.After == durable {
			i.check.sending(i, c.Call)
			i.session.send(c.Call)
		}
	}
}

func (i *instance) finish(effects machine.Effects) {
	if effects.View != nil {
		i.view = effects.View
		i.check.published(i, effects.View)
	}
	for _, a := range effects.Answers {
		i.check.answered(i, a)
	}
	i.deciding = false
	if len(i.inbox) > 0 {
		i.decideSoon()
		return
	}
	if at := effects.WakeAt; !at.IsZero() {
		at = at.Add(-i.skew)
		i.wake = at
		i.at(at, "wake", func() {
			if i.wake.Equal(at) {
				i.decideSoon()
			}
		})
	}
}

// ask puts a question to whoever answers it: Quobyte's API, which knows its replica set, and may be silent or behind.
func (i *instance) ask(ask machine.Ask) {
	asked := i.now
	i.after(i.upTo(i.schedule.Speed.Network), "ask", func() {
		if i.now.Before(i.silent) {
			return
		}
		answer := machine.Judged{ID: ask.ID, Judgement: i.judge(ask.Pods)}
		i.note("serve %d: may %v be stopped: %v", i.number, ask.Pods, answer.Gate)
		way := i.upTo(i.schedule.Speed.Network)
		if i.now.Before(i.slow.till) {
			way += i.slow.by
		}
		i.after(way, "answer", func() {
			i.session.running(func() {
				i.check.judged(ask, asked, answer)
				i.deliver(answer)
			})
		})
	})
}

// die ends the process; it is started again after a while, unless another one is there already.
func (i *instance) die(format string, args ...any) {
	if i.dead {
		return
	}
	i.note("serve %d: dies: "+format, append([]any{i.number}, args...)...)
	i.dead = true
	i.session.abandon()
	if i == i.lives[len(i.lives)-1] {
		i.after(i.upTo(5*time.Second), "restart", func() {
			if i.world.serve() == nil {
				i.boot(i.skew)
			}
		})
	}
}
