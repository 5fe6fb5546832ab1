package cluster

import (
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// checkShape is what a check and a health check have in common. word is how a master calls it in its messages.
type checkShape struct {
	word    string
	typ     string // "COMMAND", "HTTP", "TCP", or "UNKNOWN" if none is set
	missing bool   // what belongs to the type is not there
	command *mesos.CommandInfo
	scheme  *string // of HTTP, which plain checks have not
	path    *string
	times   []checkTime
}

type checkTime struct {
	name  string
	value float64
}

func checkProblem(info *mesos.TaskInfo) string {
	check := info.GetCheck()
	if check == nil {
		return ""
	}
	shape := checkShape{
		word: "check", typ: check.Type.String(),
		missing: check.Type == mesos.CheckInfo_COMMAND && check.Command == nil ||
			check.Type == mesos.CheckInfo_HTTP && check.HTTP == nil || check.Type == mesos.CheckInfo_TCP && check.TCP == nil,
		times: []checkTime{
			{"delay_seconds", check.GetDelaySeconds()},
			{"interval_seconds", check.GetIntervalSeconds()},
			{"timeout_seconds", check.GetTimeoutSeconds()},
		},
	}
	if check.Command != nil {
		shape.command = &check.Command.Command
	}
	if check.HTTP != nil {
		shape.path = check.HTTP.Path
	}
	if check.Type == mesos.CheckInfo_UNKNOWN {
		return "Task uses invalid check: CheckInfo must specify 'type'"
	}
	return shape.problem()
}

func healthCheckProblem(info *mesos.TaskInfo) string {
	check := info.GetHealthCheck()
	if check == nil {
		return ""
	}
	if check.Type == mesos.HealthCheck_UNKNOWN {
		return "Task uses invalid health check: HealthCheck must specify 'type'"
	}
	shape := checkShape{
		word: "health check", typ: check.Type.String(), command: check.Command,
		missing: check.Type == mesos.HealthCheck_COMMAND && check.Command == nil ||
			check.Type == mesos.HealthCheck_HTTP && check.HTTP == nil || check.Type == mesos.HealthCheck_TCP && check.TCP == nil,
		times: []checkTime{
			{"delay_seconds", check.GetDelaySeconds()},
			{"grace_period_seconds", check.GetGracePeriodSeconds()},
			{"interval_seconds", check.GetIntervalSeconds()},
			{"timeout_seconds", check.GetTimeoutSeconds()},
		},
	}
	if check.HTTP != nil {
		shape.scheme, shape.path = check.HTTP.Scheme, check.HTTP.Path
	}
	return shape.problem()
}

func (s checkShape) problem() string {
	prefix := "Task uses invalid " + s.word + ": "
	switch {
	case s.missing:
		return prefix + "Expecting '" + strings.ToLower(s.typ) + "' to be set for " + s.typ + " " + s.word
	case s.typ == "COMMAND" && s.command.Value == nil:
		what := "'executable path'"
		if s.command.GetShell() {
			what = "'shell command'"
		}
		return prefix + "Command " + s.word + " must contain " + what
	case s.typ == "HTTP" && s.scheme != nil && *s.scheme != "http" && *s.scheme != "https":
		return prefix + "Unsupported HTTP health check scheme: '" + *s.scheme + "'"
	case s.typ == "HTTP" && s.path != nil && !strings.HasPrefix(*s.path, "/"):
		return prefix + "The path '" + *s.path + "' of HTTP " + s.word + " must start with '/'"
	}
	if s.typ == "COMMAND" {
		if problem := environmentProblem(s.command.Environment); problem != "" {
			return prefix + strings.ToUpper(s.word[:1]) + s.word[1:] + "'s `CommandInfo` is invalid: " + problem
		}
	}
	for _, t := range s.times {
		if t.value < 0 {
			return prefix + "Expecting '" + t.name + "' to be non-negative"
		}
	}
	return ""
}

// inferHealthCheckType gives a health check the type that it has not got, as a master does for LAUNCH alone.
func inferHealthCheckType(check *mesos.HealthCheck) {
	if check == nil || check.Type != mesos.HealthCheck_UNKNOWN {
		return
	}
	switch {
	case check.Command != nil && check.HTTP == nil:
		check.Type = mesos.HealthCheck_COMMAND
	case check.HTTP != nil && check.Command == nil:
		check.Type = mesos.HealthCheck_HTTP
	}
}

func containerOfTaskProblem(info *mesos.TaskInfo) string {
	if problem := containerProblem(info.Container); problem != "" {
		return "Task's `ContainerInfo` is invalid: " + problem
	}
	return ""
}

func containerProblem(info *mesos.ContainerInfo) string {
	if info == nil {
		return ""
	}
	for i := range info.Volumes {
		if problem := hostVolumeProblem(&info.Volumes[i]); problem != "" {
			return "Invalid volume: " + problem
		}
	}
	if info.GetType() != mesos.ContainerInfo_DOCKER {
		return ""
	}
	if info.Docker == nil {
		return "DockerInfo 'docker' is not set for DOCKER typed ContainerInfo"
	}
	for _, parameter := range info.Docker.Parameters {
		if parameter.Key == "name" {
			return "Parameter in DockerInfo must not be 'name'"
		}
	}
	return ""
}

func hostVolumeProblem(v *mesos.Volume) string {
	set := 0
	for _, present := range []bool{v.HostPath != nil, v.Image != nil, v.Source != nil} {
		if present {
			set++
		}
	}
	if set != 1 {
		return "Only one of them should be set: 'host_path', 'image' and 'source'"
	}
	if v.Source == nil {
		return ""
	}
	bodies := []struct {
		typ     mesos.Volume_Source_Type
		name    string
		present bool
	}{
		{mesos.Volume_Source_DOCKER_VOLUME, "docker_volume", v.Source.DockerVolume != nil},
		{mesos.Volume_Source_HOST_PATH, "host_path", v.Source.HostPath != nil},
		{mesos.Volume_Source_SANDBOX_PATH, "sandbox_path", v.Source.SandboxPath != nil},
		{mesos.Volume_Source_SECRET, "secret", v.Source.Secret != nil},
	}
	for _, body := range bodies {
		if v.Source.Type != body.typ {
			continue
		}
		if !body.present {
			return "'source." + body.name + "' is not set for " + body.typ.String() + " volume"
		}
		return ""
	}
	return "'source.type' is unknown"
}
