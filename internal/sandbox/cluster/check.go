package cluster

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// CheckResult is what one check of a task has brought.
type CheckResult struct {
	Problem string // why it brought nothing, such as that it took too long; then the rest is void

	ExitCode   int32  // of a COMMAND check
	StatusCode uint32 // of an HTTP check, after redirects
	Connected  bool   // of a TCP check
}

// checking is one check of a running task: its health check, which can kill it, or its check, which never does. One at
// a time is under way, and the next follows an interval after the last has brought its result (F34, F35).
type checking struct {
	health   bool
	check    PerformCheck // to be performed each time
	interval time.Duration
	dueAt    time.Time // zero while one is under way

	// of a health check
	graceUntil time.Time // failures until then do not count, as long as it has never succeeded
	succeeded  bool
	failures   uint32 // in a row
	limit      uint32

	// of a check
	last mesos.CheckStatusInfo
}

// beginChecks arms the checks of a task that has started to run. They begin with its delay.
func (c *Cluster) beginChecks(p *process) {
	if info := p.task.info.GetCheck(); info != nil {
		k := &checking{check: checkOf(info), last: emptyCheckStatus(info.Type)}
		k.arm(c.now, p, info.GetDelaySeconds(), info.GetIntervalSeconds(), info.GetTimeoutSeconds())
		p.checks = append(p.checks, k)
	}
	if info := p.task.info.GetHealthCheck(); info != nil {
		k := &checking{health: true, check: healthCheckOf(info), limit: info.GetConsecutiveFailures()}
		k.arm(c.now, p, info.GetDelaySeconds(), info.GetIntervalSeconds(), info.GetTimeoutSeconds())
		if grace := seconds(info.GetGracePeriodSeconds()); grace > 0 {
			k.graceUntil = c.now.Add(grace)
		}
		p.checks = append(p.checks, k)
	}
	c.runChecks(p)
}

func (k *checking) arm(now time.Time, p *process, delay, interval, timeout float64) {
	k.interval, k.dueAt = seconds(interval), now.Add(seconds(delay))
	k.check.Container, k.check.Agent, k.check.Health = p.container, p.executor.agent.id, k.health
	k.check.Timeout = seconds(timeout)
}

func checkOf(info *mesos.CheckInfo) PerformCheck {
	switch {
	case info.Command != nil:
		return PerformCheck{Command: &info.Command.Command}
	case info.HTTP != nil:
		return PerformCheck{HTTP: &HTTPCheck{Scheme: "http", Port: info.HTTP.Port, Path: info.HTTP.GetPath()}}
	case info.TCP != nil:
		return PerformCheck{TCP: &TCPCheck{Port: info.TCP.Port}}
	}
	return PerformCheck{}
}

func healthCheckOf(info *mesos.HealthCheck) PerformCheck {
	switch {
	case info.Command != nil:
		return PerformCheck{Command: info.Command}
	case info.HTTP != nil:
		scheme := info.HTTP.GetScheme()
		if scheme == "" {
			scheme = "http"
		}
		return PerformCheck{HTTP: &HTTPCheck{Scheme: scheme, Port: info.HTTP.Port, Path: info.HTTP.GetPath()}}
	case info.TCP != nil:
		return PerformCheck{TCP: &TCPCheck{Port: info.TCP.Port}}
	}
	return PerformCheck{}
}

// emptyCheckStatus is what updates say of a check that has brought nothing yet: its type alone.
func emptyCheckStatus(typ mesos.CheckInfo_Type) mesos.CheckStatusInfo {
	status := mesos.CheckStatusInfo{Type: &typ}
	switch typ {
	case mesos.CheckInfo_COMMAND:
		status.Command = &mesos.CheckStatusInfo_Command{}
	case mesos.CheckInfo_HTTP:
		status.HTTP = &mesos.CheckStatusInfo_Http{}
	case mesos.CheckInfo_TCP:
		status.TCP = &mesos.CheckStatusInfo_Tcp{}
	}
	return status
}

// runChecks begins the checks that are due.
func (c *Cluster) runChecks(p *process) {
	for _, k := range p.checks {
		if !due(k.dueAt, c.now) {
			continue
		}
		k.dueAt = time.Time{}
		if p.play == nil {
			c.emit(k.check)
			continue
		}
		if c.checked(p, k, k.check.scripted(p.play.ready(c.now))); p.checks == nil {
			return // the task is told to end
		}
	}
}

// scripted is what a check of a task with a Script brings.
func (p PerformCheck) scripted(ready bool) CheckResult {
	if ready {
		return CheckResult{StatusCode: statusOK, Connected: true}
	}
	return CheckResult{ExitCode: 1, StatusCode: statusUnavailable}
}

// Checked tells what a PerformCheck effect has brought, named by its container and whether it was the health check. It
// is void if the task has been told to end meanwhile.
func (c *Cluster) Checked(now time.Time, container string, health bool, result CheckResult) []Effect {
	c.begin(now, Entry{Name: "Checked", Container: container, About: about(c, CheckOutcome{health, result})})
	if p := c.processes[container]; p != nil {
		for _, k := range p.checks {
			if k.health == health && k.dueAt.IsZero() {
				c.checked(p, k, result)
				break
			}
		}
	}
	return c.end()
}

func (c *Cluster) checked(p *process, k *checking, result CheckResult) {
	k.dueAt = c.now.Add(k.interval)
	if !k.health {
		c.checkStatus(p, k, result)
		return
	}
	if k.check.healthy(result) {
		if !k.succeeded || k.failures > 0 {
			c.health(p, true)
		}
		k.succeeded, k.failures = true, 0
		return
	}
	if !k.succeeded && !c.now.After(k.graceUntil) {
		return
	}
	k.failures++
	c.health(p, false)
	if k.failures >= k.limit {
		p.executor.unhealthy = true
		c.terminate(p, p.ownGrace(c))
	}
}

func (p PerformCheck) healthy(result CheckResult) bool {
	switch {
	case result.Problem != "":
		return false
	case p.HTTP != nil:
		return result.StatusCode >= 200 && result.StatusCode < 400
	case p.TCP != nil:
		return result.Connected
	}
	return result.ExitCode == 0
}

// health says that a task is healthy or not. All else is as in the last update.
func (c *Cluster) health(p *process, healthy bool) {
	word, reason := p.further(c), mesos.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED
	word.Healthy, word.Reason = &healthy, &reason
	c.say(p, word)
}

// checkStatus says what a check has brought, if that is not what the last one has.
func (c *Cluster) checkStatus(p *process, k *checking, result CheckResult) {
	status := emptyCheckStatus(k.last.GetType())
	if result.Problem == "" {
		switch {
		case status.Command != nil:
			status.Command.ExitCode = &result.ExitCode
		case status.HTTP != nil:
			status.HTTP.StatusCode = &result.StatusCode
		case status.TCP != nil:
			status.TCP.Succeeded = &result.Connected
		}
	}
	if status.Equal(k.last) {
		return
	}
	k.last = status
	word, reason := p.further(c), mesos.REASON_TASK_CHECK_STATUS_UPDATED
	word.CheckStatus, word.Reason = &status, &reason
	c.say(p, word)
}
