package tracetest

import (
	"net/http"
	"regexp"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

const masterKilled = "master SIGKILLed"

// masterNotes are about masters that end and others that take over.
var masterNotes = []note{
	{regexp.MustCompile("^" + masterKilled + "$"), (*replay).masterDown},
	{regexp.MustCompile(`^master started again$`), (*replay).masterUp},
	{regexp.MustCompile(`^second restart; framework never comes back`), (*replay).masterRestarted},
	{regexp.MustCompile(`^leading master SIGKILLed; polling master 1 with REVIVE`), (*replay).leaderLost},
	{regexp.MustCompile(`^ZooKeeper stopped: the leading master`), (*replay).electionLost},
}

// masterDown ends the master. What ends on the agents before another is there, that hears of when they come to it.
func (r *replay) masterDown(l *line, _ []string) {
	const soon = 0.5 // s
	for _, ended := range r.endedMeanwhile(l) {
		r.after(l.T+soon, func() { processExits(r, ended) })
	}
	r.do(l, func(now time.Time, c *cluster.Cluster) ([]cluster.Effect, error) {
		return c.StopMaster(now, cluster.Down), nil
	})
}

// endedMeanwhile are the lines with the last words of tasks that ended while there was no master: one is the first word of
// that state, and the master has told of it before.
func (r *replay) endedMeanwhile(after *line) []*line {
	var ended []*line
	told := map[string]bool{}
	for _, l := range r.trace.lines[after.number:] {
		status := []string{"update", "status"}
		key := l.text(append(status, "task_id", "value")...) + " " + l.text(append(status, "state")...)
		switch {
		case l.typ() != "UPDATE":
		case l.text(append(status, "reason")...) == "REASON_AGENT_REREGISTERED":
			told[key] = true
		case told[key] && l.text(append(status, "source")...) == "SOURCE_EXECUTOR":
			ended = append(ended, l)
		}
	}
	return ended
}

// masterUp starts the next master of the recording. If that says 404 at first, so will this one.
func (r *replay) masterUp(l *line, _ []string) {
	const starting = 0.1
	var outage []cluster.Stage
	for _, next := range r.trace.lines[l.number:] {
		if next.Dir == responseLine && next.HTTP.Status == http.StatusOK || next.typ() == "SUBSCRIBED" {
			break
		}
		if next.Dir == responseLine && next.decoded == "404 Not Found." {
			outage = []cluster.Stage{{State: cluster.Starting, For: seconds(next.T + starting - l.T)}}
		}
	}
	r.failOver(l, outage)
}

// masterRestarted ends a master and starts another a second later.
func (r *replay) masterRestarted(l *line, _ []string) {
	r.failOver(l, []cluster.Stage{{State: cluster.Down, For: time.Second}})
}

// failOver lets the next master of the recording take over, and agents come back to it when they did there.
func (r *replay) failOver(l *line, outage []cluster.Stage) {
	infos := r.trace.masterInfos()
	if r.terms++; r.terms >= len(infos) {
		r.problem(l, "the recording tells of no further master")
		return
	}
	info := infos[r.terms]
	r.adoptMaster(info)
	r.ids.bind(r.masterID, r.masterID)
	failover := cluster.MasterFailover{MasterID: r.masterID, Outage: outage, Delays: map[string]time.Duration{}}
	failover.IP, _ = dig(info, "address", "ip").(string)
	failover.Hostname, _ = dig(info, "hostname").(string)
	port, _ := dig(info, "port").(float64)
	failover.Port = int(port)
	leads := l.T
	for _, stage := range outage {
		leads += stage.For.Seconds()
	}
	for _, a := range r.agents {
		if back := r.comeback(l, a); back.dated {
			failover.Delays[a.id] = max(time.Millisecond, seconds(back.at-leads))
		}
	}
	r.do(l, func(now time.Time, c *cluster.Cluster) ([]cluster.Effect, error) {
		return c.FailOver(now, failover), nil
	})
}

// leaderLost ends the leader. The recording has what the other master answered meanwhile, and when that led.
func (r *replay) leaderLost(l *line, _ []string) {
	leads := l.T
	for _, next := range r.answersTo(l) {
		leads = next.T
	}
	header := map[string]string{
		"Content-Type": "application/json", "Accept": "application/json", "Mesos-Stream-Id": r.client("A").stream,
	}
	body := []byte(`{"type":"REVIVE","framework_id":{"value":"` + r.client("A").framework + `"}}`)
	const election = 0.01 // s, before the other master was seen to lead
	r.failOver(l, []cluster.Stage{{State: cluster.Down, For: seconds(leads - election - l.T)}})
	r.poll(l, &request{address: r.master, method: http.MethodPost, path: "/api/v1/scheduler", header: header, body: body})
}

// electionLost is a leader that can't know any more that it is one, and ends after a while.
func (r *replay) electionLost(l *line, _ []string) {
	r.poll(l, &request{address: r.master, method: http.MethodGet, path: "/redirect", header: map[string]string{}})
	for _, next := range r.trace.lines[l.number:] {
		if next.Dir == noteLine {
			r.after(next.T, func() { r.masterDown(l, nil) })
			return
		}
	}
}

// answersTo are the answers after a note that no line has the calls of.
func (r *replay) answersTo(l *line) []*line {
	var answers []*line
	for _, next := range r.trace.lines[l.number:] {
		if next.Dir == noteLine && next.Who == "" {
			break
		}
		if next.Dir == responseLine && next.Who == "client" {
			answers = append(answers, next)
		}
	}
	return answers
}

// poll makes the same call whenever the recording has an answer to it.
func (r *replay) poll(l *line, q *request) {
	for _, next := range r.answersTo(l) {
		r.polled[next] = true
		r.after(next.T-0.005, func() { r.client("client").call(q) })
	}
}
