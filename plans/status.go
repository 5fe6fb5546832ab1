package plans

import "fmt"

// Status is the state of an element, in the DC/OS SDK's words.
type Status uint8

// The statuses. The zero value is PENDING: nothing has happened.
const (
	Pending    Status = iota // may or will begin
	Prepared                 // has looked for offers and found no match
	Starting                 // launched; Mesos has not said that it runs
	Started                  // runs, is not ready
	Complete                 // done
	Waiting                  // held by an operator or a gate
	Delayed                  // backing off after a failure
	InProgress               // parents only: work is under way
	Error                    // can't go on
)

var statusNames = [...]string{
	Pending: "PENDING", Prepared: "PREPARED", Starting: "STARTING", Started: "STARTED", Complete: "COMPLETE",
	Waiting: "WAITING", Delayed: "DELAYED", InProgress: "IN_PROGRESS", Error: "ERROR",
}

// String returns the SDK's name of the status.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// MarshalText encodes the status by its name.
func (s Status) MarshalText() ([]byte, error) {
	if int(s) >= len(statusNames) {
		return nil, fmt.Errorf("status %d: unknown", uint8(s))
	}
	return []byte(statusNames[s]), nil
}

// UnmarshalText decodes a status from its name.
func (s *Status) UnmarshalText(text []byte) error {
	for i, name := range statusNames {
		if name == string(text) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("status %q: unknown", text)
}
