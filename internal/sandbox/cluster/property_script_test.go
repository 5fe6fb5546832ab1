package cluster_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// life is a task with a script, perhaps with a health check, that is perhaps killed.
type life struct {
	script cluster.Script
	grace  time.Duration // of its kill policy
	killAt time.Duration // from the launch; 0 is never
	health *health
}

type health struct {
	delay, interval, grace time.Duration
	limit                  uint32
}

// drawLife draws times that never coincide, so that no order is a matter of taste.
func drawLife(t *rapid.T) life {
	tenths := func(name string, most int, odd time.Duration) time.Duration {
		return time.Duration(rapid.IntRange(1, most).Draw(t, name))*100*time.Millisecond + odd
	}
	l := life{grace: tenths("grace", 20, 3*time.Millisecond)}
	l.script.StartDelay = tenths("start", 20, 0)
	l.script.ReadyAfter = tenths("ready", 40, 7*time.Millisecond)
	l.script.StopsAfter = tenths("stops", 30, 11*time.Millisecond)
	l.script.IgnoresTerm = rapid.Bool().Draw(t, "deaf")
	l.script.ExitsOnTerm = rapid.Bool().Draw(t, "clean")
	l.script.End = rapid.SampledFrom([]int{0, 256, 11}).Draw(t, "end")
	if rapid.Bool().Draw(t, "unreadies") {
		l.script.UnreadyAfter = l.script.ReadyAfter + tenths("unready", 40, 0)
	}
	if rapid.Bool().Draw(t, "ends by itself") {
		l.script.EndsAfter = tenths("ends", 80, 13*time.Millisecond)
	}
	if rapid.Bool().Draw(t, "killed") {
		l.killAt = tenths("kill", 80, 17*time.Millisecond)
	}
	if rapid.Bool().Draw(t, "checked") {
		l.health = &health{
			delay: tenths("delay", 10, 0), interval: tenths("interval", 10, 0), grace: tenths("health grace", 40, 19*time.Millisecond),
			limit: uint32(rapid.IntRange(1, 3).Draw(t, "limit")),
		}
	}
	return l
}

// told is one update: when, and what.
func told(at time.Duration, format string, args ...any) string {
	return fmt.Sprintf("%s %s", at, fmt.Sprintf(format, args...))
}

// plain tells the life of a task in one go, without ticks.
func (l life) plain(until time.Duration) []string {
	s := l.script
	if l.killAt > 0 && l.killAt < s.StartDelay {
		return []string{told(l.killAt, "TASK_KILLED during launch")}
	}
	lines := []string{told(s.StartDelay, "TASK_STARTING"), told(s.StartDelay, "TASK_RUNNING")}
	end, message := until+1, exitMessage(s.End)
	if s.EndsAfter > 0 {
		end = s.StartDelay + s.EndsAfter
	}
	stop := until + 1 // when it is told to end
	if l.killAt > 0 {
		stop = l.killAt
	}
	checks, sick := l.plainChecks(min(end, stop, until))
	lines = append(lines, checks...)
	if sick > 0 {
		stop = sick
	}
	state := "TASK_FAILED"
	if s.End == 0 {
		state = "TASK_FINISHED"
	}
	if stop < end {
		state = "TASK_KILLED"
		ends, how := stop+l.grace, exitMessage(9)
		if !s.IgnoresTerm && s.StopsAfter < l.grace {
			ends, how = stop+s.StopsAfter, exitMessage(15)
			if s.ExitsOnTerm {
				how = exitMessage(0)
			}
		}
		if ends < end {
			end, message = ends, how
		}
	}
	if end > until {
		return lines
	}
	if sick > 0 {
		message += " healthy=false"
	}
	return append(lines, told(end, "%s %s", state, message))
}

// plainChecks tells what the health check says before a time, and when it has the task killed; 0 is never.
func (l life) plainChecks(before time.Duration) (lines []string, sick time.Duration) {
	if l.health == nil {
		return nil, 0
	}
	running := l.script.StartDelay
	succeeded, failures := false, uint32(0)
	for at := running + l.health.delay; at < before; at += l.health.interval {
		ready := at-running >= l.script.ReadyAfter && (l.script.UnreadyAfter == 0 || at-running < l.script.UnreadyAfter)
		switch {
		case ready && (!succeeded || failures > 0):
			lines = append(lines, told(at, "TASK_RUNNING healthy=true"))
			succeeded, failures = true, 0
		case !ready && (succeeded || at-running > l.health.grace):
			failures++
			lines = append(lines, told(at, "TASK_RUNNING healthy=false"))
			if failures >= l.health.limit {
				return lines, at
			}
		}
	}
	return lines, 0
}

func exitMessage(status int) string {
	switch status {
	case 9:
		return "Command terminated with signal Killed"
	case 11:
		return "Command terminated with signal Segmentation fault"
	case 15:
		return "Command terminated with signal Terminated"
	}
	return fmt.Sprintf("Command exited with status %d", status>>8)
}

// lived is what a cluster says of the task, every update being acknowledged at once.
func (l life) lived(t *rapid.T, until time.Duration) []string {
	var ids uint64
	script := l.script
	c := cluster.New(epoch, cluster.Config{
		MasterID: "M", Script: func(cluster.ScriptedTask) *cluster.Script { return &script },
		NewID: func() (id [16]byte) { ids++; binary.BigEndian.PutUint64(id[8:], ids); return id },
	})
	p := &player{c: c, now: epoch}
	_, effects := c.AddAgent(epoch, cluster.AgentConfig{IP: "127.0.1.1", Port: 5051, Resources: []mesos.Resource{cluster.Scalar("cpus", 1)}})
	p.hear(effects)
	timeout := 1e6
	stream, effects := c.Subscribe(epoch, &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{
		FrameworkInfo: &mesos.FrameworkInfo{User: "u", Name: "n", Roles: []string{"dev"}, FailoverTimeout: &timeout,
			Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}},
	}})
	p.stream = stream
	p.hear(effects)
	if p.offer == nil {
		t.Fatal("nothing is offered")
	}
	p.call(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{*p.offer}, Operations: []mesos.Offer_Operation{{Type: mesos.Offer_Operation_LAUNCH,
			Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{l.info()}}}},
	}})
	if l.killAt > 0 {
		p.advance(l.killAt)
		p.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: "t"}}})
	}
	p.advance(until)
	return p.lines
}

func (l life) info() mesos.TaskInfo {
	command := "x"
	info := mesos.TaskInfo{
		Name: "t", TaskID: mesos.TaskID{Value: "t"}, AgentID: mesos.AgentID{Value: "M-S0"}, Command: &mesos.CommandInfo{Value: &command},
		Resources:  []mesos.Resource{cluster.Scalar("cpus", 1)},
		KillPolicy: &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: int64(l.grace)}},
	}
	if h := l.health; h != nil {
		delay, interval, grace := h.delay.Seconds(), h.interval.Seconds(), h.grace.Seconds()
		info.HealthCheck = &mesos.HealthCheck{
			Type: mesos.HealthCheck_COMMAND, Command: &mesos.CommandInfo{Value: &command},
			DelaySeconds: &delay, IntervalSeconds: &interval, GracePeriodSeconds: &grace, ConsecutiveFailures: &h.limit,
		}
	}
	return info
}

// player is a scheduler and a clock.
type player struct {
	c      *cluster.Cluster
	now    time.Time
	stream string
	offer  *mesos.OfferID
	lines  []string
}

func (p *player) call(call *scheduler.Call) {
	call.FrameworkID = &mesos.FrameworkID{Value: "M-0000"}
	_, effects := p.c.Call(p.now, p.stream, call)
	p.hear(effects)
}

// advance lets time go on until some time after the launch.
func (p *player) advance(until time.Duration) {
	for next := p.c.NextWake(); !next.IsZero() && next.Sub(epoch) <= until; next = p.c.NextWake() {
		if next.After(p.now) {
			p.now = next
		}
		p.hear(p.c.Tick(p.now))
	}
	p.now = epoch.Add(until)
}

func (p *player) hear(effects []cluster.Effect) {
	for _, effect := range effects {
		send, ok := effect.(cluster.SendToScheduler)
		switch {
		case !ok:
		case send.Event.Type == scheduler.Event_OFFERS && p.offer == nil:
			p.offer = &send.Event.Offers.Offers[0].ID
		case send.Event.Type == scheduler.Event_UPDATE && send.Event.Update.Status.UUID != nil: // a KILL that comes too late is answered too
			p.heed(&send.Event.Update.Status)
		}
	}
}

// heed notes an update with the time that it was made, and acknowledges it.
func (p *player) heed(status *mesos.TaskStatus) {
	made := time.UnixMicro(int64(status.GetTimestamp()*1e6 + 0.5)).Sub(epoch)
	line := told(made, "%s", status.GetState())
	if status.GetReason() == mesos.REASON_TASK_KILLED_DURING_LAUNCH {
		line += " during launch"
	} else if status.Message != nil {
		line += " " + *status.Message
	}
	if status.Healthy != nil {
		line += fmt.Sprintf(" healthy=%t", *status.Healthy)
	}
	p.lines = append(p.lines, line)
	p.call(&scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Acknowledge: &scheduler.Call_Acknowledge{
		AgentID: *status.AgentID, TaskID: status.TaskID, UUID: status.UUID,
	}})
}

// TestScriptsAreLivedAsTheySay plays tasks tick by tick and compares with their lives told in one go.
func TestScriptsAreLivedAsTheySay(t *testing.T) {
	cluster.CheckDrawn(t, func(t *rapid.T) {
		const until = 30 * time.Second
		l := drawLife(t)
		want, got := l.plain(until), l.lived(t, until)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("a task does not live as its script, its health check and its kills say (-plain +lived):\n%s", diff)
		}
	})
}
