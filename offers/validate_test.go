package offers

import (
	"strings"
	"testing"
	"time"
)

// good is a requirement with a bit of everything, and nothing wrong.
func good() Requirement {
	return Requirement{
		Subject: "data-0", PodType: "data", CPUs: 1000, Mem: 512000, Executor: Quantities{CPUs: 100},
		PortBase: PortBase{Number: 21000},
		Ports: []Port{
			{Name: "rpc", Number: 4, Offset: true, EnvKey: "PORT_RPC"}, {Name: "http", Number: 8080, Protocol: "tcp", Unmanaged: true},
			{Name: "any", EnvKey: "PORT_ANY"}, {Name: "some", Unmanaged: true, Ranges: []Range{{1025, 2025}}},
		},
		Volumes: []Volume{
			{Name: "meta", Type: RootVolume, Size: 1000, ContainerPath: "meta"},
			{Name: "disk", Type: MountVolume, Root: "/mnt/d1", Profiles: []string{"ssd"}, ContainerPath: "disk"},
		},
		Claim: &Claim{Service: "quobyte", Framework: "F", ID: "c1", Held: Quantities{CPUs: 1100}},
		Roles: []string{"dev", "ops"},
		Task:  Task{Container: &Container{Type: MesosContainer, Volumes: []HostVolume{{HostPath: "/a", ContainerPath: "/b"}}}},
	}
}

func TestValidate(t *testing.T) {
	if err := good().Validate(); err != nil {
		t.Errorf("a good requirement: %v", err)
	}
	for _, test := range []struct {
		spoil func(*Requirement)
		want  string
	}{
		{func(r *Requirement) { r.CPUs = -1 }, `cpus -0.001: allowed is a number from 0`},
		{func(r *Requirement) { r.Mem = maxMilli + 1 }, `mem 1000000000000.001: allowed is`},
		{func(r *Requirement) { r.Executor.Disk = -1000 }, `executor disk -1: allowed is`},
		{func(r *Requirement) { r.Executor.Ports = []Range{{1, 1}} }, `executor ports 1: allowed are ports of the requirement only`},
		{func(r *Requirement) { *r = Requirement{Subject: "data-0"} }, `nothing is needed of Mesos`},
		{func(r *Requirement) { r.Ports[0].Name = "" }, `port 1 of 4: name is empty`},
		{func(r *Requirement) { r.Ports[0].Name = "any" }, `port "any": the name is given twice`},
		{func(r *Requirement) { r.Ports[0].EnvKey = "PORT_ANY" }, `port "any": environment variable "PORT_ANY" is another port's already`},
		{func(r *Requirement) { r.Ports[0].EnvKey = "A=B" }, `environment variable "A=B": a name has no equals sign`},
		{func(r *Requirement) { r.PortBase.Number = 65533 }, `port "rpc": number 65537: allowed are 1 to 65535`},
		{func(r *Requirement) { r.PortBase.Number = 70000 }, `port base 70000: allowed are`},
		{func(r *Requirement) { r.PortBase.Ranges = []Range{{5, 4}} }, `port base: range 5-4: allowed are`},
		{func(r *Requirement) { r.Ports[2].Ranges = []Range{{0, 4}} }, `port "any": range 0-4: allowed are`},
		{func(r *Requirement) { r.Ports[2].ContainerPort = 65536 }, `port "any": number 65536: allowed`},
		{func(r *Requirement) { r.Ports[2].ContainerPort = 80 }, `port "any": container port 80: on the host's network, or none, there is nothing to map`},
		{func(r *Requirement) { r.Ports[3].Ranges = nil }, `port "some": it takes any number without asking Mesos for it`},
		{func(r *Requirement) { r.Ports[0].Unmanaged, r.PortBase.Number = true, 0 }, `port "rpc": it counts from any base without asking`},
		{func(r *Requirement) { r.Ports[1].Protocol = "sctp" }, `port "http": protocol "sctp": allowed are tcp and udp`},
		{func(r *Requirement) { r.Claim = nil }, `volumes: without a claim`},
		{func(r *Requirement) { r.Volumes[0].Name = "a/b" }, `volume "a/b": the name has a slash`},
		{func(r *Requirement) { r.Volumes[0].Name = strings.Repeat("x", 101) }, `the name is longer than 100 bytes`},
		{func(r *Requirement) { r.Volumes[0].Name = "disk" }, `volume "disk": the name is given twice`},
		{func(r *Requirement) { r.Volumes[0].ContainerPath = "disk" }, `container path "disk": allowed is a path that no other volume has`},
		{func(r *Requirement) { r.Volumes[0].ContainerPath = "" }, `container path "": allowed`},
		{func(r *Requirement) { r.Volumes[0].Size = 0 }, `volume "meta": size 0 MB: allowed is more than zero`},
		{func(r *Requirement) { r.Volumes[1].Root = "" }, `volume "disk": size 0 MB: allowed is more than zero`},
		{func(r *Requirement) { r.Volumes[0].Root = "/x" }, `volume "meta": a path or profiles: allowed for MOUNT volumes only`},
		{func(r *Requirement) { r.Volumes[0].Type = "BLOCK" }, `volume "meta": type "BLOCK": allowed are ROOT and MOUNT`},
		{func(r *Requirement) { r.Claim.ID = "" }, `claim: id "" is empty`},
		{func(r *Requirement) { r.Claim.Service = "a\n" }, `claim: service "a\n" has a slash`},
		{func(r *Requirement) { r.Claim.Held.Mem = -1 }, `held mem -0.001: allowed`},
		{func(r *Requirement) { r.Subject = "" }, `claim: pod "" is empty`},
		{func(r *Requirement) { r.Roles = []string{"a", "a"} }, `role "a": is given twice`},
		{func(r *Requirement) { r.Roles = []string{"*"} }, `role "*": nothing can be reserved for it`},
		{func(r *Requirement) { r.Roles = []string{"a//b"} }, `role "a//b" is empty or has an empty part`},
		{func(r *Requirement) { r.Roles = []string{"a b"} }, `role "a b" contains white space`},
		{func(r *Requirement) { r.Roles = []string{"a/.."} }, `role "a/.." has the part ".."`},
		{func(r *Requirement) { r.Roles = []string{"-a"} }, `role "-a" has the part "-a", which starts with a dash`},
		{func(r *Requirement) { r.PreReserved = "*" }, `pre-reserved role "*": nothing is set aside for it`},
		{func(r *Requirement) { r.PreReserved = "/" }, `pre-reserved role "/" is empty or has an empty part`},
		{func(r *Requirement) { r.Claim.Framework = "" }, `claim: framework "" is empty`},
		{func(r *Requirement) { r.Subject = "a/b" }, `claim: pod "a/b" has a slash`},
		{func(r *Requirement) { r.Volumes[0].ContainerPath = "a/../../etc" }, `leads out of the sandbox`},
		{func(r *Requirement) {
			r.Subject = strings.Repeat("x", 99)
			r.Volumes[0].Name = strings.Repeat("y", 99)
			r.Claim.ID = strings.Repeat("z", 99)
		}, `299 bytes long; 255 are allowed`},
		{func(r *Requirement) { r.Ports[2].Number = 8080 }, `port "any": number 8080 is that of port "http", for the same protocol`},
		{func(r *Requirement) { r.Ports[2].Offset, r.Ports[2].Number = true, 4 }, `port "any": number 4 is that of port "rpc", for the same protocol`},
		{func(r *Requirement) { r.Ports[2].Number = 21004 }, `port "any": number 21004 is that of port "rpc"`},
		{func(r *Requirement) { r.Volumes[0].Prior = "a/b" }, `its persistence id "a/b" has a slash`},
		{func(r *Requirement) {
			*r = Requirement{Subject: "data-0", Executor: Quantities{CPUs: 1}, Ports: []Port{{Name: "a", Number: 1, Unmanaged: true}}}
		}, `nothing is needed of Mesos`},
		{func(r *Requirement) { *r = Requirement{CPUs: 1} }, `subject: is empty`},
		{func(r *Requirement) { r.Task.Container.Type = "FOO" }, `container: type "FOO": allowed are DOCKER and MESOS`},
		{func(r *Requirement) { r.Task.Container.PortMappings = []PortMapping{{Protocol: "sctp"}} }, `port mapping with the protocol "sctp"`},
		{func(r *Requirement) { r.Volumes = make([]Volume, 17) }, `volumes: 17; at most 16 are allowed`},
		{func(r *Requirement) { r.Task.Command.Env = []Var{{"PORT_ANY", "1"}} }, `port "any": environment variable "PORT_ANY" is set by the task already`},
		{func(r *Requirement) { r.Task.Container.Type = "" }, `container: image is empty`},
		{func(r *Requirement) { r.Task.Container.Privileged = true }, `container: privileged and parameters: allowed with the Docker containerizer only`},
		{func(r *Requirement) { r.Task.Container.Volumes[0].HostPath = "" }, `container: host volume "" at "/b": both paths are needed`},
		{func(r *Requirement) { r.Task.KillGrace = -time.Second }, `kill grace -1s: negative`},
	} {
		r := good()
		test.spoil(&r)
		err := r.Validate()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one with %q", err, test.want)
			continue
		}
		if !strings.HasPrefix(err.Error(), `requirement of "`+r.Subject+`": `) {
			t.Errorf("error does not say whose requirement it is: %v", err)
		}
	}
	bad := good()
	bad.CPUs, bad.Claim.ID, bad.Ports[0].Name = -1, "", ""
	if n := strings.Count(bad.Validate().Error(), "; requirement of"); n != 2 {
		t.Errorf("not all problems are told at once: %v", bad.Validate())
	}
}
