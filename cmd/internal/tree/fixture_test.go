package tree

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/plans"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before you keep it")

// golden compares got with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); if it is meant so: go test ./cmd/internal/tree -update\n%s", path, diff)
	}
}

// noon is the time of all tests.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// ago is a time before noon.
func ago(d time.Duration) time.Time { return noon.Add(-d) }

func hold(code plans.Code, subject, text string) []plans.Hold {
	return []plans.Hold{{Code: code, Subject: subject, Text: text}}
}

// phase makes a phase view with the ids and counts that Evaluate would give it.
func phase(name string, s plans.Status, since time.Time, steps ...plans.StepView) plans.PhaseView {
	p := plans.PhaseView{ID: plans.ID("quobyte", "deploy", name, ""), Name: name, Strategy: plans.Serial, Status: s, Since: since, Steps: steps}
	for i := range p.Steps {
		p.Steps[i].ID = plans.ID("quobyte", "deploy", name, p.Steps[i].Name)
		if p.Steps[i].Newcomer {
			p.Newcomers++
			continue
		}
		p.Counts.Add(p.Steps[i].Status)
		if p.Steps[i].Status == plans.Complete {
			p.StepsDone++
		}
	}
	return p
}

func plan(s plans.Status, phases ...plans.PhaseView) plans.View {
	v := plans.View{
		ID: plans.ID("quobyte", "deploy", "", ""), Name: "deploy", Strategy: plans.Serial, Status: s, Since: ago(12 * time.Minute),
		Run: plans.Run{Number: 1, Actor: "operator", Reason: "first install", StartedAt: ago(13 * time.Minute)}, Phases: phases,
	}
	for _, p := range phases {
		v.StepsDone += p.StepsDone
		v.StepsTotal += p.Counts.Total()
		v.Newcomers += p.Newcomers
	}
	return v
}

// many makes n steps of one status.
func many(name string, from, n int, s plans.Status) []plans.StepView {
	steps := make([]plans.StepView, n)
	for i := range steps {
		steps[i] = plans.StepView{
			Name: fmt.Sprintf("%s-%d:[server]", name, from+i), Status: s, Host: fmt.Sprintf("127.0.1.%d", 1+(from+i)%250),
		}
		if s != plans.Pending {
			steps[i].Since = ago(time.Duration(n-i) * time.Second)
		}
	}
	return steps
}

// inTheMiddle is a rollout whose third phase works.
func inTheMiddle() plans.View {
	registry := many("registry", 0, 3, plans.Complete)
	metadata := []plans.StepView{
		{Name: "metadata-0:[server]", Status: plans.Complete, Host: "127.0.1.1", Since: ago(40 * time.Second)},
		{
			Name: "metadata-1:[server]", Status: plans.Started, Host: "127.0.1.2", Since: ago(9 * time.Second),
			Holds: hold(plans.CodeUnhealthy, "", "runs, is not ready yet: no registry answers at 127.0.1.3:7861"),
		},
		{Name: "metadata-2:[server]", Status: plans.Starting, Host: "127.0.1.3", Since: ago(2 * time.Second)},
	}
	data := many("data", 0, 5, plans.Pending)
	for i := range data {
		data[i].Holds = hold(plans.CodePredecessor, "metadata", `waits for phase "metadata"`)
	}
	p := phase("data", plans.Pending, time.Time{}, data...)
	p.Holds = hold(plans.CodePredecessor, "metadata", `waits for phase "metadata"`)
	return plan(plans.InProgress,
		phase("probe", plans.Complete, ago(3*time.Hour), many("prober", 0, 5, plans.Complete)...),
		phase("registry", plans.Complete, ago(2*time.Minute), registry...),
		phase("metadata", plans.InProgress, ago(40*time.Second), metadata...),
		p)
}
