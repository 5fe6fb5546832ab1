package cluster_test

import (
	"strconv"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// refusedOperation is a bad operation with the text of its OPERATION_ERROR. AGENT stands for how the agent is named,
// HAVE for what was offered.
type refusedOperation struct {
	name   string
	line   string                       // as parseOperation reads it
	change func(*mesos.Offer_Operation) // what can't be written there, or nil
	want   string
}

// The first part are those of the recordings of a real master, with its texts; the texts of the second are Mesos' own as
// far as they are known.
func refusedOperations() []refusedOperation {
	const onAgent = "; on agent AGENT"
	const badForm = "Operation attempted with invalid resources: "
	return []refusedOperation{
		{"another principal", "reserve cpus(dev,other):1", nil, "A reserve operation was attempted by authenticated principal 'p1', which does not match a reserved resource in the request with principal 'other'" + onAgent},
		{"no principal", "reserve cpus(dev,):1", nil, "A reserve operation was attempted by principal 'p1', but there is a reserved resource in the request with no principal set" + onAgent},
		{"another role", "reserve cpus(zzz,p1):1", nil, "A reserve operation was attempted for a resource with role 'zzz', but the resource was allocated to role 'dev'" + onAgent},
		{"sub-role", "reserve cpus(dev,p1)(dev/sub,p1):1", nil, "A reserve operation was attempted for a resource with role 'dev/sub', but the resource was allocated to role 'dev'" + onAgent},
		{"role *", "reserve cpus(*,p1):1", allocated("dev"), badForm + `Resource 'cpus(allocated: dev)(reservations: [(DYNAMIC,*,p1)]):1' is invalid: Invalid reservation: role "*" cannot be reserved`},
		{"more than offered", "reserve cpus(dev,p1):100", nil, "HAVE does not contain cpus(allocated: dev):100"},
		{"a part of a MOUNT disk", "reserve disk(dev,p1)[MOUNT:/m1]:10", nil, "HAVE does not contain disk(allocated: dev)[MOUNT:/m1]:10"},
		{"a volume of unreserved disk", "create disk[x:d]:10", nil, "Invalid resources: Invalid DiskInfo: Persistent volumes cannot be created from unreserved resources" + onAgent},
		{"a known persistence id", "create disk(dev,p1)[v1:data]:32", nil, "Persistence ID 'v1' is not unique" + onAgent},
		{"a volume to read only", "create disk(dev,p1)[v8:d:RO]:8", nil, "Not a persistent volume: Read-only persistent volume not supported" + onAgent},
		{"a volume in use", "destroy disk(dev,p1)[used:data]:16", nil, "Persistent volumes in use" + onAgent},
		{"what is in use", "unreserve disk(dev,p1):64", nil, "HAVE does not contain disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):64"},
		{"unreserve a volume", "unreserve disk(dev,p1)[v1:data]:64", nil, "A dynamically reserved persistent volume disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[v1:data]:64 cannot be unreserved directly. Please destroy the persistent volume first then unreserve the resource" + onAgent},
		{"a volume of another size", "destroy disk(dev,p1)[v1:data]:63", nil, "Persistent volumes not found" + onAgent},
		{"unreserve what is not reserved", "unreserve cpus:1", nil, "Resource cpus(allocated: dev):1 is not dynamically reserved" + onAgent},

		{"a static reservation", "reserve cpus(dev):1", nil, "Resource cpus(allocated: dev)(reservations: [(STATIC,dev)]):1 is not dynamically reserved" + onAgent},
		{"unreserve a static reservation", "unreserve mem(dev):64", nil, "Resource mem(allocated: dev)(reservations: [(STATIC,dev)]):64 is not dynamically reserved" + onAgent},
		{"an allocation to another role", "reserve cpus(zzz,p1):1", allocated("zzz"), "A reserve operation was attempted for a resource allocated to role 'zzz', but the framework only has roles '{ dev }'" + onAgent},
		{"nothing", "reserve", nil, "Invalid resources: The resources have multiple resource providers: " + onAgent},
		{"no amount of that kind", "reserve cpus(dev,p1):-1", nil, badForm + "Resource 'cpus(reservations: [(DYNAMIC,dev,p1)]):-1' is invalid: Invalid scalar resource: value <= 0"},
		{"a static refinement", "reserve cpus(dev)(dev/sub):1", nil, badForm + "Resource 'cpus(reservations: [(STATIC,dev),(STATIC,dev/sub)]):1' is invalid: Invalid refined reservation: A refined reservation cannot be STATIC"},
		{"a refinement to the side", "reserve cpus(dev,p1)(ops,p1):1", nil, badForm + "Resource 'cpus(reservations: [(DYNAMIC,dev,p1),(DYNAMIC,ops,p1)]):1' is invalid: Invalid refined reservation: role 'ops' is not a refinement of 'dev'"},
		{"a wrong role", "reserve cpus(dev//x,p1):1", nil, badForm + "Resource 'cpus(reservations: [(DYNAMIC,dev//x,p1)]):1' is invalid: Role 'dev//x' cannot contain two adjacent slashes"},
		{"a disk that is none", "reserve mem(dev,p1)[MOUNT:/m1]:1", nil, badForm + "Resource 'mem(reservations: [(DYNAMIC,dev,p1)])[MOUNT:/m1]:1' is invalid: DiskInfo should not be set for mem resource"},
		{"an empty DiskInfo", "reserve disk(dev,p1)[]:1", nil, "Invalid resources: Invalid DiskInfo: DiskInfo is set but empty" + onAgent},
		{"twice one persistence id", "create disk(dev,p1)[v5:a]:8 disk(dev,p1)[v5:b]:8", nil, "Persistence ID 'v5' is not unique" + onAgent},
		{"a slash in a persistence id", "create disk(dev,p1)[a/b:data]:8", nil, "Invalid resources: Invalid DiskInfo: Invalid persistence ID for persistent volume: 'a/b' contains invalid characters" + onAgent},
		{"no volume", "create disk(dev,p1)[v5]:8", nil, "Invalid resources: Invalid DiskInfo: Expecting 'volume' to be set for persistent volume" + onAgent},
		{"no persistence", "create disk(dev,p1):8", nil, "Not a persistent volume: Resource disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):8 does not have DiskInfo" + onAgent},
		{"a place on the host", "create disk(dev,p1)[v5:data]:8", onHost, "Invalid resources: Invalid DiskInfo: Expecting 'host_path' to be unset for persistent volume" + onAgent},
		{"a volume of another's", "create disk(dev,p1)[v5:data]:8", persistedBy("p2"), "Create volume operation attempted by authenticated principal 'p1', which does not match a volume in the operation with principal 'p2' set in 'disk.persistence'" + onAgent},
		{"a volume of nobody's", "create disk(dev,p1)[v5:data]:8", persistedBy(""), "Create volume operation attempted by principal 'p1', but there is a volume in the operation with no principal set in 'disk.persistence'" + onAgent},
		{"a shared volume", "create disk(dev,p1)[v5:data]:8", shared, "Create volume operation for 'disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[v5:data]<SHARED>:8' has been attempted by framework 'M-0000' with no SHARED_RESOURCES capability" + onAgent},
		{"a part of a MOUNT disk as volume", "create disk(dev,p1)[MOUNT:/m2,v5:data]:8", nil, "HAVE does not contain disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[MOUNT:/m2]:8"},
		{"a volume that never was", "destroy disk(dev,p1)[v99:data]:8", nil, "Persistent volumes not found" + onAgent},
		{"destroy a disk", "destroy disk(dev,p1):8", nil, "Not a persistent volume: Resource disk(reservations: [(DYNAMIC,dev,p1)]):8 does not have DiskInfo" + onAgent},
		{"grow by nothing", "grow disk(dev,p1)[v1:data]:64 by disk(dev,p1):0", nil, "The size of 'GrowVolume.addition' field must be greater than zero" + onAgent},
		{"grow by something else", "grow disk(dev,p1)[v1:data]:64 by disk:8", nil, "Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields" + onAgent},
		{"grow a MOUNT disk", "grow disk(dev,p1)[MOUNT:/m2,v5:data]:64 by disk(dev,p1)[MOUNT:/m2]:8", nil, "Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields" + onAgent},
		{"grow what is no volume", "grow disk(dev,p1):64 by disk(dev,p1):8", nil, "Invalid persistent volume in the 'GrowVolume.volume' field: Resource disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):64 does not have DiskInfo" + onAgent},
		{"grow by too much", "grow disk(dev,p1)[v1:data]:64 by disk(dev,p1):800", nil, "Invalid GROW_VOLUME operation: HAVE does not contain disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[v1:data]:64; disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):800"},
		{"grow a volume of no size", "grow disk(dev,p1)[v1:data]:0 by disk(dev,p1):8", nil, "Persistent volumes not found" + onAgent},
		{"shrink by nothing", "shrink disk(dev,p1)[v1:data]:64 by 0", nil, "Value of 'ShrinkVolume.subtract' must be greater than zero" + onAgent},
		{"shrink by all", "shrink disk(dev,p1)[v1:data]:64 by 64", nil, "Value of 'ShrinkVolume.subtract' must be smaller than the size of 'ShrinkVolume.volume'" + onAgent},
		{"shrink a MOUNT disk", "shrink disk(dev,p1)[MOUNT:/m2,v5:data]:64 by 8", nil, "Shrinking a volume on a MOUNT disk is not supported" + onAgent},
		{"shrink what is in use", "shrink disk(dev,p1)[used:data]:16 by 8", nil, "Invalid SHRINK_VOLUME operation: HAVE does not contain disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[used:data]:16"},
		{"a disk of a provider", "reserve cpus(dev,p1):1", createDisk, "'source' is not managed by a resource provider" + onAgent},
		{"several providers", "reserve cpus(dev,p1):1 cpus(dev,p1):1", provided, "Invalid resources: Some resources have a resource provider and some do not" + onAgent},
		{"both forms that differ", "reserve cpus(dev,p1):1", oldRole("ops"), badForm + "Resource 'cpus(reservations: [(DYNAMIC,dev,p1)]):1' is invalid: Invalid resource format: 'Resource.role' field with 'ops' does not match the role 'dev' in 'Resource.reservations'"},
	}
}

func allocated(role string) func(*mesos.Offer_Operation) {
	return func(op *mesos.Offer_Operation) {
		op.Reserve.Resources[0].AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
	}
}

func persistedBy(principal string) func(*mesos.Offer_Operation) {
	return func(op *mesos.Offer_Operation) {
		persistence := op.Create.Volumes[0].Disk.Persistence
		if persistence.Principal = &principal; principal == "" {
			persistence.Principal = nil
		}
	}
}

func oldRole(role string) func(*mesos.Offer_Operation) {
	return func(op *mesos.Offer_Operation) { op.Reserve.Resources[0].Role = &role }
}

func onHost(op *mesos.Offer_Operation) {
	path := "/etc"
	op.Create.Volumes[0].Disk.Volume.HostPath = &path
}

func shared(op *mesos.Offer_Operation) { op.Create.Volumes[0].Shared = &mesos.Resource_SharedInfo{} }

func provided(op *mesos.Offer_Operation) {
	op.Reserve.Resources[1].ProviderID = &mesos.ResourceProviderID{Value: "r"}
}

func createDisk(op *mesos.Offer_Operation) {
	op.Type = mesos.Offer_Operation_CREATE_DISK
	op.CreateDisk = &mesos.Offer_Operation_CreateDisk{Source: op.Reserve.Resources[0]}
}

// TestRefusedOperations gives every one of them to a fresh cluster twice: with an id, when its framework is told why, and
// without one, when there is silence. Either way the agent keeps what it has.
func TestRefusedOperations(t *testing.T) {
	for _, refused := range refusedOperations() {
		t.Run(refused.name, func(t *testing.T) {
			for _, id := range []string{"", "id=op "} {
				s, offer := refusingStory(t)
				kind, rest, _ := strings.Cut(refused.line, " ")
				op, err := parseOperation(kind+" "+id+rest, "M-S0")
				if err != nil {
					t.Fatal(err)
				}
				if refused.change != nil {
					refused.change(&op)
				}
				before := s.c.Snapshot().Agents[0].Total.String()
				s.out.Reset()
				if err := s.acceptAll(offer, op); err != nil {
					t.Fatal(err)
				}
				want := ""
				if id != "" {
					text := strings.NewReplacer("AGENT", "M-S0 at slave(1)@127.0.1.1:5051 (127.0.1.1)", "HAVE", s.have).Replace(refused.want)
					want = "A <- UPDATE_OPERATION_STATUS op OPERATION_ERROR " + strconv.Quote(text) + "\n"
				}
				if got := s.out.String(); got != want {
					t.Errorf("id %q:\n got %s\nwant %s", id, got, want)
				}
				if after := s.c.Snapshot().Agents[0].Total.String(); after != before {
					t.Errorf("the agent had %s, and has %s", before, after)
				}
			}
		})
	}
}

// refusing is a cluster with one of everything: a MOUNT disk that is reserved and one that is not, a volume that is
// offered and one in use.
type refusing struct {
	*story
	have string // what is offered, as a master prints it
}

func refusingStory(t *testing.T) (refusing, string) {
	t.Helper()
	s := newStory()
	resources, err := parseNotation(strings.Fields("cpus:4 mem:1024 disk:1000 mem(dev):64 disk(dev,p1):50 " +
		"disk(dev,p1)[v1:data]:64 disk(dev,p1)[used:data]:16 disk[MOUNT:/m1]:64 disk(dev,p1)[MOUNT:/m2]:64"))
	if err != nil {
		t.Fatal(err)
	}
	s.c.AddAgent(s.now, cluster.AgentConfig{Hostname: "127.0.1.1", IP: "127.0.1.1", Port: 5051, Resources: resources})
	principal := "p1"
	stream, effects := s.c.Subscribe(s.now, &scheduler.Call{Type: scheduler.Call_SUBSCRIBE,
		Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &mesos.FrameworkInfo{
			User: "root", Name: "A", Principal: &principal, Roles: []string{"dev"},
			Capabilities: []mesos.FrameworkInfo_Capability{
				{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
				{Type: mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT},
			},
		}}})
	s.streams["A"], s.names[stream] = stream, "A"
	s.show(effects)
	launch, err := parseOperation("launch user cpus:0.1 mem:32 disk(dev,p1)[used:data]:16", "M-S0")
	if err != nil {
		t.Fatal(err)
	}
	r := refusing{story: s}
	if err := r.acceptAll("M-O0", launch); err != nil {
		t.Fatal(err)
	}
	s.now = s.c.NextWake()
	s.show(s.c.Tick(s.now))
	const have = "cpus(allocated: dev):3.9; mem(allocated: dev):992; disk(allocated: dev):1000; " +
		"mem(allocated: dev)(reservations: [(STATIC,dev)]):64; disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):50; " +
		"disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[v1:data]:64; disk(allocated: dev)[MOUNT:/m1]:64; " +
		"disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[MOUNT:/m2]:64"
	r.have = have
	return r, "M-O1"
}

func (r refusing) acceptAll(offer string, ops ...mesos.Offer_Operation) error {
	refuse := 0.0
	return r.do("A", &scheduler.Call{
		Type: scheduler.Call_ACCEPT, FrameworkID: &mesos.FrameworkID{Value: r.frameworks["A"]},
		Accept: &scheduler.Call_Accept{
			OfferIDs: []mesos.OfferID{{Value: offer}}, Operations: ops, Filters: &mesos.Filters{RefuseSeconds: &refuse},
		},
	})
}
