package sim

import (
	"bytes"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/direct"
	"github.com/quobyte/mesos-framework/quobyte"
)

// prober does what package quobyte/prober does, in virtual time.
type prober struct {
	*container
	stream string
	taskID string
	list   quobyte.Watchlist
	heard  string
	asked  bool
	toldAt time.Time

	seq     uint64
	last    quobyte.Report
	found   devices // that last tells of
	silent  int
	pending []direct.Update // that the agent has not acknowledged

	believed bool // it has acknowledged one
	ending   bool // it has said its last word
}

func (p *prober) executor() direct.Executor {
	return direct.Executor{Agent: p.host.agent, Framework: p.framework, ID: p.task}
}

func (p *prober) begin() {
	p.subscribeAgain()
	p.round()
	p.after(time.Minute, "patience", func() {
		if p.taskID == "" {
			p.exit(256)
		}
	})
}

func (p *prober) subscribe() {
	if p.host.away {
		return // nobody listens
	}
	var unheard []string
	if p.taskID != "" && !p.believed {
		unheard = []string{p.taskID}
	}
	stream, answer, effects := p.cluster.ExecutorSubscribe(p.now, p.executor(), p.pending, unheard)
	if answer.Status == 200 {
		p.stream = stream
		p.probers[stream] = p
	}
	p.act(effects)
}

// subscribeAgain goes on until the agent is back.
func (p *prober) subscribeAgain() {
	if p.gone || p.stream != "" {
		return
	}
	p.subscribe()
	p.after(time.Second, "executor", p.subscribeAgain)
}

func (p *prober) take(e direct.ToExecutor) {
	if p.gone || e.Stream != p.stream {
		return
	}
	switch e.Type {
	case direct.Launch:
		p.taskID = e.TaskID
		p.report()
	case direct.Message:
		list, err := quobyte.DecodeWatchlist(e.Data)
		if err != nil {
			p.check.fail(wellFormed, "message to %s: %v", p.task, err)
			return
		}
		p.list, p.heard, p.asked, p.toldAt = list, quobyte.HeardDigest(e.Data), true, p.now
		p.report()
	case direct.Acknowledged:
		p.believed = true
		for i, u := range p.pending {
			if bytes.Equal(u.UUID, e.UUID) {
				p.pending = append(p.pending[:i:i], p.pending[i+1:]...)
				break
			}
		}
	case direct.Kill:
		if p.ending {
			return
		}
		p.ending = true
		p.update(direct.Update{TaskID: e.TaskID, State: "KILLED", Message: "killed on request"})
		p.after(p.upTo(time.Second), "ends", func() { p.exit(0) })
	case direct.Shutdown:
		p.exit(0)
	}
}

// round looks, reports, and comes again.
func (p *prober) round() {
	if p.gone {
		return
	}
	p.silent++
	p.report()
	p.after(p.settings.ProbeInterval, "probe", p.round)
}

func (p *prober) report() {
	if p.gone || p.ending || p.taskID == "" || p.now.Before(p.host.hung) {
		return
	}
	found := p.host.devices()
	r := quobyte.Report{Heard: p.heard}
	for _, pod := range p.list.Pods {
		text := p.world.ill(pod.TaskID, p.host)
		if text == "" {
			p.check.wasWell[pod.TaskID], p.check.served[pod.TaskID] = true, true
			p.check.member(pod.Type, p.host.name)
		}
		r.Health = append(r.Health, quobyte.PodHealth{TaskID: pod.TaskID, Healthy: text == "", Text: text})
	}
	if !p.asked && p.list.AskedAt != nil && p.now.Sub(p.toldAt) >= quobyte.UnheardAfter {
		return
	}
	if !p.asked && p.seq > 0 && found == p.found && r.Heard == p.last.Heard && slices.Equal(r.Health, p.last.Health) && p.silent < quobyte.RepeatEvery {
		return
	}
	r.Facts = p.host.facts(found)
	p.last, p.found, p.silent, p.asked = r, found, 0, false
	p.seq++
	r.Seq = p.seq
	p.update(direct.Update{TaskID: p.taskID, State: "RUNNING", Data: r.Encode()})
}

func (p *prober) update(u direct.Update) {
	id := p.newID()
	u.UUID = id[:]
	if p.stream == "" { // the agent is away
		p.pending = append(p.pending, u)
		return
	}
	p.pending = append(p.pending, u)
	_, effects := p.cluster.ExecutorUpdate(p.now, p.executor(), u)
	p.act(effects)
}
