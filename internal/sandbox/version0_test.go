package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The endpoints of version 0 that change something, in one life of a cluster.
func TestVersion0Changes(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	agent := c.agentID(s)
	form := func(name, list string) string { return url.Values{"slaveId": {agent}, name: {list}}.Encode() }
	const cpus = `[{"name":"cpus","type":"SCALAR","scalar":{"value":1},"reservations":[{"type":"DYNAMIC","role":"ops"}]}]`
	const disk = `{"name":"disk","type":"SCALAR","scalar":{"value":16},"reservations":[{"type":"DYNAMIC","role":"ops"}]`
	const volume = `[` + disk + `,"disk":{"persistence":{"id":"v1"},"volume":{"mode":"RW","container_path":"data"}}}]`
	for _, test := range []struct {
		method, path, body string
		status             int
		text               string // what the answer begins with
	}{
		{"GET", "/reserve", "", 405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'."},
		{"POST", "/reserve", "resources=" + url.QueryEscape(cpus), 400, "Missing 'slaveId' query parameter in the request body"},
		{"POST", "/reserve", "slaveId=" + agent, 400, "Missing 'resources' query parameter in the request body"},
		{"POST", "/reserve", "slaveId=%zz", 400, "Unable to decode query string: "},
		{"POST", "/reserve", form("resources", "["), 400, "Error parsing 'resources' query parameter in the request body: "},
		{"POST", "/unreserve", form("resources", "{}"), 400, "Error in parsing 'resources' query parameter in the request body: "},
		{"POST", "/reserve", form("resources", `[{"type":"SCALAR"}]`), 400, "Error parsing 'resources' query parameter in the request body: Missing required fields: name"},
		{"POST", "/reserve", strings.Replace(form("resources", cpus), agent, "nobody", 1), 400, "No agent found with specified ID"},
		{"POST", "/reserve", form("resources", cpus), 202, ""},
		{"POST", "/master/unreserve", form("resources", cpus), 202, ""},
		{"POST", "/reserve", form("resources", "["+disk+"}]"), 202, ""},
		{"POST", "/create-volumes", form("volumes", volume), 202, ""},
		{"POST", "/unreserve", form("resources", volume), 400, "Invalid UNRESERVE operation: A dynamically reserved persistent volume "},
		{"POST", "/destroy-volumes", form("volumes", volume), 202, ""},
		{"POST", "/destroy-volumes", form("volumes", volume), 400, "Invalid DESTROY operation: Persistent volumes not found"},

		{"PUT", "/weights", `[{"role":"ops","weight":2}]`, 200, ""},
		{"GET", "/weights", "", 200, `[{"role":"ops","weight":2}]`},
		{"PUT", "/weights", `[{"role":"ops"`, 400, `Failed to parse update weights request JSON '[{"role":"ops"': syntax error at line 1 near:`},
		{"PUT", "/weights", `[{"role":5}]`, 400, `Failed to convert weights JSON array to protobuf '[{"role":5}]': `},
		{"PUT", "/weights", `[{"role":"ops","weight":0}]`, 400, "Failed to validate update weights request JSON for role 'ops': Invalid weight"},
		{"POST", "/weights", "", 405, "405 Method Not Allowed. Expecting one of { 'GET', 'PUT' }, but received 'POST'."},

		{"POST", "/quota", `{"role":"ops","guarantee":[{"name":"cpus","type":"SCALAR","scalar":{"value":1}}]}`, 200, ""},
		{"POST", "/quota", `{"role":`, 400, `Failed to parse set quota request JSON '{"role":': syntax error`},
		{"POST", "/quota", `{"role":7}`, 400, `Failed to validate set quota request JSON '{"role":7}': `},
		{"DELETE", "/quota", "", 400, "Failed to parse remove quota request for path '/master/quota': expected 3 tokens, found 2 tokens"},
		{"DELETE", "/master/quota/none", "", 400, "Failed to remove quota for path '/master/quota/none': Role 'none' has no quota set"},
		{"DELETE", "/quota/ops", "", 200, ""},
		{"PATCH", "/quota", "", 405, "405 Method Not Allowed. Expecting one of { 'GET', 'POST', 'DELETE' }, but received 'PATCH'."},

		{"POST", "/machine/down", `[{"hostname":"nobody"}]`, 400, ""},
		{"POST", "/machine/down", `5`, 400, ""},
		{"POST", "/maintenance/schedule", `{"windows":[{"machine_ids":[{"hostname":"h9"}],"unavailability":{"start":{"nanoseconds":1}}}]}`, 200, ""},
		{"GET", "/maintenance/schedule", "", 200, `{"windows":[{"machine_ids":[{"hostname":"h9"}]`},
		{"POST", "/machine/down", `[{"hostname":"h9"}]`, 200, ""},
		{"POST", "/machine/up", `[{"hostname":"h9"}]`, 200, ""},
		{"POST", "/maintenance/schedule", `{`, 400, "syntax error at line 1 near:"},

		{"POST", "/teardown", "x=1", 400, "Missing 'frameworkId' query parameter in the request body"},
		{"POST", "/teardown", "frameworkId=nobody", 400, "No framework found with specified ID"},
		{"POST", "/teardown", "frameworkId=" + c.id, http.StatusOK, ""},
	} {
		got := ask(t, test.method, "http://"+s.MasterAddress()+test.path, test.body)
		if got.status != test.status || !strings.HasPrefix(got.body, test.text) || test.text == "" && test.status < 300 && got.body != "" {
			t.Errorf("%s %s %.200s: %d %q, want %d %q", test.method, test.path, test.body, got.status, got.body, test.status, test.text)
		}
	}
}
