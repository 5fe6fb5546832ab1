package wire

import (
	"fmt"
	"math"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/offers"
)

func taskInfo(t offers.Task, frameworkID string) (mesos.TaskInfo, error) {
	out := mesos.TaskInfo{
		Name:       t.Name,
		TaskID:     mesos.TaskID{Value: t.ID},
		AgentID:    mesos.AgentID{Value: t.AgentID},
		Resources:  resources(t.Resources),
		KillPolicy: killPolicy(t.KillGrace),
		Data:       t.Data,
		Labels:     labels(t.Labels),
	}
	if err := checkTask(t); err != nil {
		return out, fmt.Errorf("task %q: %w", t.ID, err)
	}
	var err error
	if out.Discovery, err = discovery(t.Discovery); err != nil {
		return out, fmt.Errorf("task %q: %w", t.ID, err)
	}
	if out.Container, err = container(t.Container); err != nil {
		return out, fmt.Errorf("task %q: %w", t.ID, err)
	}
	// Mesos: exactly one of command and executor.
	if t.Executor == nil {
		out.Command = command(t.Command)
		return out, nil
	}
	if err := ValidateID("executor id", t.Executor.ID); err != nil {
		return out, fmt.Errorf("task %q: %w", t.ID, err)
	}
	if out.Executor, err = executor(*t.Executor, frameworkID); err != nil {
		return out, fmt.Errorf("task %q: executor: %w", t.ID, err)
	}
	return out, nil
}

// checkTask finds what makes Mesos refuse the task or with it the whole ACCEPT.
func checkTask(t offers.Task) error {
	if err := ValidateID("task id", t.ID); err != nil {
		return err
	}
	switch {
	case t.AgentID == "":
		return fmt.Errorf("agent id is empty")
	case len(resources(t.Resources)) == 0:
		return fmt.Errorf("resources are empty: Mesos refuses a task without any")
	}
	return nil
}

func executor(e offers.Executor, frameworkID string) (*mesos.ExecutorInfo, error) {
	in, err := container(e.Container)
	if err != nil {
		return nil, err
	}
	return &mesos.ExecutorInfo{
		Type:        mesos.ExecutorInfo_CUSTOM,
		ExecutorID:  mesos.ExecutorID{Value: e.ID},
		FrameworkID: &mesos.FrameworkID{Value: frameworkID},
		Name:        text(e.Name),
		Source:      text(e.Source),
		Resources:   resources(e.Resources),
		Command:     command(e.Command),
		Container:   in,
	}, nil
}

// command is always set, also when an image's own entry point is to run: Mesos then wants shell=false and no value.
func command(c offers.Command) *mesos.CommandInfo {
	out := &mesos.CommandInfo{Shell: ptr(c.Shell), Value: text(c.Value), User: text(c.User)}
	if !c.Shell {
		out.Arguments = c.Args
	}
	for _, u := range c.URIs {
		out.URIs = append(out.URIs, uri(u))
	}
	if len(c.Env) > 0 {
		out.Environment = &mesos.Environment{}
		for _, v := range c.Env {
			out.Environment.Variables = append(out.Environment.Variables,
				mesos.Environment_Variable{Name: v.Name, Value: ptr(v.Value)})
		}
	}
	return out
}

func uri(u offers.URI) mesos.CommandInfo_URI {
	out := mesos.CommandInfo_URI{Value: u.Value, OutputFile: text(u.OutputFile)}
	if u.Executable {
		out.Executable = ptr(true)
	}
	if u.Cache {
		out.Cache = ptr(true)
	}
	return out
}

// visibilities are what a DiscoveryInfo may say.
var visibilities = [...]struct {
	ours   offers.Visibility
	theirs mesos.DiscoveryInfo_Visibility
}{
	{"", mesos.EXTERNAL},
	{offers.External, mesos.EXTERNAL},
	{offers.ClusterWide, mesos.CLUSTER},
	{offers.FrameworkOnly, mesos.FRAMEWORK},
}

func discovery(d *offers.Discovery) (*mesos.DiscoveryInfo, error) {
	if d == nil {
		return nil, nil
	}
	out := &mesos.DiscoveryInfo{Name: text(d.Name), Version: text(d.Version)}
	known := false
	for _, v := range visibilities {
		if v.ours == d.Visibility {
			out.Visibility, known = v.theirs, true
		}
	}
	if !known {
		return nil, fmt.Errorf("discovery visibility %q is unknown: FRAMEWORK, CLUSTER and EXTERNAL are allowed", d.Visibility)
	}
	if len(d.Ports) > 0 {
		out.Ports = &mesos.Ports{}
	}
	for _, p := range d.Ports {
		number, err := port("discovery port", p.Name, p.Number)
		if err != nil {
			return nil, err
		}
		out.Ports.Ports = append(out.Ports.Ports,
			mesos.Port{Number: number, Name: text(p.Name), Protocol: text(p.Protocol), Labels: labels(p.Labels)})
	}
	return out, nil
}

// port is a number as Mesos takes it; what and name say in the error whose it is.
func port(what, name string, number uint64) (uint32, error) {
	if number > math.MaxUint16 {
		return 0, fmt.Errorf("%s %q: %d is not a port number: at most %d is allowed", what, name, number, math.MaxUint16)
	}
	return uint32(number), nil
}

func labels(list []offers.Label) *mesos.Labels {
	if len(list) == 0 {
		return nil
	}
	out := &mesos.Labels{}
	for _, l := range list {
		out.Labels = append(out.Labels, mesos.Label{Key: l.Key, Value: ptr(l.Value)})
	}
	return out
}
