package quobyte

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// fingerprint is what Service.Fingerprint says of a type.
func (s Settings) fingerprint(t podType) string {
	s.FrameworkURL = ""
	pod := machine.Pod{Name: t.name, Type: t.name}
	at := machine.Place{Host: hostPlaceholder, Hostname: hostPlaceholder, Address: "{address}"}
	var task offers.Task
	if t.name == Prober {
		task = s.proberTask(pod, at.Host)
	} else {
		task = s.render(t, pod, at, s.RegistryDNSName)
	}
	sum := sha256.Sum256([]byte(describe(s.requirement(t), task)))
	return hex.EncodeToString(sum[:])
}

// describe writes down what of a task makes a difference to the pod. It names each field, instead of encoding the whole
// struct: a field that a later version adds must not change the fingerprints of pods that do not use it, or an upgrade of
// the framework would restart everything.
func describe(r offers.Requirement, t offers.Task) string {
	var b strings.Builder
	describeResources(&b, offers.Quantities{CPUs: r.CPUs, Mem: r.Mem, Disk: r.Disk}, r.Ports)
	describeCommand(&b, t.Command)
	describeContainer(&b, t.Container)
	if t.KillGrace != 0 {
		fmt.Fprintf(&b, "kill grace %v\n", t.KillGrace)
	}
	for _, l := range t.Labels {
		fmt.Fprintf(&b, "label %q %q\n", l.Key, l.Value)
	}
	if d := t.Discovery; d != nil {
		fmt.Fprintf(&b, "discovery %q %q\n", d.Name, d.Version)
		for _, p := range d.Ports {
			fmt.Fprintf(&b, "discovery port %q %d\n", p.Name, p.Number)
		}
	}
	if e := t.Executor; e != nil {
		fmt.Fprintf(&b, "executor\n")
		describeResources(&b, r.Executor, nil)
		describeCommand(&b, e.Command)
		describeContainer(&b, e.Container)
	}
	return b.String()
}

func describeResources(b *strings.Builder, r offers.Quantities, ports []offers.Port) {
	fmt.Fprintf(b, "cpus %d mem %d disk %d\n", r.CPUs, r.Mem, r.Disk)
	var managed []offers.Range
	for _, p := range ports {
		if !p.Unmanaged {
			managed = append(managed, offers.Range{Begin: p.Number, End: p.Number})
		}
	}
	for _, p := range offers.Normalize(managed) {
		fmt.Fprintf(b, "ports %d-%d\n", p.Begin, p.End)
	}
}

func describeCommand(b *strings.Builder, c offers.Command) {
	fmt.Fprintf(b, "command %t %q %q\n", c.Shell, c.Value, c.Args)
	for _, v := range c.Env {
		fmt.Fprintf(b, "env %q %q\n", v.Name, v.Value)
	}
	for _, u := range c.URIs {
		fmt.Fprintf(b, "uri %q %t %t %q\n", u.Value, u.Executable, u.Cache, u.OutputFile)
	}
	if c.User != "" {
		fmt.Fprintf(b, "user %q\n", c.User)
	}
}

func describeContainer(b *strings.Builder, c *offers.Container) {
	if c == nil {
		return
	}
	fmt.Fprintf(b, "container %q %t %t\n", c.Image, c.Privileged, c.ForcePull)
	for _, v := range c.Volumes {
		fmt.Fprintf(b, "volume %q %q %t\n", v.HostPath, v.ContainerPath, v.ReadOnly)
	}
	for _, p := range c.Parameters {
		fmt.Fprintf(b, "parameter %q %q\n", p.Name, p.Value)
	}
}
