package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const remainsState = `{"get_state":{
	"get_frameworks":{"frameworks":[
		{"framework_info":{"id":{"value":"A"},"name":"store","roles":["quobyte","slave_public"]}},
		{"framework_info":{"id":{"value":"B"},"name":"cassandra","roles":["quobyte"]}}]},
	"get_tasks":{
		"tasks":[
			{"task_id":{"value":"registry-0-server__8a"},"framework_id":{"value":"A"},"labels":{"labels":[{"key":"pod","value":"x"},{"key":"quobyte_service","value":"store"}]}},
			{"task_id":{"value":"registry-0-server__8b"},"framework_id":{"value":"B"},"labels":{"labels":[{"key":"other","value":"store"}]}}],
		"unreachable_tasks":[{"framework_id":{"value":"A"},"labels":{"labels":[{"key":"quobyte_service","value":"store"}]}}],
		"completed_tasks":[{"framework_id":{"value":"C"},"labels":{"labels":[{"key":"quobyte_service","value":"gone"}]}}]},
	"get_agents":{"agents":[{"total_resources":[
		{"name":"cpus","role":"old","reservations":[{"role":"new","labels":{"labels":[{"key":"service","value":"kept"},{"key":"pod","value":"data-1"},{"key":"resource_id","value":"1"}]}}],
			"reservation":{"labels":{"labels":[{"key":"service","value":"kept"},{"key":"pod","value":"data-1"},{"key":"resource_id","value":"1"}]}}},
		{"name":"mem","role":"old","reservation":{"labels":{"labels":[{"key":"service","value":"kept"},{"key":"pod","value":"data-0"},{"key":"resource_id","value":"2"}]}}},
		{"name":"mem","role":"old","reservation":{"labels":{"labels":[{"key":"service","value":"foreign"},{"key":"pod","value":"data-0"}]}}},
		{"name":"disk","role":"*"}]}]}}}`

func TestRemains(t *testing.T) {
	for name, test := range map[string]struct {
		f     Framework
		label string
		want  []string
	}{
		"another name and role":        {Framework{Name: "other", Roles: []string{"other", "slave_public"}}, "quobyte_service", nil},
		"tasks that name no service":   {Framework{Name: "store", Roles: []string{"quobyte"}}, "", nil},
		"what has ended":               {Framework{Name: "gone", Roles: []string{"x"}}, "quobyte_service", nil},
		"reservations of another kind": {Framework{Name: "foreign", Roles: []string{"old"}}, "quobyte_service", nil},
		"tasks of ours, in whatever role": {Framework{Name: "store", Roles: []string{"x"}}, "quobyte_service", []string{
			`framework A ("store") has 2 tasks of the service "store"`,
		}},
		"the same role": {Framework{Name: "renamed", Roles: []string{"quobyte"}}, "quobyte_service", []string{
			`framework A ("store") has 2 tasks of the service "store" in the same role "quobyte": if this is it under another name, give the old name; if it is another service, give this one a role of its own`,
		}},
		"reservations, in whatever role": {Framework{Name: "kept", Roles: []string{"x"}}, "", []string{
			`1 resources are reserved in role "new" for 1 pods of the service "kept" (data-1)`,
			`1 resources are reserved in role "old" for 1 pods of the service "kept" (data-0)`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Remains(test.f, test.label, []byte(remainsState))
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v, remains (-want +got):\n%s", err, diff)
			}
		})
	}
	if got, err := Remains(Framework{Name: "x", Roles: []string{"dev"}}, "k", recorded(t, "state")); err != nil || len(got) != 1 { // its task run has k=v
		t.Errorf("of a recorded master: %v, %v", got, err)
	}
}
