package cluster

import (
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// AgentConfig describes an agent at registration.
type AgentConfig struct {
	ID         string // that it had before, and kept; "" for a new one. Must not be that of another agent
	Hostname   string
	IP         string // of the agent; tasks are told to be reachable there
	Port       int
	Resources  []mesos.Resource // what it has, reservations, disks and volumes included; see CheckResources
	Attributes []mesos.Attribute
	Domain     *mesos.DomainInfo
}

// agent is one machine of the cluster, as the master sees it and as it is. The two differ while messages between them
// are lost; see linked.
type agent struct {
	id         string // "" before it registered for the first time
	hostname   string
	ip         string
	port       int
	attributes []mesos.Attribute
	domain     *mesos.DomainInfo

	// What the master knows. A new master knows nothing of it.
	member        bool // registered, and neither removed nor given up
	connected     bool // of a member: its connection is there
	registered    time.Time
	reregistered  time.Time
	unreachableAt time.Time // when it will have missed too many pings; zero if it answers them
	giveUpAt      time.Time // of a member without a connection: when it should have registered again
	total         Resources
	used          Resources
	offered       Resources

	// What the agent has. It outlives the master.
	owned      Resources                    // with its reservations and volumes
	configured []mesos.Resource             // without them
	executors  ordered[*executorRun]        // by executorKey
	ended      []*executorRun               // the last of those before, for StateOf alone
	tasks      ordered[*task]               // by taskKey; until their end is acknowledged
	updates    ordered[*updates]            // by taskKey
	operations []*operation                 // whose success was not acknowledged, in their order
	unheard    []mesos.Offer_Operation_Type // of operations that were lost: the master waits for them
	expected   map[string]bool              // executors, by executorKey, whose launch was lost: the master believes that they run

	up          bool          // its process runs
	restyled    bool          // started with other attributes than the master knows
	recovering  time.Time     // until when it finds out what it had; executors have to wait
	recovered   time.Time     // until when it waits for its executors: they may subscribe, and it takes nothing else from them
	partitioned bool          // no message passes between it and the master
	severedAt   time.Time     // when the last partition began
	severed     bool          // as partitioned, and still so until it has registered again
	drain       *Drain        // it is being emptied
	registerAt  time.Time     // when it presents itself to the master; zero if it is registered, or can't
	backoff     time.Duration // how long after the beginning of the next master it does so, at least
	// What was sent into a partition and is still on its way.
	toExecutors, toFrameworks []heldMessage

	former  string   // the id that it had before this one, if any
	handles []string // all the ids that it had before
}

// AddAgent registers an agent and offers its resources at once. Without a leading master it registers with the next one,
// and a new agent gets its id then.
func (c *Cluster) AddAgent(now time.Time, cfg AgentConfig) (id string, effects []Effect) {
	c.begin(now, Entry{Name: "AddAgent", Agent: cfg.ID, About: about(c, cfg)})
	a := &agent{
		id: cfg.ID, hostname: cfg.Hostname, ip: cfg.IP, port: cfg.Port,
		attributes: cfg.Attributes, domain: cfg.Domain,
		owned: parseResources(cfg.Resources), up: true,
	}
	a.configured = configured(a.owned).wire(resourceForm{refined: true})
	c.hosts = append(c.hosts, a)
	if !c.leads() {
		c.outcome(Entry{Agent: a.id})
		return a.id, c.end()
	}
	if a.id == "" {
		a.id = c.nextAgentID()
	}
	c.join(a)
	c.registered()
	c.allocate([]*agent{a})
	c.outcome(Entry{Agent: a.id})
	return a.id, c.end()
}

func (a *agent) free() Resources { return a.total.minus(a.used).minus(a.offered) }

// pid is how processes of Mesos address an agent.
func (a *agent) pid() string { return fmt.Sprintf("slave(1)@%s:%d", a.ip, a.port) }

// text is how a master names an agent in its messages.
func (a *agent) text() string {
	return fmt.Sprintf("%s at %s (%s)", a.id, a.pid(), a.hostname)
}

func (a *agent) url() *mesos.URL {
	hostname, ip, path := a.hostname, a.ip, "/slave(1)"
	return &mesos.URL{
		Scheme:  "http",
		Address: mesos.Address{Hostname: &hostname, IP: &ip, Port: int32(a.port)},
		Path:    &path,
	}
}

func (a *agent) info() mesos.AgentInfo {
	port := int32(a.port)
	return mesos.AgentInfo{
		ID: &mesos.AgentID{Value: a.id}, Hostname: a.hostname, Port: &port,
		Resources: a.total.wire(resourceForm{refined: true}), Attributes: a.attributes,
	}
}
