package offers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/go-multierror"
)

// Validate tells everything about a requirement that can never fit, or that Mesos would refuse.
func (r Requirement) Validate() error {
	v := validation{subject: r.Subject}
	v.quantities("", Quantities{CPUs: r.CPUs, Mem: r.Mem, Disk: r.Disk})
	v.quantities("executor ", r.Executor)
	if len(r.Executor.Ports) > 0 {
		v.fail("executor ports %s: allowed are ports of the requirement only", showRanges(r.Executor.Ports))
	}
	managed := slices.ContainsFunc(r.Ports, func(p Port) bool { return !p.Unmanaged })
	if r.CPUs+r.Mem+r.Disk == 0 && len(r.Volumes) == 0 && !managed {
		v.fail("resources: nothing is needed of Mesos; it refuses a task without any")
	}
	if r.Subject == "" {
		v.fail("subject: is empty; it is the pod's name")
	}
	v.ports(r)
	v.volumes(r)
	v.claim(r)
	v.roles(r)
	v.container(r.Task.Container)
	v.environment(r)
	if r.Task.KillGrace < 0 {
		v.fail("kill grace %v: negative; allowed is zero or more", r.Task.KillGrace)
	}
	if v.problems == nil {
		return nil
	}
	v.problems.ErrorFormat = oneLine
	return v.problems
}

type validation struct {
	subject  string
	problems *multierror.Error
}

func (v *validation) fail(format string, args ...any) {
	v.problems = multierror.Append(v.problems, fmt.Errorf("requirement of %q: "+format, append([]any{v.subject}, args...)...))
}

func (v *validation) quantities(whose string, q Quantities) {
	for _, s := range q.scalars() {
		if s.amount < 0 || s.amount > maxMilli {
			v.fail("%s%s %s: allowed is %s", whose, s.name, s.amount, allowedAmounts)
		}
	}
}

func (v *validation) ports(r Requirement) {
	seen := map[string]bool{}
	env := map[string]bool{}
	for i := range r.Ports {
		p := &r.Ports[i]
		if p.Name == "" {
			v.fail("port %d of %d: name is empty", i+1, len(r.Ports))
		}
		if seen[p.Name] {
			v.fail("port %q: the name is given twice", p.Name)
		}
		seen[p.Name] = true
		if p.EnvKey != "" && env[p.EnvKey] {
			v.fail("port %q: environment variable %q is another port's already", p.Name, p.EnvKey)
		}
		env[p.EnvKey] = true
		if strings.ContainsAny(p.EnvKey, "=\x00") {
			v.fail("port %q: environment variable %q: a name has no equals sign and no zero byte", p.Name, p.EnvKey)
		}
		v.port(r, p)
	}
	v.numbers(r)
	v.ranges("port base", r.PortBase.Ranges)
	if r.PortBase.Number > maxPort {
		v.fail("port base %d: allowed are 1 to %d", r.PortBase.Number, maxPort)
	}
}

func (v *validation) port(r Requirement, p *Port) {
	name := fmt.Sprintf("port %q", p.Name)
	v.ranges(name, p.Ranges)
	top := p.Number
	if p.Offset {
		top += r.PortBase.Number
	}
	if top > maxPort || p.ContainerPort > maxPort {
		v.fail("%s: number %d: allowed are 1 to %d", name, max(top, p.ContainerPort), maxPort)
	}
	free := !p.Offset && p.Number == 0
	if p.Unmanaged && free && len(p.Ranges) == 0 {
		v.fail("%s: it takes any number without asking Mesos for it: say from which ranges", name)
	}
	if p.Unmanaged && p.Offset && r.PortBase.Number == 0 && len(r.PortBase.Ranges) == 0 {
		v.fail("%s: it counts from any base without asking Mesos for it: say in which ranges the base may lie", name)
	}
	if p.Protocol != "" && p.Protocol != "tcp" && p.Protocol != "udp" {
		v.fail("%s: protocol %q: allowed are tcp and udp", name, p.Protocol)
	}
	if c := r.Task.Container; p.ContainerPort != 0 && c != nil && (c.Network == HostNetwork || c.Network == NoNetwork) {
		v.fail("%s: container port %d: on the host's network, or none, there is nothing to map", name, p.ContainerPort)
	}
}

// numbers finds ports that would get the same number. One number for tcp and udp is held once, and is no mistake.
func (v *validation) numbers(r Requirement) {
	for i := range r.Ports {
		p := &r.Ports[i]
		if p.Number == 0 && !p.Offset {
			continue
		}
		for _, q := range r.Ports[:i] {
			if r.fixed(&q) == r.fixed(p) && r.free(&q) == r.free(p) && cmp.Or(q.Protocol, "tcp") == cmp.Or(p.Protocol, "tcp") && (q.Number != 0 || q.Offset) {
				v.fail("port %q: number %d is that of port %q, for the same protocol", p.Name, p.Number, q.Name)
			}
		}
	}
}

// fixed is the number of a port, or its offset if the base is not fixed.
func (r Requirement) fixed(p *Port) uint64 {
	if p.Offset {
		return r.PortBase.Number + p.Number
	}
	return p.Number
}

// free says whether the port counts from a base that is not fixed.
func (r Requirement) free(p *Port) bool { return p.Offset && r.PortBase.Number == 0 }

func (v *validation) ranges(what string, ranges []Range) {
	for _, r := range ranges {
		if r.Begin == 0 || r.End > maxPort || r.End < r.Begin {
			v.fail("%s: range %d-%d: allowed are ranges from 1 to %d", what, r.Begin, r.End, maxPort)
		}
	}
}

// maxVolumes is how many volumes a pod may have: to share them out among disks is a search.
const maxVolumes = 16

func (v *validation) volumes(r Requirement) {
	if len(r.Volumes) > maxVolumes {
		v.fail("volumes: %d; at most %d are allowed", len(r.Volumes), maxVolumes)
	}
	if len(r.Volumes) > 0 && r.Claim == nil {
		v.fail("volumes: without a claim; Mesos makes volumes of reserved resources only")
	}
	var names, paths []string
	for i := range r.Volumes {
		vol := &r.Volumes[i]
		name := fmt.Sprintf("volume %q", vol.Name)
		if fault := idFault(vol.Name); fault != "" {
			v.fail("%s: the name %s", name, fault)
		}
		if fault := idFault(vol.Prior); vol.Prior != "" && fault != "" && len(vol.Prior) <= 100 {
			v.fail("%s: its persistence id %q %s", name, vol.Prior, fault)
		}
		if slices.Contains(names, vol.Name) {
			v.fail("%s: the name is given twice", name)
		}
		names = append(names, vol.Name)
		if vol.ContainerPath == "" || slices.Contains(paths, vol.ContainerPath) {
			v.fail("%s: container path %q: allowed is a path that no other volume has", name, vol.ContainerPath)
		}
		if slices.Contains(strings.Split(vol.ContainerPath, "/"), "..") {
			v.fail("%s: container path %q: leads out of the sandbox", name, vol.ContainerPath)
		}
		if r.Claim != nil {
			if id := r.Claim.PersistenceID(r.Subject, vol.Name); len(id) > 255 {
				v.fail("%s: its persistence id %q is %d bytes long; 255 are allowed", name, id, len(id))
			}
		}
		paths = append(paths, vol.ContainerPath)
		if vol.Size < 0 || vol.Size > maxMilli || vol.Size == 0 && (vol.Type == RootVolume || vol.Root == "") {
			v.fail("%s: size %s MB: allowed is more than zero; zero only for a MOUNT disk that is named by its path", name, vol.Size)
		}
		switch vol.Type {
		case MountVolume:
		case RootVolume:
			if vol.Root != "" || len(vol.Profiles) > 0 {
				v.fail("%s: a path or profiles: allowed for MOUNT volumes only", name)
			}
		default:
			v.fail("%s: type %q: allowed are %s and %s", name, vol.Type, RootVolume, MountVolume)
		}
	}
}

// idFault says why a text can't be part of an id. Mesos: no slash, no backslash, no control characters, 255 bytes at most.
func idFault(s string) string {
	switch {
	case s == "":
		return "is empty"
	case strings.ContainsFunc(s, func(r rune) bool { return r == '/' || r == '\\' || r < ' ' || r == 0x7f }):
		return "has a slash, a backslash or a control character"
	case len(s) > 100:
		return "is longer than 100 bytes"
	}
	return ""
}

func (v *validation) claim(r Requirement) {
	c := r.Claim
	if c == nil {
		return
	}
	for _, f := range []struct{ name, value string }{{"service", c.Service}, {"framework", c.Framework}, {"id", c.ID}, {"pod", v.subject}} {
		if fault := idFault(f.value); fault != "" {
			v.fail("claim: %s %q %s", f.name, f.value, fault)
		}
	}
	v.quantities("held ", c.Held)
}

func (v *validation) roles(r Requirement) {
	for i, role := range r.Roles {
		if slices.Contains(r.Roles[:i], role) {
			v.fail("role %q: is given twice", role)
		}
		if fault := RoleFault(role); fault != "" {
			v.fail("role %q %s", role, fault)
		}
		if r.Claim != nil && role == "*" {
			v.fail("role \"*\": nothing can be reserved for it")
		}
	}
	if r.PreReserved == "*" {
		v.fail("pre-reserved role \"*\": nothing is set aside for it")
	}
	if fault := RoleFault(r.PreReserved); r.PreReserved != "" && fault != "" {
		v.fail("pre-reserved role %q %s", r.PreReserved, fault)
	}
}

// RoleFault says what is wrong with a role by the rules of Mesos, and nothing if it may be used.
func RoleFault(role string) string {
	if role == "*" {
		return ""
	}
	if strings.ContainsFunc(role, func(r rune) bool { return unicode.IsSpace(r) || r < ' ' || r == 0x7f }) {
		return "contains white space or a control character"
	}
	for part := range strings.SplitSeq(role, "/") {
		switch {
		case part == "":
			return "is empty or has an empty part: parts are separated by single slashes"
		case part == "." || part == ".." || part == "*":
			return fmt.Sprintf("has the part %q, which Mesos does not allow", part)
		case strings.HasPrefix(part, "-"):
			return fmt.Sprintf("has the part %q, which starts with a dash", part)
		}
	}
	return ""
}

// environment finds variables that would be given twice, by the task and by a port.
func (v *validation) environment(r Requirement) {
	command := &r.Task.Command
	if r.Task.Executor != nil {
		command = &r.Task.Executor.Command
	}
	for _, p := range r.Ports {
		if p.EnvKey != "" && slices.ContainsFunc(command.Env, func(e Var) bool { return e.Name == p.EnvKey }) {
			v.fail("port %q: environment variable %q is set by the task already", p.Name, p.EnvKey)
		}
	}
}

func (v *validation) container(c *Container) {
	if c == nil {
		return
	}
	if c.Type != "" && c.Type != MesosContainer && c.Type != DockerContainer {
		v.fail("container: type %q: allowed are %s and %s", c.Type, DockerContainer, MesosContainer)
	}
	for _, m := range c.PortMappings {
		if m.Protocol != "" && m.Protocol != "tcp" && m.Protocol != "udp" {
			v.fail("container: port mapping with the protocol %q: allowed are tcp and udp", m.Protocol)
		}
	}
	if c.Image == "" && c.Type != MesosContainer {
		v.fail("container: image is empty; only the Mesos containerizer runs a container without one")
	}
	if c.Type == MesosContainer && (c.Privileged || len(c.Parameters) > 0) {
		v.fail("container: privileged and parameters: allowed with the Docker containerizer only")
	}
	for _, volume := range c.Volumes {
		if volume.HostPath == "" || volume.ContainerPath == "" {
			v.fail("container: host volume %q at %q: both paths are needed", volume.HostPath, volume.ContainerPath)
		}
	}
}
