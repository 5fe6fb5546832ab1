package wire

import (
	"strings"
	"testing"
	"time"
)

func TestAbsence(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, test := range []struct {
		name, state string
		want        string // of the doubt; empty: none
		listed      bool
	}{
		{"a registry that lasts, all agents back", `{"frameworks":[],"recovered_slaves":[],"elected_time":1799999999,"flags":{"registry":"replicated_log"}}`, "", false},
		{"agents awaited", `{"frameworks":[{"id":"F-2"}],"recovered_slaves":[{"id":"S0"},{"id":"S1"}],"elected_time":1,"flags":{"registry":"replicated_log"}}`,
			"2 agents have not come back since this master was elected", false},
		{"agents awaited, but it has ended", `{"frameworks":[],"completed_frameworks":[{"id":"F-1"}],"recovered_slaves":[{}],"elected_time":1799999999}`, "", false},
		{"another has ended", `{"frameworks":[],"completed_frameworks":[{"id":"F-11"}],"recovered_slaves":[{}]}`, "1 agents have not come back", false},
		{"no registry, elected just now", `{"frameworks":[],"recovered_slaves":[],"elected_time":1799999970.5,"flags":{"registry":"in_memory"}}`,
			"this master was elected 30s ago, and does not know the agents of the one before it (--registry=in_memory); agents have 10 minutes", false},
		{"no registry, elected by a clock that is ahead", `{"frameworks":[],"recovered_slaves":[],"elected_time":1800000100,"flags":{"registry":"in_memory"}}`, "elected 0s ago", false},
		{"no registry, elected nearly long ago", `{"frameworks":[],"recovered_slaves":[],"elected_time":1799999401,"flags":{"registry":"in_memory"}}`, "elected 9m59s ago", false},
		{"no registry, elected long ago", `{"frameworks":[],"recovered_slaves":[],"elected_time":1799999400,"flags":{"registry":"in_memory"}}`, "", false},
		{"flags not shown, elected just now", `{"frameworks":[],"recovered_slaves":[],"elected_time":1799999970}`, "its flag --registry is not shown", false},
		{"flags not shown, elected long ago", `{"frameworks":[],"recovered_slaves":[],"elected_time":1700000000}`, "", false},
		{"it says nothing", `{"frameworks":[],"recovered_slaves":[]}`, "at a time that it does not tell", false},
		{"listed", `{"frameworks":[{"id":"F-1"}],"recovered_slaves":[],"elected_time":1}`, "", true},
	} {
		a, err := AbsenceOf("F-1", []byte(test.state))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := a.Doubt(now)
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) || a.Listed != test.listed {
			t.Errorf("%s: doubt %q, want %q; listed: %v", test.name, got, test.want, a.Listed)
		}
	}
}

// An answer that says nothing of agents does not say that none is awaited.
func TestAbsenceIsNotReadFromAnything(t *testing.T) {
	for _, text := range []string{``, `{}`, `[]`, `{"frameworks":[]}`, `{"recovered_slaves":[]}`, `{"frameworks":[],"recovered_slaves":null}`, `{"frameworks":[],"recovered_slaves":3}`} {
		if a, err := AbsenceOf("F-1", []byte(text)); err == nil || !strings.Contains(err.Error(), "answer to /state: ") {
			t.Errorf("%s: %+v, %v", text, a, err)
		}
	}
}

// A master that was recorded (mesos-traces 14) says all of it. It had one framework with tasks, and one that had ended.
func TestAbsenceByARecordedMaster(t *testing.T) {
	text := recorded(t, "endpoint-state")
	a, err := AbsenceOf("nobody", text)
	elected := time.Unix(1795370117, 531773000)
	if err != nil || a.Listed || a.Ended || a.Awaited != 0 || a.Unreachable != 0 || a.Registry != "in_memory" || a.Elected.Sub(elected).Abs() > time.Millisecond {
		t.Errorf("%+v, %v; want one of --registry=in_memory, elected %s", a, err, elected)
	}
	for suffix, want := range map[string]Absence{"-0000": {Listed: true}, "-0001": {Ended: true}} {
		id := "96a7828f-b4aa-434b-8ae8-314136e7a232" + suffix
		if a, err := AbsenceOf(id, text); err != nil || a.Listed != want.Listed || a.Ended != want.Ended {
			t.Errorf("%s: %+v, %v", id, a, err)
		}
	}
}

func FuzzAbsence(f *testing.F) {
	f.Add(string(recorded(f, "endpoint-state")))
	f.Add(`{"frameworks":[{"id":"F-1"}],"recovered_slaves":[{}],"elected_time":1e300,"flags":{"registry":1}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := AbsenceOf("F-1", []byte(text)); err == nil && a.Awaited > 0 && !a.Ended && a.Doubt(time.Unix(0, 0)) == "" {
			t.Errorf("%+v: no doubt", a)
		}
	})
}
