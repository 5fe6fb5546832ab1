package executor

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	exec "github.com/mesos/mesos-go/api/v1/lib/executor"
)

// Whatever an agent sends is an event or an error, never a panic.
func FuzzUnmarshal(f *testing.F) {
	for _, e := range []*exec.Event{
		{Type: exec.Event_SHUTDOWN},
		{Type: exec.Event_KILL, Kill: &exec.Event_Kill{TaskID: mesos.TaskID{Value: "t"}}},
		{Type: exec.Event_LAUNCH, Launch: &exec.Event_Launch{Task: mesos.TaskInfo{Name: "n", Data: []byte("d")}}},
	} {
		b, err := e.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	// A skipped field whose length overflows: the generated decoder indexes out of range.
	f.Add([]byte{0x08, 0x08, 0xfa, 0x01, 0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	s, err := New(Config{AgentEndpoint: "a:1", ExecutorID: "e", FrameworkID: "F"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := unmarshal(b); err == nil {
			s.decode(e, false)
			launches(e)
		}
	})
}
