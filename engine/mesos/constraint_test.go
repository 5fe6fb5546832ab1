package mesos_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
)

// Hosts are excluded with all that the framework says of itself. If the master does not want that, the call has failed, and nothing else.
func TestExcludeHosts(t *testing.T) {
	const at = "master master-a:5050: UPDATE_FRAMEWORK: "
	call := machine.ExcludeHosts{Hosts: []string{"h1"}}
	failed := func(text string, ambiguous bool) []machine.Event {
		return []machine.Event{machine.CallFailed{Call: call, Err: at + text, Ambiguous: ambiguous}}
	}
	for _, tt := range []struct {
		name string
		in   answer
		want []machine.Event
	}{
		{"done", answer{status: 200}, nil},
		{"not valid", answer{status: 400, text: "'UpdateFramework' call is not valid: x"}, failed("400 'UpdateFramework' call is not valid: x", false)},
		{"not allowed", answer{status: 403, text: "Not authorized to use role 'x'"}, failed("403 Not authorized to use role 'x'", false)},
		{"no answer", answer{hold: true}, failed("no answer in time", true)},
		{"not subscribed", answer{status: 403, text: "Framework is not subscribed"},
			[]machine.Event{machine.Disconnected{Err: at + "403 Framework is not subscribed; subscribing again"}, welcome}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				m := newMaster(t, network, masterA)
				defer m.server.Close()
				m.onUpdate = func() answer { return tt.in }
				h := start(t, network, config(masterA), "")
				h.session.Send(call)
				h.after(16 * time.Second)
				if diff := cmp.Diff(append([]machine.Event{welcome}, tt.want...), h.take()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				m.mu.Lock()
				info := m.updates[0].UpdateFramework.FrameworkInfo
				if diff := cmp.Diff(config(masterA).Framework.Roles, info.Roles); diff != "" || info.GetID().GetValue() != "F-0000" || len(info.Capabilities) != 5 {
					t.Errorf("framework is %v", info)
				}
				m.mu.Unlock()
				h.stop()
			})
		})
	}
}
