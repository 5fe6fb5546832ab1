package cluster_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/datadriven"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

func duration(d *datadriven.TestData, name string) time.Duration {
	arg, ok := d.Arg(name)
	if !ok {
		return 0
	}
	span, err := time.ParseDuration(arg.Vals[0])
	if err != nil {
		panic(err)
	}
	return span
}

// cluster begins the story with another cluster than the usual one.
func (s *story) cluster(d *datadriven.TestData) error {
	cfg := s.config()
	cfg.Docker = d.HasArg("docker")
	if d.HasArg("registry") {
		cfg.Registry = cluster.InMemory
	}
	cfg.PingTimeout = duration(d, "ping")
	if pings, ok := number(d, "pings"); ok {
		cfg.PingTimeouts = int(pings)
	}
	cfg.ReregisterTimeout, cfg.OfferTimeout = duration(d, "reregister"), duration(d, "offer-timeout")
	s.cfg, s.given = cfg, nil
	s.c = cluster.New(s.now, cfg)
	return nil
}

// fault plays what an operator or the world does to agents and masters:
//
//	fault kill|stop|reboot|partition|heal|disconnect M-S0
//	fault start M-S0 [new] [wipe] [delay=5s] [cpus=4 mem=512]
//	fault delay M-S0 by=5s
//	fault gone M-S0
//	fault failover id=N [down=1s] [starting=1s] [leaderless=1s] [recovering=1s] [delay=5s] [M-S1=9s]
//	fault leaderless
//	fault drain M-S0 [grace=2s] [gone]
//	fault deactivate|reactivate M-S0
//	fault schedule [127.0.1.1 ...]: maintenance in an hour, for an hour
//	fault down|up 127.0.1.1
func (s *story) fault(d *datadriven.TestData) error {
	what := d.CmdArgs[0].Key
	if what == "failover" {
		s.show(s.c.FailOver(s.now, failover(d)))
		return nil
	}
	if what == "leaderless" {
		s.show(s.c.StopMaster(s.now, cluster.Leaderless))
		return nil
	}
	if operators := s.operators(d); operators != nil {
		answer, effects := operators()
		s.answered(answer, effects)
		return nil
	}
	id := d.CmdArgs[1].Key
	simple := map[string]func(time.Time, string) []cluster.Effect{
		"kill": s.c.KillAgent, "stop": s.c.StopAgent, "reboot": s.c.RebootAgent,
		"partition": s.c.PartitionAgent, "heal": s.c.HealAgent, "disconnect": s.c.DisconnectAgent,
	}
	switch do := simple[what]; {
	case do != nil:
		s.show(do(s.now, id))
	case what == "start":
		effects, err := s.c.StartAgent(s.now, id, agentStart(d))
		s.show(effects)
		return err
	case what == "delay":
		s.show(s.c.DelayAgent(s.now, id, duration(d, "by")))
	default:
		return fmt.Errorf("no fault %q", what)
	}
	return nil
}

// operators is what they do to agents, nil if it is something else that happens.
func (s *story) operators(d *datadriven.TestData) func() (cluster.Answer, []cluster.Effect) {
	var names []string
	for _, arg := range d.CmdArgs[1:] {
		names = append(names, arg.Key)
	}
	switch d.CmdArgs[0].Key {
	case "gone":
		return func() (cluster.Answer, []cluster.Effect) { return s.c.MarkAgentGone(s.now, names[0]) }
	case "deactivate":
		return func() (cluster.Answer, []cluster.Effect) { return s.c.DeactivateAgent(s.now, names[0]) }
	case "reactivate":
		return func() (cluster.Answer, []cluster.Effect) { return s.c.ReactivateAgent(s.now, names[0]) }
	case "drain":
		how := cluster.Drain{MarkGone: d.HasArg("gone")}
		if grace := duration(d, "grace"); grace > 0 {
			how.MaxGrace = &grace
		}
		return func() (cluster.Answer, []cluster.Effect) { return s.c.DrainAgent(s.now, names[0], how) }
	case "schedule":
		return func() (cluster.Answer, []cluster.Effect) { return s.c.UpdateMaintenance(s.now, s.windows(names)) }
	case "down":
		return func() (cluster.Answer, []cluster.Effect) { return s.c.StartMaintenance(s.now, machines(names)) }
	case "up":
		return func() (cluster.Answer, []cluster.Effect) { return s.c.StopMaintenance(s.now, machines(names)) }
	}
	return nil
}

func machines(names []string) []mesos.MachineID {
	var ids []mesos.MachineID
	for _, name := range names {
		ids = append(ids, mesos.MachineID{Hostname: &name, IP: &name})
	}
	return ids
}

func (s *story) windows(names []string) []maintenance.Window {
	if len(names) == 0 {
		return nil
	}
	return []maintenance.Window{{MachineIDs: machines(names), Unavailability: mesos.Unavailability{
		Start:    mesos.TimeInfo{Nanoseconds: s.now.Add(time.Hour).UnixNano()},
		Duration: &mesos.DurationInfo{Nanoseconds: int64(time.Hour)},
	}}}
}

func (s *story) answered(answer cluster.Answer, effects []cluster.Effect) {
	s.show(effects)
	fmt.Fprintln(&s.out, strings.TrimSpace(fmt.Sprint(answer.Status, " ", answer.Text)))
}

func agentStart(d *datadriven.TestData) cluster.AgentStart {
	start := cluster.AgentStart{NewID: d.HasArg("new"), Wipe: d.HasArg("wipe"), Delay: duration(d, "delay")}
	for _, name := range []string{"cpus", "mem"} {
		if value, ok := number(d, name); ok {
			start.Resources = append(start.Resources, cluster.Scalar(name, value))
		}
	}
	return start
}

func failover(d *datadriven.TestData) cluster.MasterFailover {
	f := cluster.MasterFailover{Delay: duration(d, "delay"), Delays: map[string]time.Duration{}}
	stages := map[string]cluster.MasterState{
		"down": cluster.Down, "starting": cluster.Starting, "leaderless": cluster.Leaderless,
		"recovering": cluster.Recovering,
	}
	for _, arg := range d.CmdArgs {
		state, isStage := stages[arg.Key]
		switch {
		case arg.Key == "id":
			f.MasterID = arg.Vals[0]
		case isStage:
			f.Outage = append(f.Outage, cluster.Stage{State: state, For: duration(d, arg.Key)})
		case strings.Contains(arg.Key, "-S"):
			f.Delays[arg.Key] = duration(d, arg.Key)
		}
	}
	return f
}
