package cluster_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/datadriven"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// group launches tasks as a task group of the default executor, or of a custom one, on all that was offered since the
// last one.
func (s *story) group(d *datadriven.TestData) error {
	tasks, _ := d.Arg("task")
	id, _ := d.Arg("executor")
	framework := s.frameworks[d.CmdArgs[0].Key]
	launch := &mesos.Offer_Operation_LaunchGroup{Executor: mesos.ExecutorInfo{
		Type: mesos.ExecutorInfo_DEFAULT, ExecutorID: mesos.ExecutorID{Value: id.Vals[0]},
		FrameworkID: &mesos.FrameworkID{Value: framework},
		Resources:   []mesos.Resource{cluster.Scalar("cpus", 0.1), cluster.Scalar("mem", 32), cluster.Scalar("disk", 32)},
	}}
	if arg, ok := d.Arg("least"); ok {
		resources, err := parseNotation(without(arg.Vals, ""))
		if err != nil {
			return err
		}
		launch.Executor.Resources = resources
	}
	if d.HasArg("custom") {
		command := "./run"
		launch.Executor.Type, launch.Executor.Command = mesos.ExecutorInfo_CUSTOM, &mesos.CommandInfo{Value: &command}
	}
	for _, task := range without(tasks.Vals, "") {
		info := taskInfo(d, task)
		command := "sleep 1000"
		info.Executor, info.Command = nil, &mesos.CommandInfo{Value: &command}
		if err := addInput(d, &info); err != nil {
			return err
		}
		launch.TaskGroup.Tasks = append(launch.TaskGroup.Tasks, info)
	}
	refuse := 0.0
	defer func(used int) { s.held = s.held[used:] }(len(s.held))
	return s.do(d.CmdArgs[0].Key, &scheduler.Call{
		Type: scheduler.Call_ACCEPT, FrameworkID: &mesos.FrameworkID{Value: framework},
		Accept: &scheduler.Call_Accept{
			OfferIDs:   s.held,
			Operations: []mesos.Offer_Operation{{Type: mesos.Offer_Operation_LAUNCH_GROUP, LaunchGroup: launch}},
			Filters:    &mesos.Filters{RefuseSeconds: &refuse},
		},
	})
}

func without(list []string, item string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(other string) bool { return other == item })
}

// script says what a task does that is launched later.
func (s *story) script(d *datadriven.TestData) error {
	script := &cluster.Script{IgnoresTerm: d.HasArg("deaf"), ExitsOnTerm: d.HasArg("clean")}
	for name, field := range map[string]*time.Duration{
		"start": &script.StartDelay, "ready": &script.ReadyAfter, "unready": &script.UnreadyAfter,
		"ends": &script.EndsAfter, "stops": &script.StopsAfter,
	} {
		if arg, ok := d.Arg(name); ok {
			span, err := time.ParseDuration(arg.Vals[0])
			if err != nil {
				return err
			}
			*field = span
		}
	}
	if end, ok := number(d, "end"); ok {
		script.End = int(end)
	}
	if arg, ok := d.Arg("problem"); ok {
		script.Problem = arg.Vals[0]
	}
	s.scripts[d.CmdArgs[0].Key] = script
	return nil
}

func (s *story) checked(d *datadriven.TestData) error {
	container, err := s.container(d)
	if err != nil {
		return err
	}
	result := cluster.CheckResult{Connected: d.HasArg("connected")}
	if exit, ok := number(d, "exit"); ok {
		result.ExitCode = int32(exit)
	}
	if status, ok := number(d, "status"); ok {
		result.StatusCode = uint32(status)
	}
	if arg, ok := d.Arg("problem"); ok {
		result.Problem = arg.Vals[0]
	}
	s.show(s.c.Checked(s.now, container, d.HasArg("health"), result))
	return nil
}

func (s *story) pulled(d *datadriven.TestData) error {
	container, err := s.container(d)
	if err == nil {
		s.show(s.c.ImagePulled(s.now, container))
	}
	return err
}

func (s *story) notRun(d *datadriven.TestData) error {
	container, err := s.container(d)
	if err == nil {
		code, _ := number(d, "code")
		s.show(s.c.ContainerNotRun(s.now, container, int(code)))
	}
	return err
}

func (s *story) died(d *datadriven.TestData) error {
	status, _ := number(d, "status")
	framework, task := s.frameworks[d.CmdArgs[0].Key], d.CmdArgs[1].Key
	s.show(s.c.TaskExited(s.now, framework, task, cluster.Exit{Status: int(status), Lost: d.HasArg("lost")}))
	return nil
}

func checkText(p cluster.PerformCheck) string {
	kind := "check"
	if p.Health {
		kind = "health check"
	}
	switch {
	case p.HTTP != nil:
		return fmt.Sprintf("%s %s:%d%s within %s", kind, p.HTTP.Scheme, p.HTTP.Port, p.HTTP.Path, p.Timeout)
	case p.TCP != nil:
		return fmt.Sprintf("%s tcp:%d within %s", kind, p.TCP.Port, p.Timeout)
	}
	return fmt.Sprintf("%s %q within %s", kind, p.Command.GetValue(), p.Timeout)
}

func checkStatusText(status *mesos.CheckStatusInfo) string {
	text := func(set bool, value any) string {
		if !set {
			return "nothing"
		}
		return fmt.Sprint(value)
	}
	switch {
	case status.Command != nil:
		return "exit:" + text(status.Command.ExitCode != nil, status.Command.GetExitCode())
	case status.HTTP != nil:
		return "http:" + text(status.HTTP.StatusCode != nil, status.HTTP.GetStatusCode())
	case status.TCP != nil:
		return "tcp:" + text(status.TCP.Succeeded != nil, status.TCP.GetSucceeded())
	}
	return "none"
}
