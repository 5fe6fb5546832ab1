package quobyte

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// story is what the transcripts under testdata talk to: a service, and what a machine would know.
type story struct {
	settings Settings
	cluster  machine.Cluster
}

func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s story
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "settings":
				return s.set(t, d)
			case "host":
				return s.host(t, d)
			case "pod":
				return s.pod(t, d)
			case "survey":
				return s.survey(t)
			case "phases":
				return s.phases(t)
			case "task":
				return s.task(t, d)
			case "message":
				return s.message(t, d)
			}
			d.Fatalf(t, "unknown command")
			return ""
		})
	})
}

func (s *story) service(t *testing.T) *Service {
	t.Helper()
	service, err := New(s.settings)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// set begins a new story: settings (docker|command) followed by lines of name=value.
func (s *story) set(t *testing.T, d *datadriven.TestData) string {
	*s = story{settings: dockerSettings()}
	if d.HasArg(Command) {
		s.settings = commandSettings()
	}
	texts := map[string]*string{
		"docker_image": &s.settings.DockerImage, "release": &s.settings.Release, "server_command": &s.settings.ServerCommand,
		"client_command": &s.settings.ClientCommand, "client_image": &s.settings.ClientImage, "framework_user": &s.settings.User,
		"prober_from": &s.settings.ProberFrom, "ports_from": &s.settings.PortsFrom, "s3_hostname": &s.settings.S3Hostname,
		"registry_dns_name": &s.settings.RegistryDNSName, "host_device_directory": &s.settings.HostDeviceDirectory,
		"client_mount_point": &s.settings.ClientMountPoint, "extra_service_config": &s.settings.ExtraServiceConfig,
	}
	for line := range strings.Lines(d.Input) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch field, ok := texts[name]; {
		case ok:
			*field = value
		case name == "autodetect_service_ip":
			s.settings.AutodetectServiceIP = value == "true"
		case name == "enable_assertions":
			s.settings.EnableAssertions = value == "true"
		case strings.HasPrefix(name, "expect."):
			n, err := strconv.Atoi(value)
			if err != nil {
				d.Fatalf(t, "%s: %v", name, err)
			}
			s.settings.Expect[strings.TrimPrefix(name, "expect.")] = n
		default:
			d.Fatalf(t, "no setting %q", name)
		}
	}
	if _, err := New(s.settings); err != nil {
		return err.Error()
	}
	return "ok"
}

// host adds a host: host KEY [mount-point], followed by a line for each device:
// PATH [serial=S] [bootstrap] [problem="…"] TYPE…
func (s *story) host(t *testing.T, d *datadriven.TestData) string {
	key := d.CmdArgs[0].Key
	var facts Facts
	facts.ClientMountPoint = d.HasArg("mount-point")
	for line := range strings.Lines(d.Input) {
		line, problem, _ := strings.Cut(strings.TrimSpace(line), " problem=")
		words := strings.Fields(line)
		device := FoundDevice{Path: words[0]}
		if problem != "" {
			device.Problems = []string{problem}
		}
		for _, word := range words[1:] {
			if serial, ok := strings.CutPrefix(word, "serial="); ok {
				device.Serial = serial
			} else if word == "bootstrap" {
				device.Bootstrap = true
			} else {
				device.Types = append(device.Types, word)
			}
		}
		facts.Devices = append(facts.Devices, device)
	}
	s.cluster.Hosts = append(s.cluster.Hosts, machine.Host{Key: key, Hostname: key, Address: key, Facts: facts.Encode()})
	return "ok"
}

// pod adds a pod that the machine has: pod NAME host=KEY [state=STATE].
func (s *story) pod(t *testing.T, d *datadriven.TestData) string {
	name := d.CmdArgs[0].Key
	kind, index, _ := strings.Cut(name, "-")
	n, err := strconv.Atoi(index)
	if err != nil {
		d.Fatalf(t, "pod %q: %v", name, err)
	}
	p := machine.Pod{Name: name, Type: kind, Index: n, Bound: true}
	d.ScanArgs(t, "host", &p.Host)
	if d.HasArg("state") {
		var state string
		d.ScanArgs(t, "state", &state)
		p.Task = &machine.PodTask{ID: name + "__1", Address: p.Host, State: machine.TaskState(state)}
	}
	s.cluster.Pods = append(s.cluster.Pods, p)
	return "ok"
}

func (s *story) survey(t *testing.T) string {
	var b strings.Builder
	survey := s.service(t).Survey(s.cluster.Hosts)
	for _, w := range survey.Pods {
		fmt.Fprintf(&b, "wanted: %s\n", strings.TrimSpace(w.Type+" "+w.Host))
	}
	for _, h := range survey.Missing {
		fmt.Fprintf(&b, "missing (%s, %s, need %s, have %s): %s\n", h.Code, h.Subject, h.Need, h.Have, h.Text)
	}
	for _, h := range survey.Warnings {
		fmt.Fprintf(&b, "warning (%s, %s): %s\n", h.Code, h.Subject, h.Text)
	}
	return b.String()
}

func (s *story) phases(t *testing.T) string {
	var b strings.Builder
	for _, p := range s.service(t).Phases() {
		fmt.Fprintf(&b, "%s: %v, %s, after %v\n", p.Name, p.PodTypes, p.Strategy, p.After)
	}
	return b.String()
}

// task renders the task of a pod that the story has.
func (s *story) task(t *testing.T, d *datadriven.TestData) string {
	service := s.service(t)
	for _, p := range s.cluster.Pods {
		if p.Name != d.CmdArgs[0].Key {
			continue
		}
		task, err := service.Task(p, machine.Place{Host: p.Host, Hostname: p.Host, Address: p.Host}, s.cluster)
		if err != nil {
			return "error: " + err.Error()
		}
		return showRequirement(service.Requirement(p)) + show(task)
	}
	return "no such pod"
}

func (s *story) message(t *testing.T, d *datadriven.TestData) string {
	for _, h := range s.cluster.Hosts {
		if h.Key == d.CmdArgs[0].Key {
			message := string(s.service(t).Message(h, podsOn(s.cluster, h.Key)))
			if message == "" {
				return "nothing"
			}
			return strings.ReplaceAll(message, "},{", "},\n{")
		}
	}
	return "no such host"
}

func showRequirement(r offers.Requirement) string {
	var b strings.Builder
	fmt.Fprintf(&b, "requirement: %s on %q, cpus %s, mem %s, disk %s", r.Subject, r.Host, decimal(r.CPUs), decimal(r.Mem), decimal(r.Disk))
	if !r.Executor.IsZero() {
		fmt.Fprintf(&b, ", executor %s", r.Executor)
	}
	for _, p := range r.Ports {
		fmt.Fprintf(&b, ", %s %d", p.Name, p.Number)
		if p.Unmanaged {
			b.WriteString(" unmanaged")
		}
	}
	return b.String() + "\n"
}

func show(task offers.Task) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\n", task.Name)
	if task.Executor == nil {
		showCommand(&b, task.Command)
		showContainer(&b, task.Container)
	}
	if task.KillGrace != 0 {
		fmt.Fprintf(&b, "kill grace: %v\n", task.KillGrace)
	}
	if task.Discovery != nil {
		fmt.Fprintf(&b, "discovery: %+v\n", *task.Discovery)
	}
	fmt.Fprintf(&b, "labels: %v\n", task.Labels)
	if e := task.Executor; e != nil {
		fmt.Fprintf(&b, "executor: id %q, name %s, source %s\n", e.ID, e.Name, e.Source)
		showCommand(&b, e.Command)
		showContainer(&b, e.Container)
	}
	return b.String()
}

func showCommand(b *strings.Builder, c offers.Command) {
	fmt.Fprintf(b, "command: shell %t, user %q: %s\n", c.Shell, c.User, c.Value)
	for _, v := range c.Env {
		fmt.Fprintf(b, "  %s=%s\n", v.Name, v.Value)
	}
	for _, u := range c.URIs {
		fmt.Fprintf(b, "  fetches %+v\n", u)
	}
}

func showContainer(b *strings.Builder, c *offers.Container) {
	if c != nil {
		fmt.Fprintf(b, "container: %+v\n", *c)
	}
}

func podsOn(c machine.Cluster, host string) []machine.Pod {
	var pods []machine.Pod
	for _, p := range c.Pods {
		if p.Host == host {
			pods = append(pods, p)
		}
	}
	return pods
}
