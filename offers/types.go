package offers

// Milli is an amount in thousandths: Mesos keeps scalars with three decimals (reference: fixed-point ×1000).
type Milli int64

// Range is a range of port numbers, both ends included.
type Range struct {
	Begin uint64 `json:"begin"`
	End   uint64 `json:"end"`
}

// Quantities are amounts of what Mesos calls cpus, mem (MB), disk (MB, on the root disk) and ports. Ports are sorted and
// do not touch.
type Quantities struct {
	CPUs  Milli   `json:"cpus,omitempty"`
	Mem   Milli   `json:"mem,omitempty"`
	Disk  Milli   `json:"disk,omitempty"`
	Ports []Range `json:"ports,omitempty"`
}

// Offer is one Mesos offer: what one agent has free for one role.
type Offer struct {
	ID       string
	AgentID  string
	Hostname string
	// Host is the key of the host that the agent is: its hostname, or the value of the attribute that the operator named.
	Host string
	// Address is the agent's own IP address (offer.url.address.ip), the hostname if there was none.
	Address    string
	Role       string
	Attributes map[string]string
	// Free holds the unreserved part of the offer, without disks that have a source.
	Free Quantities
	// Unavailable says that the agent is scheduled for maintenance.
	Unavailable bool
}

// Port is a port that a requirement asks for.
type Port struct {
	Name   string
	Number uint64
	// Unmanaged ports are used on the host's network without asking Mesos for them; stock agents do not offer low ports.
	Unmanaged bool
}

// Requirement is what one pod needs.
type Requirement struct {
	// Subject names the pod, for the words of refusals.
	Subject string
	// Host is the only host that will do; empty if any will.
	Host            string
	CPUs, Mem, Disk Milli
	Ports           []Port
}

// Placement is where a requirement fits: all of Take comes from the offers named, which are of one agent and role.
//
// Placements of one round that name the same agent and role share offers and belong into one ACCEPT (see Group): a later
// one goes on with what the earlier ones left, and names their offers too. An earlier one may be dropped, and so may a
// later one: what remains still fits the offers that it names.
type Placement struct {
	Host, Hostname, Address, AgentID, Role string
	OfferIDs                               []string // sorted
	Take                                   Quantities
}

// Result answers one requirement: a placement, or the reasons why there is none.
type Result struct {
	Placement *Placement
	// Refusals says of each host, in the order of host keys, everything that it lacks. It ends after MaxRefusals; Refused is
	// how many there are in all.
	Refusals []Refusal
	Refused  int
	// Hosts is how many hosts were asked: all on offer, or only the one to which the requirement is bound.
	Hosts int
	// Summary counts the hosts of each kind of refusal, most hosts first. A host that lacks two things counts in two.
	Summary []Tally
}

// MaxRefusals is how many refusals a result holds at most.
const MaxRefusals = 20

// Tally is a kind of refusal and on how many hosts it was met. Host is the first of them.
type Tally struct {
	Refusal
	Hosts int
	// Mixed says that Have is not the same on all of them: then it is the largest amount, or the ports of the first host.
	Mixed bool
}

// Code identifies a kind of refusal.
type Code string

// The codes of refusals.
const (
	CodeNoOffer     Code = "no-offer"    // nothing on offer (from that host, if it is bound to one)
	CodeOtherHost   Code = "other-host"  // the requirement is bound to another host; only in summaries
	CodeScalar      Code = "scalar"      // too little cpus, mem or disk
	CodePorts       Code = "ports"       // a port is not on offer
	CodePortClash   Code = "port-clash"  // an unmanaged port is used by another pod of ours on the host
	CodeMaintenance Code = "maintenance" // the agent is scheduled for maintenance
)

// Refusal is a typed "no" of one host to one requirement.
type Refusal struct {
	Code     Code
	Host     string
	Resource string // cpus, mem, disk, ports; empty if it is not about a resource
	// Need is an amount, or the ports that are missing or in use. Have is an amount, or the ports on offer.
	Need string
	Have string
}
