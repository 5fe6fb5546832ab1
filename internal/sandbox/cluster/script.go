package cluster

import "time"

// A Script is what a task does that no process runs: the cluster plays it by itself, in its Ticks. The zero value starts
// at once, is healthy, runs for ever, and ends at once on SIGTERM. All times are of the cluster's clock.
type Script struct {
	StartDelay time.Duration // from the launch to TASK_STARTING and TASK_RUNNING
	Problem    string        // if set, it can't be started after StartDelay: the problem as ProcessFailed takes it

	// ReadyAfter and UnreadyAfter are counted from TASK_RUNNING: between them the checks of the task succeed, before and
	// after they fail. UnreadyAfter 0 means never.
	ReadyAfter   time.Duration
	UnreadyAfter time.Duration

	EndsAfter time.Duration // from TASK_RUNNING, with the status End; 0 means that it goes on until it is told to end
	End       int           // as Exit.Status

	IgnoresTerm bool          // it ends on SIGKILL alone
	StopsAfter  time.Duration // from SIGTERM to its end
	ExitsOnTerm bool          // with status 0, where others are ended by the signal
}

// A ScriptedTask is what Config.Script is asked about.
type ScriptedTask struct {
	Agent     string
	Framework string
	Executor  string // for a command task the id of the task
	Task      string // "" for a default executor itself, whose container need not be made if it has a Script
	Name      string // of the task
}

// play is a Script that is being played.
type play struct {
	script  Script
	startAt time.Time
	doomed  bool // it can't run: it ends instead, after TASK_STARTING if begins is set
	begins  bool
	readyAt time.Time
	downAt  time.Time // when its checks begin to fail again
	endAt   time.Time
	exit    Exit
}

func (c *Cluster) scriptOf(p *process) *Script {
	if c.cfg.Script == nil || p.executor.kind == customExecutor {
		return nil
	}
	asked := ScriptedTask{Agent: p.executor.agent.id, Framework: p.executor.framework.id, Executor: p.executor.id}
	if p.task != nil {
		asked.Task, asked.Name = p.task.id, p.task.info.Name
	}
	return c.cfg.Script(asked)
}

// perform does what is due of a script.
func (c *Cluster) perform(p *process) {
	if p.play == nil {
		return
	}
	if play := p.play; due(play.startAt, c.now) {
		play.startAt = time.Time{}
		switch {
		case play.doomed:
			if play.begins {
				c.starting(p)
			}
			c.ended(p, Exit{Status: -1, Lost: true})
			return
		case play.script.Problem != "":
			c.failedToStart(p, play.script.Problem)
			return
		}
		play.begin(c.now)
		c.run(p, scriptedPID)
	}
	if p.play != nil && due(p.play.endAt, c.now) {
		c.ended(p, p.play.exit)
	}
}

// Numbers of signals, as a wait status has them.
const (
	sigKill = 9
	sigTerm = 15
)

// scriptedPID is told to schedulers as the pid of executors of tasks that have none.
const scriptedPID = 1

func (p *play) begin(now time.Time) {
	s := p.script
	p.readyAt = now.Add(s.ReadyAfter)
	if s.UnreadyAfter > 0 {
		p.downAt = now.Add(s.UnreadyAfter)
	}
	if s.EndsAfter > 0 {
		p.endAt, p.exit = now.Add(s.EndsAfter), Exit{Status: s.End}
	}
}

func (p *play) signal(now time.Time, signal Signal) {
	switch {
	case signal == Kill:
		p.end(now, Exit{Status: sigKill, Lost: !p.startAt.IsZero()})
		p.startAt = time.Time{}
	case p.script.IgnoresTerm:
	case p.script.ExitsOnTerm:
		p.end(now.Add(p.script.StopsAfter), Exit{})
	default:
		p.end(now.Add(p.script.StopsAfter), Exit{Status: sigTerm})
	}
}

// end lets it end then, unless it ends earlier by itself.
func (p *play) end(at time.Time, exit Exit) {
	if p.endAt.IsZero() || at.Before(p.endAt) {
		p.endAt, p.exit = at, exit
	}
}

// ready tells whether its checks succeed now.
func (p *play) ready(now time.Time) bool {
	return !now.Before(p.readyAt) && (p.downAt.IsZero() || now.Before(p.downAt))
}
