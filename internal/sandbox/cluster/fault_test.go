package cluster_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/datadriven"

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
	if d.HasArg("registry") {
		cfg.Registry = cluster.InMemory
	}
	cfg.PingTimeout = duration(d, "ping")
	if pings, ok := number(d, "pings"); ok {
		cfg.PingTimeouts = int(pings)
	}
	cfg.ReregisterTimeout = duration(d, "reregister")
	s.c = cluster.New(s.now, cfg)
	return nil
}

// fault plays what an operator or the world does to agents and masters:
//
//	fault kill|stop|reboot|partition|heal M-S0
//	fault start M-S0 [new] [wipe] [delay=5s] [cpus=4 mem=512]
//	fault delay M-S0 by=5s
//	fault gone M-S0
//	fault failover id=N [down=1s] [starting=1s] [leaderless=1s] [recovering=1s] [delay=5s] [M-S1=9s]
//	fault leaderless
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
	id := d.CmdArgs[1].Key
	simple := map[string]func(time.Time, string) []cluster.Effect{
		"kill": s.c.KillAgent, "stop": s.c.StopAgent, "reboot": s.c.RebootAgent,
		"partition": s.c.PartitionAgent, "heal": s.c.HealAgent,
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
	case what == "gone":
		answer, effects := s.c.MarkAgentGone(s.now, id)
		s.answered(answer, effects)
	default:
		return fmt.Errorf("no fault %q", what)
	}
	return nil
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
