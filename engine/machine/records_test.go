package machine

import (
	"strings"
	"testing"
)

// Records that do not look as we write them are read all the same, or refused with the same words.
func TestDecode(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        string // the name of the pod
		problem     string
	}{
		{"ours", string(encode(Pod{Name: "a"})), "a", ""},
		{"with blanks", `{ "format": 1, "value": {"name": "a"} }`, "a", ""},
		{"the other way round", `{"value":{"name":"a"},"format":1}`, "a", ""},
		{"with something behind", `{"format":1,"value":{"name":"a"},"by":"b"}`, "a", ""},
		{"with another value behind", `{"format":1,"value":{"name":"a"},"value":{"name":"b"}}`, "b", ""},
		{"newer", `{"format":2,"value":{"name":"a"}}`, "", "record pods/a: format 2 is newer than 1"},
		{"newer, on second thoughts", `{"format":1,"value":{"name":"a"},"format":2}`, "", "record pods/a: format 2 is newer than 1"},
		{"without format", `{"value":{"name":"a"}}`, "", "record pods/a: not readable: no format"},
		{"cut off", `{"format":1,"value":{"name":"a"}`, "", "record pods/a: not readable: unexpected end of JSON input"},
		{"cut off early", `{"format":1,"value":`, "", "record pods/a: not readable: unexpected end of JSON input"},
		{"empty", ``, "", "record pods/a: not readable: unexpected end of JSON input"},
		{"of another kind", `{"format":1,"value":{"name":7}}`, "", "record pods/a: not readable: json: cannot unmarshal number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var p Pod
			err := decode(Record{Key: "pods/a", Value: []byte(test.value)}, &p)
			switch {
			case test.problem == "" && (err != nil || p.Name != test.want):
				t.Errorf("pod %q, %v, want %q", p.Name, err, test.want)
			case test.problem != "" && (err == nil || !strings.HasPrefix(err.Error(), test.problem)):
				t.Errorf("%v, want %s", err, test.problem)
			}
		})
	}
	if value := string(encode(Pod{Name: "a"})); !strings.HasPrefix(value, envelopeBegin) {
		t.Errorf("%s does not begin with %s", value, envelopeBegin)
	}
}
