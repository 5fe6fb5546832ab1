package cluster

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Snapshot is the state of a cluster for people to look at. It shares nothing that changes with the cluster.
type Snapshot struct {
	MasterID   string
	Version    string
	Started    time.Time
	Agents     []AgentView // registered
	Recovered  []string    // ids of agents that a new master waits for
	Frameworks []FrameworkView
	Offers     int // outstanding
}

// AgentView is one agent of a Snapshot.
type AgentView struct {
	ID         string
	Hostname   string
	IP         string
	Port       int
	Registered time.Time
	Connected  bool // its connection to the master is there
	Attributes []mesos.Attribute
	Total      Resources
	Used       Resources
	Offered    Resources
}

// FrameworkView is one framework of a Snapshot.
type FrameworkView struct {
	Info        mesos.FrameworkInfo
	ID          string
	Roles       []string
	Connected   bool
	Recovered   bool // known from agents alone, since its scheduler has not subscribed to this master
	Subscribed  time.Time
	Tasks       []TaskView
	Unreachable []TaskView // on agents that were given up
	Completed   []TaskView // the last that ended
	// Constraints are as the framework gave them; nil if it gave none.
	Constraints *OfferConstraints
}

// TaskView is one task of a Snapshot.
type TaskView struct {
	ID        string
	Name      string
	Framework string
	Executor  string // "" for a command task
	Agent     string
	Container string
	State     mesos.TaskState
	Resources Resources
}

// Snapshot gives the state as of the last call.
func (c *Cluster) Snapshot() Snapshot {
	s := Snapshot{MasterID: c.masterID, Version: c.cfg.Version, Started: c.started, Offers: len(c.offers)}
	for _, a := range c.agents {
		s.Agents = append(s.Agents, AgentView{
			ID: a.id, Hostname: a.hostname, IP: a.ip, Port: a.port, Registered: a.registered,
			Connected: a.connected, Attributes: a.attributes, Total: a.total, Used: a.used, Offered: a.offered,
		})
	}
	s.Recovered = sortedKeys(c.recovered)
	for _, f := range c.frameworks {
		view := FrameworkView{
			Info: f.info, ID: f.id, Roles: append([]string(nil), f.roles()...), Connected: f.stream != "", Recovered: f.recovered,
			Subscribed: f.subscribed, Constraints: f.constraints,
		}
		for _, t := range f.completed {
			view.Completed = append(view.Completed, t.view())
		}
		for _, id := range f.tasks.keys {
			view.Tasks = append(view.Tasks, f.tasks.of[id].view())
		}
		for _, id := range f.unreachable.keys {
			view.Unreachable = append(view.Unreachable, f.unreachable.of[id].view())
		}
		s.Frameworks = append(s.Frameworks, view)
	}
	return s
}

func (t *task) view() TaskView {
	view := TaskView{
		ID: t.id, Name: t.info.Name, Framework: t.framework.id, Agent: t.agent.id, State: t.state,
		Resources: t.resources.allocated(""),
	}
	if t.info.Executor != nil {
		view.Executor = t.info.Executor.ExecutorID.Value
	}
	if t.executor != nil {
		view.Container = t.executor.container
	}
	return view
}

// Scalar is the amount of a scalar resource, such as cpus.
func (r Resources) Scalar(name string) float64 { return float64(r.scalar(name)) / 1000 }

// Ranges prints the spans of a resource such as ports, whatever they are reserved for, "" if there are none.
func (r Resources) Ranges(name string) string {
	all := quantity{typ: mesos.RANGES}
	for _, q := range r.list {
		if q.kind.name == name && q.typ == mesos.RANGES {
			all = all.plus(&q)
		}
	}
	if all.zero() {
		return ""
	}
	return all.amount()
}
