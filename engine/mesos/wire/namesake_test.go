package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorded is an answer of a real master's operator API (mesos-traces 14, and 11a for recovered.json).
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "operator", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func recordedAnswers(t testing.TB) OperatorAnswers {
	return OperatorAnswers{
		Master: recorded(t, "master"), State: recorded(t, "state"), Operations: recorded(t, "operations"), Summary: recorded(t, "summary"),
	}
}

// The framework of the trace: two tasks run, one has ended, and there is an executor.
func TestNamesakesOfARecordedMaster(t *testing.T) {
	f := Framework{Name: "traceA", Principal: "p1", Roles: []string{"dev"}}
	glimpse := []Namesake{{ID: "96a7828f-b4aa-434b-8ae8-314136e7a232-0000", Connected: true, Attached: "resources in use", Subscriptions: 1795370118119267072}}
	seen, err := GlimpseNamesakes(f, recorded(t, "frameworks"))
	if diff := cmp.Diff(glimpse, seen); diff != "" || err != nil {
		t.Errorf("%v, glimpse (-want +got):\n%s", err, diff)
	}
	got, err := Namesakes(f, recordedAnswers(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []Namesake{{
		ID: "96a7828f-b4aa-434b-8ae8-314136e7a232-0000", Connected: true, Attached: "2 tasks that may run, 1 tasks that have ended, 1 executors",
		Subscriptions: 1795370118119267072,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("namesakes (-want +got):\n%s", diff)
	}
	for _, other := range []Framework{
		{Name: "traceB", Roles: []string{"b"}}, // has ended
		{Name: "x", Principal: "p1", Roles: []string{"dev"}},
	} {
		seen, err := GlimpseNamesakes(other, recorded(t, "frameworks"))
		list, err2 := Namesakes(other, recordedAnswers(t))
		if len(seen) > 0 || err != nil || len(list) > 0 || err2 != nil {
			t.Errorf("%v: seen %v, %v, namesakes %v, %v", other, seen, err, list, err2)
		}
	}
}

// Principal and roles are what operators change between runs: what has our name stays a namesake, and says how it differs.
func TestNamesakeOfOtherSettings(t *testing.T) {
	for want, f := range map[string]Framework{
		`principal "p1" and not ""`:                                {Name: "traceA", Roles: []string{"dev"}},
		`roles ["dev"] and not ["dev" "x"]`:                        {Name: "traceA", Principal: "p1", Roles: []string{"x", "dev"}},
		`principal "p1" and not "p2", roles ["dev"] and not ["x"]`: {Name: "traceA", Principal: "p2", Roles: []string{"x"}},
	} {
		seen, err := GlimpseNamesakes(f, recorded(t, "frameworks"))
		list, err2 := Namesakes(f, recordedAnswers(t))
		if err != nil || err2 != nil || len(seen) != 1 || len(list) != 1 {
			t.Fatalf("%v: seen %v, %v, namesakes %v, %v", f, seen, err, list, err2)
		}
		if seen[0].Unlike != want || list[0].Unlike != want || !strings.HasPrefix(list[0].Attached, "2 tasks that may run") {
			t.Errorf("%v: seen %v, namesakes %v, want %q", f, seen, list, want)
		}
	}
}

// One that the master only knows from an agent that came back is that of an earlier master, and not to be taken for lost.
func TestNamesakeThatWasRecovered(t *testing.T) {
	frameworks := strings.TrimSpace(string(recorded(t, "recovered")))
	frameworks = strings.TrimSuffix(frameworks[strings.Index(frameworks, `"get_frameworks"`):], "}")
	a := OperatorAnswers{
		Master: []byte(`{"get_master":{"master_info":{"id":"40b3e454-385b-4d2e-822a-48c664b54d66"}}}`), State: []byte(`{"get_state":{` + frameworks + `}}`),
		Operations: recorded(t, "operations"), Summary: []byte(`{"frameworks":[{"id":"40b3e454-385b-4d2e-822a-48c664b54d66-0000"}]}`),
	}
	got, err := Namesakes(Framework{Name: "traceA", Roles: []string{"dev"}}, a)
	want := []Namesake{{ID: "40b3e454-385b-4d2e-822a-48c664b54d66-0000", Attached: "resources in use", Foreign: true}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, namesakes (-want +got):\n%s", err, diff)
	}
}

// Whatever a master says, it is understood or refused; and what is taken for an orphan is what GET_STATE has of our name.
func FuzzNamesakes(f *testing.F) {
	a := recordedAnswers(f)
	f.Add(a.Master, a.State, a.Operations, a.Summary)
	f.Add([]byte(`{"get_master":null}`), []byte(`{"get_state":{"get_frameworks":{"frameworks":[{}]}}}`), []byte(`{"get_operations":{}}`), []byte(`{"frameworks":[{"id":""}]}`))
	f.Fuzz(func(t *testing.T, master, state, operations, summary []byte) {
		ours := Framework{Name: "traceA", Principal: "p1", Roles: []string{"dev"}}
		list, err := Namesakes(ours, OperatorAnswers{Master: master, State: state, Operations: operations, Summary: summary})
		if err != nil && list != nil {
			t.Errorf("%v and an error: %v", list, err)
		}
		for _, n := range list {
			if n.Attached == "" && !n.Foreign && n.ID == "" {
				t.Errorf("an orphan without an id: %v", n)
			}
		}
		GlimpseNamesakes(ours, state)
		if list, err := Remains(ours, "k", state); err != nil && list != nil {
			t.Errorf("remains %q and an error: %v", list, err)
		}
	})
}
