package tracetest

// groupStarts: the first update of a task of a group shows that the container of its executor was made, and TASK_RUNNING
// that its own process was started.
func groupStarts(r *replay, l *line) bool {
	status := l.at("update", "status")
	executor, _ := dig(status, "executor_id", "value").(string)
	task, _ := dig(status, "task_id", "value").(string)
	if dig(status, "source") != "SOURCE_EXECUTOR" || executor == task {
		return false
	}
	p := r.machine.process(executor)
	return p != nil && p.start.DefaultExecutor && r.machine.begin(p)
}
