package quobyte

import (
	"path"
	"strings"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// Artifact is the name under which the framework serves its own binary to hosts, at <FrameworkURL>/v1/artifacts/<Artifact>.
const Artifact = "quobyte-mesos"

// The environment variables that tell a prober what to do; the first two are told to pods without a container as well.
const (
	EnvDeviceDir     = "QUOBYTE_DEVICE_DIR"
	EnvMountPoint    = "QUOBYTE_MOUNT_POINT" // unset: no clients
	EnvProbeInterval = "QUOBYTE_PROBE_INTERVAL"
	EnvHostKey       = "QUOBYTE_HOST_KEY"
)

// proberShare is the task's part of a prober's resources; the executor, which does all the work, has the rest.
var proberShare = offers.Quantities{CPUs: 10, Mem: 1000}

// leastProber leaves an executor of 0.01 cpus and 32 MB: Mesos warns of smaller ones.
var leastProber = offers.Quantities{CPUs: 20, Mem: 33000}

// proberTask is a task for a custom executor. The executor's command says everything, the task brings no data.
func (s Settings) proberTask(p machine.Pod, host string) offers.Task {
	t, _ := lookUp(Prober)
	executor := &offers.Executor{Name: p.Name, Source: s.Name}
	devices, mount := forHost(s.HostDeviceDirectory, host), ""
	if s.ClientMountPoint != "" {
		mount = forHost(s.ClientMountPoint, host)
	}
	if s.ProberFrom == ProberFromImage {
		executor.Container = &offers.Container{Image: s.FrameworkImage, Privileged: true}
		devices, mount = bind(executor.Container, devices, mount)
		executor.Command.Value = "exec " + Artifact + " prober"
	} else {
		executor.Command.URIs = []offers.URI{{
			Value:      strings.TrimRight(s.FrameworkURL, "/") + "/v1/artifacts/" + Artifact,
			Executable: true,
			OutputFile: Artifact,
		}}
		executor.Command.Value = "exec ./" + Artifact + " prober"
	}
	executor.Command.Shell = true
	executor.Command.User = s.User
	executor.Command.Env = proberEnv(s, host, devices, mount)
	return offers.Task{
		Name:     p.Name + "-" + t.task,
		Executor: executor,
		Labels:   s.labels(t, p),
	}
}

func proberEnv(s Settings, host, devices, mount string) []offers.Var {
	env := []offers.Var{
		{Name: EnvHostKey, Value: host},
		{Name: EnvProbeInterval, Value: s.ProbeInterval.String()},
		{Name: EnvDeviceDir, Value: devices},
	}
	if mount != "" {
		env = append(env, offers.Var{Name: EnvMountPoint, Value: mount})
	}
	return env
}

// bind makes a host's directories visible to a prober in a container, to be read only, and returns where. Of the mount point
// it is the parent: docker would create the mount point itself if it is not there.
func bind(c *offers.Container, devices, mount string) (inDevices, inMount string) {
	c.Volumes = []offers.HostVolume{{HostPath: devices, ContainerPath: containerDevices, ReadOnly: true}}
	if mount == "" {
		return containerDevices, ""
	}
	const parent = "/client"
	c.Volumes = append(c.Volumes, offers.HostVolume{HostPath: path.Dir(mount), ContainerPath: parent, ReadOnly: true})
	return containerDevices, path.Join(parent, path.Base(mount))
}
