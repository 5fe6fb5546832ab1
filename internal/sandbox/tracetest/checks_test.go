package tracetest

import (
	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// Check keeps a check under way until the recording tells what it brought: of those that changed nothing it has no word.
func (m *machine) Check(check cluster.PerformCheck, _ sandbox.Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.processes[check.Container]; p != nil {
		p.checks[check.Health] = check
		m.r.poke()
	}
}

// takeCheck ends the check of a process that is under way.
func (m *machine) takeCheck(p *process, health bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, under := p.checks[health]
	delete(p.checks, health)
	return under
}

// checkBrings: an update with the reason of a check tells what it brought.
func checkBrings(r *replay, l *line) bool {
	status := l.at("update", "status")
	health := dig(status, "reason") == "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED"
	if !health && dig(status, "reason") != "REASON_TASK_CHECK_STATUS_UPDATED" {
		return false
	}
	p := r.machine.process(l.text("update", "status", "task_id", "value"))
	if p == nil || !r.machine.takeCheck(p, health) {
		return false
	}
	result := cluster.CheckResult{}
	switch {
	case health && dig(status, "healthy") == true:
		result.StatusCode, result.Connected = 200, true
	case health:
		result.Problem = "as recorded"
	default:
		brought := dig(status, "check_status")
		exit, _ := dig(brought, "command", "exit_code").(float64)
		code, _ := dig(brought, "http", "status_code").(float64)
		connected, _ := dig(brought, "tcp", "succeeded").(bool)
		result = cluster.CheckResult{ExitCode: int32(exit), StatusCode: uint32(code), Connected: connected}
	}
	p.report.Checked(health, result)
	return true
}
