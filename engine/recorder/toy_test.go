package recorder

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// toy is a service whose scouts say "db" of hosts that get one. Its secret is part of db's fingerprint and command.
type toy struct{ secret string }

var _ machine.Service = toy{}

func (toy) Name() string                   { return "toy" }
func (t toy) Fingerprint(p string) string  { return p + t.secret }
func (toy) Scout() string                  { return "agent" }
func (toy) ScoutSilence() time.Duration    { return 3 * time.Minute }
func (toy) TaskName(string) string         { return "server" }
func (toy) Health(p string) bool           { return p == "db" }
func (toy) Admit(machine.Host) *plans.Hold { return nil }
func (toy) Budgets() []plans.Budget        { return nil }
func (toy) Judge([]string, []machine.Standing) machine.Judgement {
	return machine.Judgement{Gate: plans.GateOpen}
}
func (toy) Message(machine.Host, []machine.Pod) []byte { return nil }

func (toy) Phases() []machine.PhaseSpec {
	return []machine.PhaseSpec{
		{Name: "probe", Strategy: plans.Parallel, PodTypes: []string{"agent"}},
		{Name: "db", Strategy: plans.Serial, PodTypes: []string{"db"}},
	}
}

func (toy) Read(data []byte) (machine.Report, error) {
	var r machine.Report
	err := json.Unmarshal(data, &r)
	return r, err
}

func (toy) Survey(hosts []machine.Host) machine.Survey {
	var s machine.Survey
	for _, h := range hosts {
		if strings.Contains(string(h.Facts), "db") {
			s.Pods = append(s.Pods, machine.Wanted{Type: "db", Host: h.Key})
		}
	}
	if len(s.Pods) == 0 {
		s.Missing = []plans.Hold{{Code: plans.CodeMissing, Text: "no db"}}
	}
	return s
}

func (toy) Requirement(p machine.Pod) offers.Requirement {
	r := offers.Requirement{Subject: p.Name, CPUs: 1000, Host: p.Host}
	if p.Type == "db" {
		r.Claim = &offers.Claim{}
		r.Volumes = []offers.Volume{{Name: "data", Type: offers.RootVolume, Size: 100_000, ContainerPath: "data"}}
	}
	return r
}

func (t toy) Task(p machine.Pod, _ machine.Place, _ machine.Cluster) (offers.Task, error) {
	task := offers.Task{Command: offers.Command{Shell: true, Value: fmt.Sprintf("exec %s --password=%s", p.Type, t.secret)}}
	if p.Type == "agent" {
		task.Executor = &offers.Executor{Name: "agent"}
	}
	return task, nil
}
