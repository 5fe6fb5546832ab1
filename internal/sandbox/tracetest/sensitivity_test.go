package tracetest

import (
	"path/filepath"
	"slices"
	"testing"
)

// wantNoticed changes a recording, and wants that the replay complains.
func wantNoticed(t *testing.T, path string, alter func(*trace)) {
	t.Helper()
	altered, err := readTrace(path)
	if err != nil {
		t.Fatal(err)
	}
	alter(altered)
	for i, l := range altered.lines {
		l.number = i + 1
	}
	if r := run(t, altered, ledger{}); len(r.problems) == 0 {
		t.Error("nobody noticed")
	}
}

// TestAlteredRecordingsAreNotFollowed: whatever is changed in a recording, the sandbox is not like it any more, and that is
// noticed. Otherwise a replay without problems would mean nothing.
func TestAlteredRecordingsAreNotFollowed(t *testing.T) {
	update := func(state string) func(*line) bool {
		return func(l *line) bool { return l.text("update", "status", "state") == state }
	}
	offers := func(l *line) bool { return l.typ() == "OFFERS" && l.at("offers") != nil }
	refusal := func(l *line) bool { return l.Dir == responseLine && l.HTTP.Status == 400 }
	for _, tc := range []struct {
		name, file string
		alter      func(*trace)
	}{
		{"another text", "07-bad-accepts", set(update("TASK_ERROR"), "something else", "update", "status", "message")},
		{"another reason", "07-bad-accepts", set(update("TASK_ERROR"), "REASON_COMMAND_EXECUTOR_FAILED", "update", "status", "reason")},
		{"another state", "07-bad-accepts", set(update("TASK_DROPPED"), "TASK_LOST", "update", "status", "state")},
		{"a field more", "07-bad-accepts", set(update("TASK_ERROR"), "AAAAAAAAAAAAAAAAAAAAAA==", "update", "status", "uuid")},
		{"a field less", "09-scheduler-failover", set(update("TASK_STARTING"), nil, "update", "status", "container_status")},
		{"no network and no process in any update", "04-command-tasks-updates", everywhere(func(container map[string]any) {
			delete(container, "network_infos")
			delete(container, "executor_pid")
		})},
		{"no network and no process where agents are lost", "08a-agent-lost-and-back", everywhere(func(container map[string]any) {
			delete(container, "network_infos")
			delete(container, "executor_pid")
		})},
		{"no process in the updates of groups", "05-task-group-default-executor", func(tr *trace) {
			set(func(l *line) bool {
				return update("TASK_RUNNING")(l) && l.at("update", "status", "container_status", "executor_pid") != nil
			},
				nil, "update", "status", "container_status", "executor_pid")(tr)
		}},
		{"another address in every update", "04-command-tasks-updates", everywhere(func(container map[string]any) {
			networks, _ := container["network_infos"].([]any)
			for _, network := range networks {
				addresses, _ := dig(network, "ip_addresses").([]any)
				for _, address := range addresses {
					address.(map[string]any)["ip_address"] = "10.9.9.9"
				}
			}
		})},
		{"another reason why a container failed", "04-command-tasks-updates", set(func(l *line) bool {
			return l.text("update", "status", "reason") == "REASON_CONTAINER_LAUNCH_FAILED"
		}, "Failed to launch container: something", "update", "status", "message")},
		{"a metric less", "14-operator-api-state", func(tr *trace) {
			metrics := first(tr, func(l *line) bool { return l.at("master/elected") != nil }).decoded.(map[string]any)
			delete(metrics, "master/messages_register_framework")
		}},
		{"another metric", "14-operator-api-state", func(tr *trace) {
			metrics := first(tr, func(l *line) bool { return l.at("master/elected") != nil }).decoded.(map[string]any)
			metrics["allocator/mesos/roles/dev/shares/dominant"] = 0.5
		}},
		{"an answer that nobody asked for", "14-operator-api-state", func(tr *trace) {
			remove(func(l *line) bool { return l.Dir == callLine && l.typ() == "GET_VERSION" })(tr)
		}},
		{"an event less", "07-bad-accepts", remove(update("TASK_ERROR"))},
		{"an event more", "13-update-framework-quota", repeat(func(l *line) bool { return l.typ() == "RESCIND" })},
		{"events in another order", "07-bad-accepts", swap(update("TASK_RUNNING"), update("TASK_FINISHED"))},
		{"an answer with another text", "13-update-framework-quota", func(tr *trace) { first(tr, refusal).decoded = "Bad" }},
		{"another status", "09-scheduler-failover", func(tr *trace) { first(tr, refusal).HTTP.Status = 403 }},
		{"another header", "01-subscribe-offers-errors", func(tr *trace) {
			first(tr, func(l *line) bool { return l.HTTP.Headers["Allow"] != "" }).HTTP.Headers["Allow"] = "GET"
		}},
		{"another amount", "02-decline-suppress-rescind", func(tr *trace) {
			all := first(tr, func(l *line) bool { return offers(l) && l.T > 1 }).at("offers", "offers").([]any)
			dig(all[0].(map[string]any)["resources"].([]any)[1], "scalar").(map[string]any)["value"] = 3.0
		}},
		{"another time", "02b-offer-timeout", func(tr *trace) {
			late := first(tr, func(l *line) bool { return l.typ() == "RESCIND" })
			for _, l := range tr.lines[late.number-1:] {
				l.T += 2
			}
		}},
		{"a stream that is not ended", "09-scheduler-failover", remove(func(l *line) bool {
			return l.typ() == "TEARDOWN" && l.Dir == callLine && l.Who == "operator"
		})},
		{"another identifier", "03-reserve-create-launch", func(tr *trace) {
			second := false
			set(func(l *line) bool {
				fits := l.typ() == "UPDATE_OPERATION_STATUS" && l.at("update_operation_status", "status", "uuid") != nil
				defer func() { second = second || fits }()
				return fits && second
			}, "AAAAAAAAAAAAAAAAAAAAAA==", "update_operation_status", "status", "uuid")(tr)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantNoticed(t, filepath.Join(folder, tc.file+".jsonl"), tc.alter)
		})
	}
}

func first(tr *trace, fits func(*line) bool) *line {
	return tr.lines[slices.IndexFunc(tr.lines, fits)] // panics if the test is about nothing
}

// set changes a value in the body of the first line that fits; nil removes it.
func set(fits func(*line) bool, value any, path ...string) func(*trace) {
	return func(tr *trace) {
		last := len(path) - 1
		object := first(tr, fits).at(path[:last]...).(map[string]any)
		if value == nil {
			delete(object, path[last])
			return
		}
		object[path[last]] = value
	}
}

// everywhere changes the container_status of every update.
func everywhere(change func(container map[string]any)) func(*trace) {
	return func(tr *trace) {
		for _, l := range tr.lines {
			if container, ok := l.at("update", "status", "container_status").(map[string]any); ok {
				change(container)
			}
		}
	}
}

func remove(fits func(*line) bool) func(*trace) {
	return func(tr *trace) {
		i := slices.IndexFunc(tr.lines, fits)
		tr.lines = slices.Delete(tr.lines, i, i+1)
	}
}

func repeat(fits func(*line) bool) func(*trace) {
	return func(tr *trace) {
		i := slices.IndexFunc(tr.lines, fits)
		again := *tr.lines[i]
		tr.lines = slices.Insert(tr.lines, i+1, &again)
	}
}

func swap(a, b func(*line) bool) func(*trace) {
	return func(tr *trace) {
		i, j := slices.IndexFunc(tr.lines, a), slices.IndexFunc(tr.lines, b)
		tr.lines[i].decoded, tr.lines[j].decoded = tr.lines[j].decoded, tr.lines[i].decoded
	}
}
