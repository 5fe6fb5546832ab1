package sandbox

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// schedulerRequest is a call under way.
type schedulerRequest struct {
	call        *scheduler.Call
	stream      string // the session that it belongs to
	constraints *cluster.OfferConstraints
	subject     fault.Subject
}

// heldCall is one whose sender believes that it was lost.
type heldCall struct {
	schedulerRequest
	until string
}

// faultBefore lets faults strike a call that has not had its effect, and tells whether there is nothing left to do.
func (s *Sandbox) faultBefore(w http.ResponseWriter, request *schedulerRequest) (done bool) {
	if f, struck := s.strike(request.subject, fault.CallDelay); struck {
		s.pause(f.Delay)
	}
	f, struck := s.strike(request.subject, fault.CallStatus, fault.CallLostBefore, fault.CallReorder)
	switch {
	case !struck:
		return false
	case f.Kind == fault.CallStatus:
		text := f.Text
		if text == "" {
			text = http.StatusText(f.Status)
		}
		refuse(w, f.Status, text)
	case f.Kind == fault.CallReorder && request.call.Type != scheduler.Call_SUBSCRIBE:
		s.mu.Lock()
		s.held = append(s.held, heldCall{*request, f.Until})
		s.mu.Unlock()
		reset(w)
	default:
		reset(w)
	}
	return true
}

// faultAtDoor lets faults strike any request, to a master or to an agent, and tells whether one did.
func (s *Sandbox) faultAtDoor(w http.ResponseWriter, endpoint string, agent *agentShell) bool {
	subject := fault.Subject{Endpoint: endpoint}
	s.mu.Lock()
	if agent != nil {
		subject.Agents = s.namesOf(agent.id)
	}
	f, struck := s.strikeLocked(subject, fault.HTTPStatus)
	s.mu.Unlock()
	if struck {
		refuse(w, f.Status, cmp.Or(f.Text, http.StatusText(f.Status)))
	}
	return struck
}

// faultAfter lets faults strike a call that has had its effect, and tells whether its answer is lost.
func (s *Sandbox) faultAfter(w http.ResponseWriter, request *schedulerRequest) (lost bool) {
	if f, struck := s.strike(request.subject, fault.CallSlowAnswer); struck {
		s.pause(f.Delay)
	}
	if _, lost = s.strike(request.subject, fault.CallLostAfter); lost {
		reset(w)
	}
	return lost
}

// pause waits, but not beyond the end of the sandbox. The sender may have gone meanwhile: its call is on its way all the
// same.
func (s *Sandbox) pause(d fault.Duration) {
	ctx, cancel := context.WithTimeout(s.ctx, time.Duration(d))
	defer cancel()
	<-ctx.Done()
}

// releaseHeld carries out the calls of a framework that were kept back for what has just happened.
func (s *Sandbox) releaseHeld(framework, until string) {
	s.mu.Lock()
	var due, rest []heldCall
	for _, h := range s.held {
		if h.call.FrameworkID.GetValue() == framework && h.until == until {
			due = append(due, h)
			continue
		}
		rest = append(rest, h)
	}
	s.held = rest
	s.mu.Unlock()
	for _, h := range due {
		answer := s.carryOut(&h.schedulerRequest)
		s.log.Info("a call that was kept back is carried out", "call", h.call.Type, "status", answer.Status, "text", answer.Text)
	}
}

// strike asks whether a fault is to strike now.
func (s *Sandbox) strike(subject fault.Subject, kinds ...fault.Kind) (fault.Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.strikeLocked(subject, kinds...)
}

func (s *Sandbox) strikeLocked(subject fault.Subject, kinds ...fault.Kind) (fault.Fault, bool) {
	f, struck := s.faults.Strike(time.Now(), subject, kinds...)
	if struck {
		s.log.Info("fault strikes", "fault", f.String(), "call", subject.Call, "event", subject.Event, "tasks", subject.Tasks, "endpoint", subject.Endpoint)
	}
	return f, struck
}

// reset ends the connection of a request without an answer, as if it had broken.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // which also ends the connection
	}
	under := conn
	if secure, is := conn.(*tls.Conn); is {
		under = secure.NetConn() // TLS would say goodbye first
	}
	if tcp, is := under.(*net.TCPConn); is {
		_ = tcp.SetLinger(0) // what is closed now is reset
	}
	_ = under.Close()
}

// subjectOf is what a fault can know of a call.
func (s *Sandbox) subjectOf(call *scheduler.Call) fault.Subject {
	s.mu.Lock()
	defer s.mu.Unlock()
	subject := fault.Subject{Call: call.Type.String(), Tasks: tasksOf(call)}
	if id := call.FrameworkID.GetValue(); id != "" {
		subject.Framework = append(subject.Framework, id)
	}
	if call.Subscribe != nil {
		subject.Framework = append(subject.Framework, call.Subscribe.FrameworkInfo.Name)
	}
	agents := map[string]bool{}
	for _, id := range offersIn(call) {
		agents[s.cluster.AgentOfOffer(id.Value)] = true
	}
	agents[call.GetKill().GetAgentID().GetValue()] = true
	if call.Acknowledge != nil {
		agents[call.Acknowledge.AgentID.Value] = true
	}
	if call.Message != nil {
		agents[call.Message.AgentID.Value] = true
	}
	if call.Shutdown != nil {
		agents[call.Shutdown.AgentID.Value] = true
	}
	delete(agents, "")
	for _, id := range sortedKeys(agents) {
		subject.Agents = append(subject.Agents, s.namesOf(id)...)
	}
	for _, st := range s.streams {
		if len(st.framework) > 1 && len(subject.Framework) == 1 && st.framework[0] == subject.Framework[0] {
			subject.Framework = st.framework
		}
	}
	return subject
}

// tasksOf lists the ids of the tasks that a call is about.
func tasksOf(call *scheduler.Call) (ids []string) {
	if call.Kill != nil {
		ids = append(ids, call.Kill.TaskID.Value)
	}
	if call.Acknowledge != nil {
		ids = append(ids, call.Acknowledge.TaskID.Value)
	}
	operations := call.GetAccept().GetOperations()
	for i := range operations {
		infos := operations[i].GetLaunch().GetTaskInfos()
		if group := operations[i].GetLaunchGroup(); group != nil {
			infos = append(infos[:len(infos):len(infos)], group.TaskGroup.Tasks...)
		}
		for j := range infos {
			ids = append(ids, infos[j].TaskID.Value)
		}
	}
	return ids
}

func offersIn(call *scheduler.Call) []mesos.OfferID {
	return slices.Concat(call.GetAccept().GetOfferIDs(), call.GetDecline().GetOfferIDs())
}
