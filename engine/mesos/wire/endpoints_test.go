package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func recordedEndpoints(t testing.TB) EndpointAnswers {
	return EndpointAnswers{State: recorded(t, "endpoint-state"), Slaves: recorded(t, "endpoint-slaves")}
}

// The older endpoints of a master show of a framework what its operator API does.
func TestEndpointsOfARecordedMaster(t *testing.T) {
	for _, f := range []Framework{
		{Name: "traceA", Principal: "p1", Roles: []string{"dev"}},
		{Name: "traceA", Principal: "p2", Roles: []string{"x"}},
		{Name: "traceB", Roles: []string{"b"}}, // has ended
		{Name: "x", Principal: "p1", Roles: []string{"dev"}},
		{Name: "v", Roles: []string{"dev"}}, // a task has it for the value of its label k
	} {
		want, err := Namesakes(f, recordedAnswers(t))
		if err != nil {
			t.Fatal(err)
		}
		got, remains, awaited, err := recordedEndpoints(t).Seen(f, "k")
		if err != nil || awaited != 0 {
			t.Errorf("%v: %v, %d agents awaited", f, err, awaited)
		}
		for _, list := range [][]Namesake{want, got} {
			for i := range list {
				list[i].Subscriptions = list[i].Subscriptions / 1e6 // /state has a double
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: namesakes (-operator API +endpoints):\n%s", f, diff)
		}
		wantRemains, err := Remains(f, "k", recorded(t, "state"))
		if diff := cmp.Diff(wantRemains, remains); diff != "" || err != nil {
			t.Errorf("%v: %v, remains (-operator API +endpoints):\n%s", f, err, diff)
		}
	}
}

func TestReservationsAtAnEndpoint(t *testing.T) {
	const reserved = `{"name":"disk","role":"store","reservations":[{"type":"DYNAMIC","role":"store","labels":{"labels":[` +
		`{"key":"resource_id","value":"u"},{"key":"service","value":"quobyte"},{"key":"pod","value":"data-0"}]}}]}`
	a := EndpointAnswers{
		State:  []byte(`{"id":"M","frameworks":[],"recovered_slaves":[{},{}]}`),
		Slaves: []byte(`{"slaves":[{"reserved_resources_full":{"store":[` + reserved + `]}},{"reserved_resources_full":{}}]}`),
	}
	namesakes, remains, awaited, err := a.Seen(Framework{Name: "quobyte", Roles: []string{"store"}}, "")
	want := []string{`1 resources are reserved in role "store" for 1 pods of the service "quobyte" (data-0)`}
	if diff := cmp.Diff(want, remains); diff != "" || err != nil || len(namesakes) > 0 || awaited != 2 {
		t.Errorf("%v, %v, %d awaited, remains (-want +got):\n%s", namesakes, err, awaited, diff)
	}
}

func TestEndpointsThatAreNone(t *testing.T) {
	good := recordedEndpoints(t)
	for want, a := range map[string]EndpointAnswers{
		"answer to /state: invalid character": {[]byte("<html>"), good.Slaves},
		"answer to /slaves: invalid":          {good.State, []byte("<html>")},
		"answer to /state: no id":             {[]byte(`{"frameworks":[]}`), good.Slaves},
		"answer to /state: no id, or no":      {[]byte(`{"id":"M"}`), good.Slaves},
		"answer to /slaves: no slaves":        {good.State, []byte(`{}`)},
	} {
		if _, _, _, err := a.Seen(Framework{Name: "x"}, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", a.State[:min(20, len(a.State))], err, want)
		}
	}
}

// Whatever a master says, it is understood or refused, and always in the same way.
func FuzzEndpoints(f *testing.F) {
	a := recordedEndpoints(f)
	f.Add(a.State, a.Slaves)
	f.Add([]byte(`{"id":"M","frameworks":[{"name":"traceA","used_resources":{"cpus":null}}]}`), []byte(`{"slaves":[{"reserved_resources_full":{"x":[null]}}]}`))
	f.Fuzz(func(t *testing.T, state, slaves []byte) {
		seen := func() string {
			return fmt.Sprint(EndpointAnswers{state, slaves}.Seen(Framework{Name: "traceA", Principal: "p1", Roles: []string{"dev"}}, "k"))
		}
		if first, second := seen(), seen(); first != second {
			t.Errorf("%s, and then %s", first, second)
		}
	})
}
