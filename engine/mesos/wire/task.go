package wire

import (
	"fmt"
	"math"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

func taskInfo(t machine.Task, frameworkID string) (mesos.TaskInfo, error) {
	out := mesos.TaskInfo{
		Name:       t.Name,
		TaskID:     mesos.TaskID{Value: t.ID},
		AgentID:    mesos.AgentID{Value: t.AgentID},
		Resources:  resources(t.Resources, t.Role),
		Container:  container(t.Container),
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
	// Mesos: exactly one of command and executor.
	if t.Executor == nil {
		out.Command = command(t.Command)
		return out, nil
	}
	if err := ValidateID("executor id", t.Executor.ID); err != nil {
		return out, fmt.Errorf("task %q: %w", t.ID, err)
	}
	out.Executor = executor(*t.Executor, t.Role, frameworkID)
	return out, nil
}

// checkTask finds what makes Mesos refuse the task or with it the whole ACCEPT.
func checkTask(t machine.Task) error {
	if err := ValidateID("task id", t.ID); err != nil {
		return err
	}
	switch {
	case t.AgentID == "":
		return fmt.Errorf("agent id is empty")
	case t.Role == "":
		return fmt.Errorf("role is empty: its resources must name the role that they were offered to")
	case len(resources(t.Resources, t.Role)) == 0:
		return fmt.Errorf("resources are empty: Mesos refuses a task without any")
	}
	return nil
}

func executor(e machine.Executor, role, frameworkID string) *mesos.ExecutorInfo {
	return &mesos.ExecutorInfo{
		Type:        mesos.ExecutorInfo_CUSTOM,
		ExecutorID:  mesos.ExecutorID{Value: e.ID},
		FrameworkID: &mesos.FrameworkID{Value: frameworkID},
		Name:        text(e.Name),
		Source:      text(e.Source),
		Resources:   resources(e.Resources, role),
		Command:     command(e.Command),
		Container:   container(e.Container),
	}
}

// command is always set, also when an image's own entry point is to run: Mesos then wants shell=false and no value.
func command(c machine.Command) *mesos.CommandInfo {
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

func uri(u machine.URI) mesos.CommandInfo_URI {
	out := mesos.CommandInfo_URI{Value: u.Value, OutputFile: text(u.OutputFile)}
	if u.Executable {
		out.Executable = ptr(true)
	}
	if u.Cache {
		out.Cache = ptr(true)
	}
	return out
}

func container(c *machine.Container) *mesos.ContainerInfo {
	if c == nil {
		return nil
	}
	docker := &mesos.ContainerInfo_DockerInfo{
		Image:          c.Image,
		Network:        mesos.ContainerInfo_DockerInfo_HOST.Enum(),
		Privileged:     ptr(c.Privileged),
		ForcePullImage: ptr(c.ForcePull),
	}
	for _, p := range c.Parameters {
		docker.Parameters = append(docker.Parameters, mesos.Parameter{Key: p.Name, Value: p.Value})
	}
	out := &mesos.ContainerInfo{Type: mesos.ContainerInfo_DOCKER.Enum(), Docker: docker}
	for _, v := range c.Volumes {
		mode := mesos.RW
		if v.ReadOnly {
			mode = mesos.RO
		}
		out.Volumes = append(out.Volumes,
			mesos.Volume{Mode: mode.Enum(), ContainerPath: v.ContainerPath, HostPath: text(v.HostPath)})
	}
	return out
}

func discovery(d *machine.Discovery) (*mesos.DiscoveryInfo, error) {
	if d == nil {
		return nil, nil
	}
	out := &mesos.DiscoveryInfo{
		Visibility: mesos.EXTERNAL,
		Name:       text(d.Name),
		Version:    text(d.Version),
	}
	if len(d.Ports) > 0 {
		out.Ports = &mesos.Ports{}
	}
	for _, p := range d.Ports {
		if p.Number > math.MaxUint16 {
			return nil, fmt.Errorf("discovery port %q: %d is not a port number: at most %d is allowed", p.Name, p.Number, math.MaxUint16)
		}
		out.Ports.Ports = append(out.Ports.Ports, mesos.Port{Number: uint32(p.Number), Name: text(p.Name)})
	}
	return out, nil
}

func labels(vars []machine.Var) *mesos.Labels {
	if len(vars) == 0 {
		return nil
	}
	out := &mesos.Labels{}
	for _, v := range vars {
		out.Labels = append(out.Labels, mesos.Label{Key: v.Name, Value: ptr(v.Value)})
	}
	return out
}

// resources lists what is asked for; a resource of nothing is left out, Mesos refuses it in some places.
func resources(r offers.Quantities, role string) []mesos.Resource {
	var out []mesos.Resource
	allocation := func() *mesos.Resource_AllocationInfo { return &mesos.Resource_AllocationInfo{Role: ptr(role)} }
	for _, s := range []struct {
		name   string
		amount offers.Milli
	}{{"cpus", r.CPUs}, {"mem", r.Mem}, {"disk", r.Disk}} {
		if s.amount <= 0 {
			continue
		}
		out = append(out, mesos.Resource{
			Name:           s.name,
			Type:           mesos.SCALAR.Enum(),
			Scalar:         &mesos.Value_Scalar{Value: float64(s.amount) / 1000},
			AllocationInfo: allocation(),
		})
	}
	if len(r.Ports) == 0 {
		return out
	}
	ranges := &mesos.Value_Ranges{}
	for _, p := range r.Ports {
		ranges.Range = append(ranges.Range, mesos.Value_Range{Begin: p.Begin, End: p.End})
	}
	return append(out, mesos.Resource{
		Name:           "ports",
		Type:           mesos.RANGES.Enum(),
		Ranges:         ranges,
		AllocationInfo: allocation(),
	})
}
