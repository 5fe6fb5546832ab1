package sim

import (
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// The settings of engine/mesos that the session's twin here has as well.
const (
	callTimeout      = 15 * time.Second
	answerTimeout    = 15 * time.Second
	minBackoff       = 500 * time.Millisecond
	maxBackoff       = 15 * time.Second
	missedHeartbeats = 5
	parallelCalls    = 32
)

// session does for an instance what engine/mesos does for the real one, without sockets: it subscribes, again and again, carries calls in two
// lanes, and tells what comes of them. What it takes from the real one are the wire's words and verdicts.
type session struct {
	*instance
	frameworkID string
	decoder     wire.Decoder
	attempt     int // counts subscriptions and attempts; what belongs to an older one is void
	conn        *conn
	subscribed  bool
	since       time.Time
	failures    int
	heard       time.Time
	silence     time.Duration

	ordered, unordered []machine.Call
	busy               bool
	inFlight           int
	frozen             []func() // what happened while the process was stopped
}

func newSession(i *instance, frameworkID string) *session {
	return &session{instance: i, frameworkID: frameworkID}
}

// conn is the connection that carries an event stream.
type conn struct {
	session *session
	attempt int
	stream  string
	last    time.Time // when what was sent last arrives
	mute    bool      // nothing arrives any more, and nobody knows
	closed  bool
}

// running does something when the process is not stopped, in the order in which it was wanted.
func (s *session) running(do func()) {
	switch {
	case s.dead:
	case s.stopped:
		s.frozen = append(s.frozen, do)
	default:
		do()
	}
}

func (s *session) connectLater(d time.Duration) {
	s.attempt++
	attempt := s.attempt
	s.after(d, "connect", func() {
		s.running(func() {
			if s.attempt == attempt {
				s.connect()
			}
		})
	})
}

func (s *session) connect() {
	attempt := s.attempt
	body, err := wire.Subscribe(frameworkOf(s.settings), s.frameworkID)
	if err != nil {
		panic(err)
	}
	s.after(s.there(), "SUBSCRIBE", func() {
		if s.now.Before(s.network.loopTill) {
			s.backTo(attempt, 0, func() { s.lose(inCircles, false) })
			return
		}
		if why, _ := s.unreachable(); why != "" {
			s.backTo(attempt, 0, func() { s.lose(why, false) })
			return
		}
		stream, answer, effects := s.cluster.Subscribe(s.now, body)
		s.note("serve %d: SUBSCRIBE %s: %d %s", s.number, s.frameworkID, answer.Status, answer.Text)
		if answer.Status != 200 {
			s.act(effects)
			s.backTo(attempt, s.upTo(s.schedule.Speed.Network), func() { s.lose(answer.Text, false) })
			return
		}
		c := &conn{session: s, attempt: attempt, stream: stream}
		s.conns[stream] = c
		if s.dead || s.attempt != attempt {
			c.closed = true
			s.act(effects)
			s.hangUp(c)
			return
		}
		s.conn = c
		s.act(effects)
	})
	s.after(answerTimeout, "no answer", func() {
		if s.attempt == attempt && !s.subscribed {
			s.running(func() { s.lose("no subscription within 15s", false) })
		}
	})
}

// inCircles is what comes of following masters that all name another one.
const inCircles = "no leader after 5 redirects: an election may be under way"

// there is how long it takes to get to the master that leads.
func (s *session) there() time.Duration {
	d := s.upTo(s.schedule.Speed.Network)
	if s.now.Before(s.network.hopTill) {
		d += 2 * s.upTo(s.schedule.Speed.Network) // to a standby, and back
	}
	return d
}

// unreachable says why no master serves, and with which status it says so itself; 0: nobody is there. Empty: one serves.
func (s *session) unreachable() (string, int) {
	if why := s.network.closed(s.now); why != "" {
		return why, 503
	}
	answer, down := s.cluster.Unavailable()
	if down {
		return answer.Text, 0
	}
	return answer.Text, answer.Status
}

// backTo does something in the process after d, if it still waits for that.
func (s *session) backTo(attempt int, d time.Duration, do func()) {
	s.after(d, "answer", func() {
		s.running(func() {
			if s.attempt == attempt {
				do()
			}
		})
	})
}

// carry brings a record to the process, after all that was sent before.
func (c *conn) carry(record []byte) {
	s := c.session
	if c.mute || c.closed {
		return
	}
	if s.loses(record) {
		return
	}
	copies := s.network.copies()
	for range copies {
		at := s.now.Add(s.upTo(s.schedule.Speed.Network))
		if at.Before(c.last) {
			at = c.last
		}
		c.last = at
		s.at(at, "event", func() {
			if !c.mute && !c.closed {
				s.running(func() { c.arrive(record) })
			}
		})
	}
}

// loses says whether a record is lost: an update on its way from agent to master, or offers, in a master that was busy. Agents repeat theirs; what the
// master says of itself it says once.
func (s *session) loses(record []byte) bool {
	if s.network.lost == 0 && s.network.offersLost == 0 {
		return false
	}
	d, err := s.decoder.Event(record)
	if err != nil || len(d.Events) != 1 {
		return false
	}
	left := &s.network.lost
	switch d.Events[0].(type) {
	case machine.Offered:
		left = &s.network.offersLost
	case machine.Updated, machine.OperationUpdated:
	default:
		return false
	}
	if *left == 0 || s.mustBeHeard(d.Events[0]) {
		return false
	}
	*left--
	if left == &s.network.offersLost {
		s.network.blindTill = s.now.Add(s.schedule.OfferTimeout) // when the master takes them back
	}
	return true
}

func (c *conn) arrive(record []byte) {
	s := c.session
	if s.attempt != c.attempt { // what came before the end of the stream is read before it
		return
	}
	d, err := s.decoder.Event(record)
	if err != nil {
		panic(err) // the model makes events that can be read
	}
	s.heard = s.now
	if d.Error != "" {
		fatal := strings.EqualFold(d.Error, "Framework failed over") || strings.EqualFold(d.Error, "Framework has been removed")
		s.lose(d.Error, fatal)
		return
	}
	for _, e := range d.Events {
		subscribed, first := e.(machine.Subscribed)
		if first {
			s.begin(subscribed)
		}
		s.deliver(e)
		if first {
			s.greet()
		}
	}
}

// greet has those say their word who have waited for a session to begin.
func (s *session) greet() {
	eager := s.eager
	s.eager = nil
	for _, say := range eager {
		say(s.instance)
	}
}

func (s *session) begin(e machine.Subscribed) {
	s.subscribed, s.since, s.frameworkID = true, s.now, e.FrameworkID
	s.silence = missedHeartbeats * e.Heartbeat
	s.overtaken(afterSession)
	s.watch(s.attempt)
}

// watch ends a subscription that has been silent for too long.
func (s *session) watch(attempt int) {
	s.at(s.heard.Add(s.silence), "watchdog", func() {
		if s.dead || s.attempt != attempt || !s.subscribed {
			return
		}
		s.running(func() {
			switch {
			case s.attempt != attempt:
			case s.now.Before(s.heard.Add(s.silence)):
				s.watch(attempt)
			default:
				s.lose("silent for too long", false)
			}
		})
	})
}

// close ends the stream from the master's side, after what was sent before.
func (c *conn) close(why string) {
	s := c.session
	if c.mute {
		c.closed = true
		return
	}
	at := s.now.Add(s.upTo(s.schedule.Speed.Network))
	if at.Before(c.last) {
		at = c.last
	}
	delete(s.conns, c.stream)
	s.at(at, "end of stream", func() {
		if c.closed {
			return
		}
		c.closed = true
		s.running(func() {
			if s.attempt == c.attempt {
				s.lose(why, false)
			}
		})
	})
}

// lose ends the subscription, or the attempt to get one, and tries again.
func (s *session) lose(why string, fatal bool) {
	s.note("serve %d: not subscribed: %s", s.number, why)
	s.drop()
	s.deliver(machine.Disconnected{Err: why, Fatal: fatal})
	if fatal {
		s.die("%s", why)
		return
	}
	if s.now.Sub(s.since) > maxBackoff && !s.since.IsZero() {
		s.failures = 0
	}
	s.since = time.Time{}
	d := min(maxBackoff, minBackoff<<min(s.failures, 10))
	s.failures++
	s.connectLater(minBackoff + time.Duration(s.chance.Float64()*float64(d-minBackoff)))
}

// drop closes the connection and forgets what was queued for it.
func (s *session) drop() {
	s.attempt++ // whatever is under way is void
	s.subscribed, s.ordered, s.unordered, s.busy, s.inFlight = false, nil, nil, false, 0
	if c := s.conn; c != nil {
		s.conn = nil
		if !c.closed {
			c.closed = true
			s.hangUp(c)
		}
	}
}

// numbness is after how long a master notices that a connection is dead over which nothing gets through.
const numbness = 5 * time.Minute

// hangUp tells the master that a connection is closed.
func (s *session) hangUp(c *conn) {
	d := s.upTo(s.schedule.Speed.Network)
	if c.mute {
		d = numbness
	}
	s.after(d, "hang up", func() {
		delete(s.conns, c.stream)
		s.act(s.cluster.Disconnect(s.now, c.stream))
	})
}

// abandon is what becomes of the session when its process ends: its connections are closed by the kernel.
func (s *session) abandon() { s.drop() }

// send queues a call for the subscription of the moment.
func (s *session) send(c machine.Call) {
	if !s.subscribed {
		return
	}
	if machine.Ordered(c) {
		s.ordered = append(s.ordered, c)
	} else {
		s.unordered = append(s.unordered, c)
	}
	s.pump()
}

func (s *session) pump() {
	if s.dead || s.stopped || !s.subscribed {
		return
	}
	if !s.busy && len(s.ordered) > 0 {
		c := s.ordered[0]
		s.ordered = s.ordered[1:]
		s.busy = true
		s.transmit(c, func() { s.busy = false })
	}
	for s.inFlight < parallelCalls && len(s.unordered) > 0 {
		c := s.unordered[0]
		s.unordered = s.unordered[1:]
		s.inFlight++
		s.transmit(c, func() { s.inFlight-- })
	}
}

// transmit makes the exchange of one call. done frees its lane.
func (s *session) transmit(c machine.Call, done func()) {
	attempt, stream := s.attempt, s.conn.stream
	settled := false
	settle := func(v wire.Verdict, text string) {
		s.running(func() {
			if s.attempt != attempt || settled {
				return
			}
			settled = true
			done()
			s.judge(c, v, text)
			s.pump()
		})
	}
	body, err := s.encode(s.withStray(c))
	if err != nil {
		s.check.fail(wellFormed, "%s: %v", machine.CallName(c), err)
		return
	}
	fault := s.faultOf(c)
	if fault.kind != "" {
		s.note("serve %d: %s: %s", s.number, machine.CallName(c), fault.kind)
	}
	s.after(callTimeout, "timeout", func() { settle(wire.Ambiguous, "no answer within 15s") })
	arrive := func() {
		s.check.arrives(s.instance, stream, c)
		answer, effects := s.cluster.Call(s.now, stream, body)
		s.act(effects)
		s.overtaken(afterNext)
		switch {
		case fault.kind == lostAfter && fault.silent:
		case fault.kind == lostAfter:
			s.after(0, "reset", func() { settle(wire.Ambiguous, "connection reset") })
		default:
			s.after(s.upTo(s.schedule.Speed.Network), "answer", func() { settle(wire.Judge(answer.Status, answer.Text), answer.Text) })
		}
	}
	s.after(s.there()+fault.delay, machine.CallName(c), func() {
		why, status := s.unreachable()
		switch {
		case s.now.Before(s.network.loopTill):
			s.after(0, "redirects", func() { settle(wire.Lost, inCircles) })
			return
		case why != "" && status == 0:
			s.after(0, "refused", func() { settle(wire.Refused, why) })
			return
		case why != "":
			s.after(s.upTo(s.schedule.Speed.Network), "answer", func() { settle(wire.Judge(status, why), why) })
			return
		case fault.kind == lostBefore:
			if !fault.silent {
				s.after(0, "reset", func() { settle(wire.Ambiguous, "connection reset") })
			}
			return
		case fault.status != 0:
			s.after(s.upTo(s.schedule.Speed.Network), "answer", func() { settle(wire.Judge(fault.status, fault.text), fault.text) })
			return
		case fault.kind == unheard: // lost between master and agent, or in a master that is busy
			s.after(s.upTo(s.schedule.Speed.Network), "answer", func() { settle(wire.Accepted, "") })
			return
		case fault.kind == afterNext || fault.kind == afterSession:
			s.network.late = append(s.network.late, late{fault.kind, func() {
				s.check.arrives(s.instance, stream, c)
				answer, effects := s.cluster.Call(s.now, stream, body)
				s.note("serve %d: %s gets there late: %d %s", s.number, machine.CallName(c), answer.Status, answer.Text)
				s.act(effects)
			}})
			s.after(0, "reset", func() { settle(wire.Ambiguous, "connection reset") })
			return
		}
		arrive()
	})
}

func (s *session) encode(c machine.Call) ([]byte, error) {
	if e, ok := c.(machine.ExcludeHosts); ok {
		return wire.ExcludeHosts(frameworkOf(s.settings), s.frameworkID, s.decoder.HostKeyAttribute, e.Hosts)
	}
	return wire.Call(c, s.frameworkID)
}

// judge does what the verdict on a call demands.
func (s *session) judge(c machine.Call, v wire.Verdict, text string) {
	switch v {
	case wire.Accepted:
		return
	case wire.Lost:
		s.lose(machine.CallName(c)+": "+text, false)
		return
	}
	_, launches := c.(machine.Accept)
	ends := launches && v == wire.Ambiguous
	if ends {
		s.drop() // before anybody learns of it
	}
	s.deliver(machine.CallFailed{Call: c, Err: text, Ambiguous: v == wire.Ambiguous})
	if ends {
		s.lose("ambiguous ACCEPT: "+text, false)
	}
}

// stop and resume are SIGSTOP and SIGCONT.
func (i *instance) stop() {
	if i.dead || i.stopped {
		return
	}
	i.note("serve %d: stopped", i.number)
	i.stopped, i.stoppedAt = true, i.now
}

func (i *instance) resume() {
	if i.dead || !i.stopped {
		return
	}
	i.note("serve %d: goes on", i.number)
	i.stopped = false
	if i.epoch != i.disk.epoch || i.now.Sub(i.stoppedAt) > leaseTimeout {
		i.die("deposed") // the clock tells that the lease has run out
		return
	}
	frozen := i.session.frozen
	i.session.frozen = nil
	for _, do := range frozen {
		i.session.running(do)
	}
	i.session.pump()
	i.decideSoon()
}
