package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// toy is a second, tiny service: it keeps the machine from knowing Quobyte. An "agent" scouts each host; hosts whose facts contain "db"
// get a db, one after the other; and there is one web, anywhere.
type toy struct {
	expect   int
	setting  string // part of db's fingerprint ("everywhere": of all, "web": of web's alone); "reserve": db has its resources reserved, and a volume; "larger": a larger one; "amounts": only amounts are reserved; "hungry": it needs more
	canary   bool   // db is a canary phase
	attempts int    // how often a step of db may fail
	early    bool   // agents are told of dbs that were launched, before they run
}

var _ Service = toy{}

func (toy) Name() string                { return "toy" }
func (toy) Scout() string               { return "agent" }
func (toy) ScoutSilence() time.Duration { return 3 * time.Minute }
func (toy) TaskName(string) string      { return "server" }
func (toy) Health(p string) bool        { return p == "db" }

func (t toy) Fingerprint(p string) string {
	about := "db"
	if t.setting == "web" {
		about = "web"
	}
	if p == about || t.setting == "everywhere" {
		return p + t.setting
	}
	return p
}

func (toy) Budgets() []plans.Budget {
	return []plans.Budget{
		{PodType: "db", MaxUnavailable: plans.Amount{Value: 1}, Quorum: true},
		{PodType: "agent", MaxUnavailable: plans.Amount{Value: 100, Percent: true}},
	}
}

// Judge lets a db be stopped if the others are a majority, or if it never was one of them.
func (toy) Judge(stop []string, all []Standing) Judgement {
	up, unsure, total := 0, 0, 0
	if !slices.ContainsFunc(all, func(s Standing) bool { return s.Served && s.Type == "db" && slices.Contains(stop, s.Name) }) {
		return Judgement{Gate: plans.GateOpen}
	}
	for _, s := range all {
		if s.Type != "db" {
			continue
		}
		total++
		switch {
		case slices.Contains(stop, s.Name) || s.State == Down:
		case s.State == Unsure:
			unsure++
		default:
			up++
		}
	}
	switch {
	case 2*up > total:
		return Judgement{Gate: plans.GateOpen}
	case 2*(up+unsure) > total:
		return Judgement{Gate: plans.GateUnknown, Text: fmt.Sprintf("%d of %d others are up, of %d nobody knows", up, total, unsure)}
	}
	return Judgement{Gate: plans.GateClosed, Code: "majority", Text: fmt.Sprintf("%d of %d others are up", up, total)}
}

func (t toy) Phases() []PhaseSpec {
	strategy := plans.Serial
	if t.canary {
		strategy = plans.SerialCanary
	}
	return []PhaseSpec{
		{Name: "probe", Strategy: plans.Parallel, PodTypes: []string{"agent"}},
		{Name: "db", Strategy: strategy, PodTypes: []string{"db"}, Gated: true, Settle: 20 * time.Second, Policy: plans.Policy{Attempts: t.attempts}},
		{Name: "web", Strategy: plans.Parallel, PodTypes: []string{"web"}},
	}
}

func (toy) Admit(h Host) *plans.Hold {
	if strings.HasPrefix(h.Key, "forbidden") {
		return &plans.Hold{Code: plans.CodeExcluded, Subject: h.Key, Text: "host " + h.Key + " is not to be used"}
	}
	return nil
}

type toyReport struct {
	Seq    uint64
	Facts  string
	Health []Health
	Heard  string
}

func (toy) Read(data []byte) (Report, error) {
	var r toyReport
	if err := json.Unmarshal(data, &r); err != nil {
		return Report{}, err
	}
	return Report{Seq: r.Seq, Facts: []byte(r.Facts), Pods: r.Health, Heard: r.Heard}, nil
}

func (t toy) Survey(hosts []Host) Survey {
	var s Survey
	for _, h := range hosts {
		if strings.Contains(string(h.Facts), "db") {
			s.Pods = append(s.Pods, Wanted{Type: "db", Host: h.Key})
		}
		if strings.Contains(string(h.Facts), "bad") {
			s.Warnings = append(s.Warnings, plans.Hold{Code: plans.CodeDevice, Subject: h.Key, Text: "bad device on " + h.Key})
		}
	}
	if n := len(s.Pods); n < t.expect {
		s.Missing = []plans.Hold{{Code: plans.CodeMissing, Subject: "db", Text: fmt.Sprintf("db: %d of %d hosts", n, t.expect)}}
	}
	s.Pods = append(s.Pods, Wanted{Type: "web"})
	return s
}

func (t toy) Requirement(p Pod) offers.Requirement {
	r := offers.Requirement{Subject: p.Name, CPUs: 1000}
	if p.Bound {
		r.Host = p.Host
	}
	if p.Type == "db" && t.setting == "hungry" {
		r.CPUs = 3000
	}
	if p.Type == "db" {
		r.Ports = []offers.Port{{Name: "rpc", Number: 7000}}
	}
	if t.setting == "amounts" && p.Type == "db" {
		r.Claim, r.Ports[0].Unmanaged = &offers.Claim{}, true
	}
	if size, reserves := map[string]offers.Milli{"reserve": 100_000, "larger": 150_000}[t.setting]; reserves && p.Type == "db" {
		r.Claim = &offers.Claim{}
		r.Volumes = []offers.Volume{{Name: "data", Type: offers.RootVolume, Size: size, ContainerPath: "data"}}
	}
	return r
}

func (t toy) Task(p Pod, at Place, c Cluster) (offers.Task, error) {
	if t.setting == "broken" {
		return offers.Task{}, errors.New("can't be rendered")
	}
	task := offers.Task{Command: offers.Command{Shell: true, Value: "exec " + p.Type}}
	if p.Type == "agent" {
		task.Executor = &offers.Executor{Name: "agent"}
	}
	return task, nil
}

func (t toy) Message(h Host, pods []Pod) []byte {
	var ids []string
	for _, p := range pods {
		if p.Type != "agent" && p.Task != nil && (p.Task.State == Running || t.early && p.Type == "db" && !p.Task.State.Terminal()) {
			ids = append(ids, p.Task.ID)
		}
	}
	if ids == nil {
		return nil
	}
	if !h.AskedAt.IsZero() {
		ids = append(ids, askedAt(h.AskedAt))
	}
	return []byte(strings.Join(ids, ","))
}

func askedAt(t time.Time) string { return "asked at " + t.UTC().Format(time.RFC3339Nano) }
