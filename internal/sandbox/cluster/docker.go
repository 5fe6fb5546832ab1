package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// notRunDelay is how long the executor of a Docker container that never ran looks for it before it gives up (F67; Mesos:
// DOCKER_INSPECT_TIMEOUT).
const notRunDelay = 5 * time.Second

// docker tells whether a process is a Docker container. Its executor is a part of the model like that of a plain command,
// but it says other things.
func (p *process) docker() bool {
	return p.executor.kind == commandExecutor && isDocker(p.task.info.Container)
}

// containerInfo is what a process is to be contained in, nil for nothing special.
func (p *process) containerInfo() *mesos.ContainerInfo {
	switch {
	case p.task != nil:
		return p.task.info.Container
	case p.executor.kind == customExecutor:
		return p.executor.info.Container
	}
	return nil
}

func isDocker(info *mesos.ContainerInfo) bool {
	return info != nil && info.GetType() == mesos.ContainerInfo_DOCKER
}

// imageOf is the name of an image with its type, "" for none.
func imageOf(info *mesos.ContainerInfo) (name string, typ mesos.Image_Type) {
	image := info.GetMesos().GetImage()
	switch {
	case isDocker(info):
		return info.GetDocker().GetImage(), mesos.Image_DOCKER
	case image == nil:
		return "", 0
	case image.Docker != nil:
		return image.Docker.Name, mesos.Image_DOCKER
	}
	return image.GetAppc().GetName(), mesos.Image_APPC
}

// unfitContainer says why agents without Docker and images can't run a container, "" if they can.
func (c *Cluster) unfitContainer(info *mesos.ContainerInfo) (mesos.TaskStatus_Reason, string) {
	image, typ := imageOf(info)
	switch {
	case c.cfg.Docker:
	case isDocker(info):
		return mesos.REASON_EXECUTOR_TERMINATED, "Abnormal executor termination: unknown container"
	case image != "":
		return mesos.REASON_CONTAINER_LAUNCH_FAILED, "Failed to launch container: Unsupported container image type: " + typ.String()
	}
	return 0, ""
}

// doom says why a process can't run, if it can't.
func (c *Cluster) doom(p *process, command *mesos.CommandInfo) *play {
	info := p.containerInfo()
	if reason, message := c.unfitContainer(info); message != "" {
		p.reason, p.message = reason, message
		return &play{startAt: c.now, doomed: true}
	}
	image, _ := imageOf(info)
	if p.task != nil && p.executor.kind == commandExecutor && image == "" && command.Value == nil {
		return &play{startAt: c.now, doomed: true, begins: true}
	}
	return nil
}

// ImagePulled says that the image of a Docker container is there, so that its executor runs and will start it. It comes
// before ProcessStarted, and for no other containers.
func (c *Cluster) ImagePulled(now time.Time, container string) []Effect {
	c.begin(now, Entry{Name: "ImagePulled", Container: container})
	if p := c.processes[container]; p != nil && p.docker() {
		c.starting(p)
	}
	return c.end()
}

// ContainerNotRun says that a Docker container whose image is there could not be run, in place of ProcessStarted. code is
// what docker run ends with: 125 if the daemon could not, 126 or 127 if there is no such command in the image.
func (c *Cluster) ContainerNotRun(now time.Time, container string, code int) []Effect {
	c.begin(now, Entry{Name: "ContainerNotRun", Container: container, About: about(c, code)})
	if p := c.processes[container]; p != nil && p.docker() {
		c.starting(p)
		p.play = &play{endAt: c.now.Add(notRunDelay), exit: Exit{Status: code << 8}}
	}
	return c.end()
}

// dockerText is the message of a terminal update of a Docker container: docker run has no signals, only statuses.
func dockerText(status int) string {
	code := status >> 8
	if signal := status & 0x7f; signal != 0 {
		code = 128 + signal
	}
	return fmt.Sprintf("Container exited with status %d", code)
}

// inspection is what docker inspect says of a container that has just started, as far as it is known. TASK_RUNNING brings
// it as data.
func (p *process) inspection(now time.Time) []byte {
	info, command := p.task.info.Container, p.task.info.Command
	path, args := argvOf(command)
	digest := func(text string) string { sum := sha256.Sum256([]byte(text)); return hex.EncodeToString(sum[:]) }
	at := now.UTC().Format(time.RFC3339Nano)
	network := dockerNetwork(info.Docker)
	type object = map[string]any
	env := []string{}
	for _, variable := range command.GetEnvironment().GetVariables() {
		env = append(env, variable.Name+"="+variable.GetValue())
	}
	mounts, binds := []object{}, []string{}
	for i := range info.Volumes {
		v := &info.Volumes[i]
		if v.HostPath == nil {
			continue
		}
		mode := "rw"
		if v.GetMode() == mesos.RO {
			mode = "ro"
		}
		mounts = append(mounts, object{"Type": "bind", "Source": *v.HostPath, "Destination": v.ContainerPath, "Mode": mode,
			"RW": mode == "rw", "Propagation": "rprivate"})
		binds = append(binds, *v.HostPath+":"+v.ContainerPath+":"+mode)
	}
	text, err := json.Marshal([]object{{
		"Id": digest(p.container), "Created": at, "Path": path, "Args": args, "Name": "/mesos-" + p.container,
		"State": object{"Status": "running", "Running": true, "Paused": false, "Restarting": false, "OOMKilled": false,
			"Dead": false, "Pid": p.pid, "ExitCode": 0, "Error": "", "StartedAt": at, "FinishedAt": "0001-01-01T00:00:00Z"},
		"Image": "sha256:" + digest(info.Docker.Image), "RestartCount": 0, "Mounts": mounts,
		"HostConfig": object{"NetworkMode": network, "Privileged": info.Docker.GetPrivileged(), "Binds": binds},
		"Config":     object{"Image": info.Docker.Image, "Env": env, "Cmd": append([]string{path}, args...)},
		"NetworkSettings": object{"IPAddress": p.dockerAddress(), "Networks": object{
			network: object{"IPAddress": p.dockerAddress()}}},
	}})
	if err != nil {
		return nil // of strings and numbers there is always a JSON form
	}
	return text
}

func argvOf(command *mesos.CommandInfo) (path string, args []string) {
	if command.GetShell() {
		return "/bin/sh", []string{"-c", command.GetValue()}
	}
	return command.GetValue(), append([]string{}, command.GetArguments()...)
}

func dockerNetwork(info *mesos.ContainerInfo_DockerInfo) string {
	switch info.GetNetwork() {
	case mesos.ContainerInfo_DockerInfo_BRIDGE:
		return "bridge"
	case mesos.ContainerInfo_DockerInfo_NONE:
		return "none"
	case mesos.ContainerInfo_DockerInfo_USER:
		return "user"
	}
	return "host"
}

// dockerAddress is the container's own, "" if it has none. Whatever runs it here has that of its agent.
func (p *process) dockerAddress() string {
	switch dockerNetwork(p.task.info.Container.Docker) {
	case "bridge", "user":
		return p.executor.agent.ip
	}
	return ""
}
