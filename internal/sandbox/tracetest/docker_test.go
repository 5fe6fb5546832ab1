package tracetest

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// Docker containers: what the recording says of one tells when its image was there, when it ran, and how it took to being
// stopped.

var containerExited = regexp.MustCompile(`^Container exited with status (\d+)$`)

// runsDocker tells whether the agents of a recording run Docker containers.
func (t *trace) runsDocker() bool {
	for _, l := range t.lines {
		if containerExited.MatchString(l.text("update", "status", "message")) {
			return true
		}
	}
	return false
}

// dockerEnd is how the container of a task ends after a line: its status, and whether it ever ran.
func (t *trace) dockerEnd(after int, task string) (code int, ran, known bool) {
	for _, l := range t.lines[after:] {
		if l.Dir != eventLine || l.text("update", "status", "task_id", "value") != task {
			continue
		}
		if m := containerExited.FindStringSubmatch(l.text("update", "status", "message")); m != nil {
			code, _ = strconv.Atoi(m[1])
			return code, ran, true
		}
		ran = ran || l.text("update", "status", "state") == "TASK_RUNNING"
	}
	return 0, ran, false
}

// dockerStarts: TASK_STARTING shows that the image is there, and TASK_RUNNING that the container runs. One that never does
// can't be run from the beginning.
func dockerStarts(r *replay, l *line) bool {
	task := l.text("update", "status", "task_id", "value")
	p := r.machine.process(task)
	if p == nil || !p.start.Docker || l.text("update", "status", "source") != "SOURCE_EXECUTOR" {
		return false
	}
	switch l.text("update", "status", "state") {
	case "TASK_STARTING":
		if p.pulled {
			return false
		}
		p.pulled = true
		if code, ran, known := r.trace.dockerEnd(l.number, task); known && !ran {
			r.machine.drop(p)
			p.report.NotRun(code)
			return true
		}
		p.report.Pulled()
		return true
	case "TASK_RUNNING":
		return r.machine.begin(p)
	}
	return false
}

// dockerExits: the message of the last update tells how a container ended.
func dockerExits(r *replay, l *line) bool {
	p := r.machine.process(l.text("update", "status", "task_id", "value"))
	m := containerExited.FindStringSubmatch(l.text("update", "status", "message"))
	if m == nil || p == nil || !p.start.Docker || !r.machine.stillRuns(p) {
		return false
	}
	code, _ := strconv.Atoi(m[1])
	return r.machine.exit(p, cluster.Exit{Status: code << 8})
}

// dockerSignaled is what becomes of a container that gets a signal. The first process of one is deaf to SIGTERM unless it
// wants to hear it, so it shows in its end.
func (m *machine) dockerSignaled(p *process, signal cluster.Signal) (status int, ends bool) {
	const killed = 137
	code, _, known := m.r.trace.dockerEnd(int(m.r.current.Load()), p.start.Task)
	if !known || signal == cluster.Kill {
		return killed << 8, signal == cluster.Kill
	}
	return code << 8, code != killed
}

// inspected tells whether a text is what docker inspect says of a container, in base64: with what a recording has there, whole or shortened,
// it is not compared, since the two tell of two machines.
func inspected(text string) bool {
	decoded, err := base64.StdEncoding.DecodeString(text)
	var containers []struct{ Id, Name string }
	return err == nil && json.Unmarshal(decoded, &containers) == nil && len(containers) == 1 &&
		strings.HasPrefix(containers[0].Name, "/mesos-")
}

var dockerAllowances = []*allowance{
	{problem: regexp.MustCompile(`^update\.status\.container_status\.network_infos.*ip_address`), when: inOwnNetwork,
		reason: "a container in a network of its own has the address of its agent here, since that is where it can be reached"},
}

// inOwnNetwork tells whether an update is of a Docker container that is not in the network of its host.
func inOwnNetwork(r *replay, l *line) bool {
	container := r.trace.containerOf(l.text("update", "status", "task_id", "value"))
	if dig(container, "type") != "DOCKER" {
		return false
	}
	network, _ := dig(container, "docker", "network").(string)
	parameters, _ := dig(container, "docker", "parameters").([]any)
	return network == "BRIDGE" || network == "USER" || slices.ContainsFunc(parameters, func(p any) bool {
		return dig(p, "key") == "network" || dig(p, "key") == "net"
	})
}

// containerOf is the ContainerInfo that a task was launched with, nil if it had none.
func (t *trace) containerOf(task string) any {
	for _, l := range t.lines {
		operations, _ := l.at("accept", "operations").([]any)
		for _, o := range operations {
			tasks, _ := dig(o, "launch", "task_infos").([]any)
			for _, info := range tasks {
				if l.Dir == callLine && dig(info, "task_id", "value") == task {
					return dig(info, "container")
				}
			}
		}
	}
	return nil
}
