package offers

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// onlyHost is a host with enough of everything.
func onlyHost() Offer {
	return Offer{ID: "O1", AgentID: "S1", Role: "dev", Address: "10.0.0.1", Site: Site{Host: "h1", Hostname: "h1.example.com", Zone: "z1"},
		Free: Quantities{CPUs: 8000, Mem: 8192000, Disk: 1e6, Ports: []Range{{31000, 31010}}}}
}

func placed(t *testing.T, r Requirement) *Placement {
	t.Helper()
	res := Place(Round{Requirements: []Requirement{r}, Offers: []Offer{onlyHost()}})[0]
	if res.Placement == nil {
		t.Fatal(Explain(r, res))
	}
	return res.Placement
}

// What placement decides reaches the task: its agent, resources, and ports by all the ways in which it is told of them.
func TestLaunchCompletesTheTask(t *testing.T) {
	r := Requirement{Subject: "api-0", CPUs: 1000, Ports: []Port{
		{Name: "rpc", EnvKey: "PORT_RPC", Discover: true, Protocol: "tcp", Labels: []Label{{"VIP_0", "/api:80"}}},
		{Name: "http", Number: 31005, ContainerPort: 80},
		{Name: "quiet"},
	}}
	task := Task{
		ID: "t1", Command: Command{Env: []Var{{"A", "1"}}}, Container: &Container{Image: "i", Network: BridgeNetwork},
		Discovery: &Discovery{Name: "api", Ports: []DiscoveryPort{{Name: "fixed", Number: 1}}},
	}
	p := placed(t, r)
	op := p.Launch(task)
	want := task
	want.AgentID = "S1"
	want.Resources = Resources{
		{Name: "cpus", Scalar: 1000, Role: "dev"},
		{Name: "ports", Type: Ranges, Ranges: []Range{{31000, 31001}, {31005, 31005}}, Role: "dev"},
	}
	want.Command.Env = []Var{{"A", "1"}, {"PORT_RPC", "31000"}}
	want.Container = &Container{Image: "i", Network: BridgeNetwork, PortMappings: []PortMapping{{HostPort: 31005, ContainerPort: 80}}}
	want.Discovery = &Discovery{Name: "api", Ports: []DiscoveryPort{
		{Name: "fixed", Number: 1}, {Name: "rpc", Number: 31000, Protocol: "tcp", Labels: []Label{{"VIP_0", "/api:80"}}},
	}}
	if op.Type != Launch || len(op.Tasks) != 1 {
		t.Fatalf("operation %+v", op)
	}
	if diff := gocmp.Diff(want, op.Tasks[0]); diff != "" {
		t.Errorf("task (-want +got):\n%s", diff)
	}
	if len(task.Command.Env) != 1 || len(task.Container.PortMappings) != 0 || len(task.Discovery.Ports) != 1 || task.AgentID != "" {
		t.Errorf("the task that was handed in has changed: %+v", task)
	}
	if p.Address != "10.0.0.1" || p.Hostname != "h1.example.com" || p.Zone != "z1" {
		t.Errorf("place %+v", p)
	}
}

// A custom executor does the work: it gets its part of the resources, and is told of the ports.
func TestLaunchCompletesTheExecutor(t *testing.T) {
	r := Requirement{Subject: "prober-0", CPUs: 10, Mem: 1000, Executor: Quantities{CPUs: 90, Mem: 255000, Disk: 150000},
		Ports: []Port{{Name: "http", EnvKey: "PORT_HTTP", Discover: true}}}
	executor := &Executor{ID: "e", Command: Command{Value: "x"}}
	got := placed(t, r).Launch(Task{Executor: executor}).Tasks[0]
	want := Task{
		AgentID: "S1",
		Resources: Resources{
			{Name: "cpus", Scalar: 10, Role: "dev"}, {Name: "mem", Scalar: 1000, Role: "dev"},
			{Name: "ports", Type: Ranges, Ranges: []Range{{31000, 31000}}, Role: "dev"},
		},
		Executor: &Executor{ID: "e", Command: Command{Value: "x", Env: []Var{{"PORT_HTTP", "31000"}}}, Resources: Resources{
			{Name: "cpus", Scalar: 90, Role: "dev"}, {Name: "mem", Scalar: 255000, Role: "dev"}, {Name: "disk", Scalar: 150000, Role: "dev"},
		}},
		Discovery: &Discovery{Ports: []DiscoveryPort{{Name: "http", Number: 31000}}},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("task (-want +got):\n%s", diff)
	}
	if executor.Resources != nil || executor.Command.Env != nil {
		t.Errorf("the executor that was handed in has changed: %+v", executor)
	}
}

// What is on offer and carries a pod's claim is its own; what it holds is in no task's use.
func TestReservedAndOwned(t *testing.T) {
	ours := Claim{Service: "quobyte", Framework: "F", ID: "c1"}
	theirs := Claim{Service: "other", Framework: "F", ID: "c1"}
	offer := onlyHost()
	offer.Rest = append(offer.Rest, plainResources(Quantities{CPUs: 500, Ports: []Range{{1, 2}}}, "dev", []Reservation{ours.reservation("a-0", "dev")})...)
	offer.Rest = append(offer.Rest, plainResources(Quantities{CPUs: 300}, "dev", []Reservation{theirs.reservation("a-0", "dev")})...)
	offer.Rest = append(offer.Rest, plainResources(Quantities{CPUs: 200}, "dev", []Reservation{ours.reservation("b-0", "dev")})...)
	second := Offer{ID: "O2", Rest: plainResources(Quantities{CPUs: 100}, "dev", []Reservation{ours.reservation("a-0", "dev")})}
	if got := Reserved([]Offer{offer, second}, "a-0", ours); !got.Equal(Quantities{CPUs: 600, Ports: []Range{{1, 2}}}) {
		t.Errorf("reserved for a-0: %s", got)
	}
	if diff := gocmp.Diff([]Owned{{"a-0", "c1"}, {"b-0", "c1"}}, offer.Owned("quobyte")); diff != "" {
		t.Errorf("owned (-want +got):\n%s", diff)
	}
}
