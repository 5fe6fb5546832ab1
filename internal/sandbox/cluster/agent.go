package cluster

import (
	"cmp"
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

// agent is one machine of the cluster, as the master sees it and as it sees itself.
type agent struct {
	id         string
	hostname   string
	ip         string
	port       int
	attributes []mesos.Attribute
	domain     *mesos.DomainInfo
	registered time.Time
	total      Resources
	used       Resources
	offered    Resources
	executors  ordered[*executorRun] // by executorKey
}

// AddAgent registers an agent and offers its resources at once.
func (c *Cluster) AddAgent(now time.Time, cfg AgentConfig) (id string, effects []Effect) {
	c.begin(now)
	a := &agent{
		id:       cmp.Or(cfg.ID, fmt.Sprintf("%s-S%d", c.cfg.MasterID, len(c.agents))),
		hostname: cfg.Hostname, ip: cfg.IP, port: cfg.Port,
		attributes: cfg.Attributes, domain: cfg.Domain,
		registered: c.now,
		total:      parseResources(cfg.Resources),
	}
	c.agents = append(c.agents, a)
	c.tellAgentAdded(a)
	c.allocate([]*agent{a})
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
