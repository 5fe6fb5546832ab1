package machine

import "time"

// TaskState is a Mesos task state without its TASK_ prefix.
type TaskState string

// The states of Mesos 1.x with PARTITION_AWARE.
const (
	Staging        TaskState = "STAGING"
	Starting       TaskState = "STARTING"
	Running        TaskState = "RUNNING"
	Killing        TaskState = "KILLING"
	Finished       TaskState = "FINISHED"
	Failed         TaskState = "FAILED"
	Killed         TaskState = "KILLED"
	Errored        TaskState = "ERROR"
	Lost           TaskState = "LOST"
	Dropped        TaskState = "DROPPED"
	Unreachable    TaskState = "UNREACHABLE"
	Gone           TaskState = "GONE"
	GoneByOperator TaskState = "GONE_BY_OPERATOR"
	Unknown        TaskState = "UNKNOWN"
)

// TaskStatus is what Mesos says about a task.
type TaskStatus struct {
	TaskID     string
	State      TaskState
	Source     string // MASTER, AGENT or EXECUTOR (the SOURCE_ prefix is dropped)
	Reason     string // without the REASON_ prefix; often empty
	Message    string
	AgentID    string
	ExecutorID string
	// UUID is 16 bytes for updates that must be acknowledged, nil for those that must not be (made by the master).
	UUID []byte
	// Data is what a custom executor attached.
	Data []byte
	// Timestamp is the time of the update by its maker's clock.
	Timestamp time.Time
}
