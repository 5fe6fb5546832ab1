package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// Inject lets something go wrong. What it gives has an id if it lasts or waits; an act is over when it returns. The error
// names everything that is wrong with the fault, or why it can't happen now.
func (s *Sandbox) Inject(f fault.Fault) (fault.Active, error) {
	f, err := f.Complete()
	if err != nil {
		return fault.Active{}, err
	}
	entry, _ := fault.Lookup(f.Kind)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.rouse()
	now := time.Now()
	s.journal.fault(now, "fault", f, nil)
	if err := s.begin(now, f); err != nil {
		s.journal.fault(now, "fault-end", f, err)
		return fault.Active{}, fmt.Errorf("fault %s: %w", f.Kind, err)
	}
	s.log.Info("fault injected", "fault", f.String())
	if entry.Nature == fault.Act {
		return fault.Active{Fault: f, Since: now}, nil
	}
	return s.faults.Add(now, f), nil
}

// Faults lists what is active, oldest first.
func (s *Sandbox) Faults() []fault.Active {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.List()
}

// ClearFaults ends faults by their ids, or all of them if none is named, and undoes what they did: partitions heal, agents
// that were killed start, another master leads.
func (s *Sandbox) ClearFaults(ids ...int) ([]fault.Active, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.rouse()
	cleared, err := s.faults.Clear(ids...)
	if err != nil {
		return nil, err
	}
	return cleared, s.undo(cleared)
}

// expireFaults ends what is over. It is called with the lock held.
func (s *Sandbox) expireFaults() {
	if err := s.undo(s.faults.Expire(time.Now())); err != nil {
		s.log.Error("the end of a fault failed", "error", err)
	}
}

func (s *Sandbox) undo(ended []fault.Active) error {
	var problems *multierror.Error
	for _, a := range ended {
		s.log.Info("fault ends", "fault", a.Fault.String(), "struck", a.Struck)
		err := s.end(time.Now(), a.Fault)
		s.journal.fault(time.Now(), "fault-end", a.Fault, err)
		if err != nil {
			problems = multierror.Append(problems, fmt.Errorf("fault %d, %s: %w", a.ID, a.Kind, err))
		}
	}
	return problems.ErrorOrNil()
}

// begin is what a fault does at once. It is called with the lock held.
func (s *Sandbox) begin(now time.Time, f fault.Fault) error {
	if f.Agent != "" {
		a, err := s.agentNamed(f.Agent)
		if err != nil {
			return err
		}
		if err := s.beginAgent(now, a, f); err != nil {
			return err
		}
	}
	switch f.Kind {
	case fault.MasterFailover:
		s.performAll(s.cluster.FailOver(now, s.failover(f)))
	case fault.MasterDown:
		return s.stopMaster(now, cluster.Down)
	case fault.NoLeader:
		return s.stopMaster(now, cluster.Leaderless)
	case fault.StreamSilent:
		return s.silence(f)
	case fault.TaskKill:
		return s.killTask(f)
	case fault.MountGone:
		dir, err := s.mountOf(f)
		if err != nil {
			return err
		}
		return takeMount(dir)
	}
	return nil
}

// end undoes what a fault did. It is called with the lock held.
func (s *Sandbox) end(now time.Time, f fault.Fault) error {
	switch f.Kind {
	case fault.MountGone:
		dir, err := s.mountOf(f)
		if err != nil {
			return err
		}
		return returnMount(dir)
	case fault.MasterDown, fault.NoLeader:
		if s.cluster.Master() != cluster.Leading { // else another leads already
			s.performAll(s.cluster.FailOver(now, s.successor()))
		}
	}
	if f.Agent == "" {
		return nil
	}
	a, err := s.agentNamed(f.Agent)
	if err != nil {
		return err
	}
	return s.endAgent(now, a, f)
}

// stopMaster leaves the cluster without a master.
func (s *Sandbox) stopMaster(now time.Time, state cluster.MasterState) error {
	if s.cluster.Master() != cluster.Leading {
		return errors.New("no master leads already; clear ends that, and master-failover lets another lead")
	}
	s.performAll(s.cluster.StopMaster(now, state))
	return nil
}

// failover describes another master: without a leader for a while, as one that starts is seen (F14), and with agents
// that trickle in.
func (s *Sandbox) failover(f fault.Fault) cluster.MasterFailover {
	failover := s.successor()
	failover.Delay, failover.Delays = time.Duration(f.Delay), map[string]time.Duration{}
	if outage := time.Duration(f.For); outage > 0 {
		failover.Outage = []cluster.Stage{
			{State: cluster.Down, For: outage / 2}, {State: cluster.Starting, For: outage / 4},
			{State: cluster.Recovering, For: outage - outage/2 - outage/4},
		}
	}
	for i, a := range s.agents {
		if f.Spread > 0 {
			failover.Delays[a.id] = time.Duration(f.Delay) + time.Duration(i)*time.Duration(f.Spread)
		}
	}
	return failover
}

// An AgentName is what an agent may be called in faults.
type AgentName struct {
	Index    int    `json:"index"`
	ID       string `json:"id"`
	Hostname string `json:"hostname"`
	IP       string `json:"ip"`
	Port     int    `json:"port"`
	State    string `json:"state"` // registered, down, partitioned, unreachable, registering or gone
}

// AgentNames lists the agents, in the order of Config.Agents.
func (s *Sandbox) AgentNames() []AgentName {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := []AgentName{}
	for i, a := range s.agents {
		names = append(names, AgentName{Index: i, ID: a.id, Hostname: a.Hostname, IP: a.IP, Port: a.Port, State: s.conditionOf(a).String()})
	}
	return names
}

// agentNamed finds an agent by index, id or hostname.
func (s *Sandbox) agentNamed(name string) (*agentShell, error) {
	for i, a := range s.agents {
		if name == a.id || name == a.Hostname || name == strconv.Itoa(i) {
			return a, nil
		}
	}
	const most = 5
	var known []string
	for i, a := range s.agents[:min(most, len(s.agents))] {
		known = append(known, fmt.Sprintf("%d = %s = %s", i, a.Hostname, a.id))
	}
	if len(s.agents) > most {
		known = append(known, fmt.Sprintf("and so on to %d", len(s.agents)-1))
	}
	if len(known) == 0 {
		known = append(known, "none at all")
	}
	return nil, fmt.Errorf("agent %q: there is none; there are %s", name, strings.Join(known, ", "))
}

// namesOf lists what the agent of an id may be called.
func (s *Sandbox) namesOf(id string) []string {
	for i, a := range s.agents {
		if a.id == id {
			return []string{id, a.Hostname, strconv.Itoa(i)}
		}
	}
	return nil
}

// silence makes the streams half-open that are open now.
func (s *Sandbox) silence(f fault.Fault) error {
	struck := 0
	for _, id := range sortedKeys(s.streams) {
		st := s.streams[id]
		if len(st.framework) > 0 && (f.Framework == "" || slices.Contains(st.framework, f.Framework)) {
			st.fallSilent()
			struck++
		}
	}
	if struck == 0 {
		return fmt.Errorf("no scheduler is subscribed%s", ofFramework(f))
	}
	return nil
}

func ofFramework(f fault.Fault) string {
	if f.Framework == "" {
		return ""
	}
	return fmt.Sprintf(" as %q", f.Framework)
}

// killTask kills the processes of a task.
func (s *Sandbox) killTask(f fault.Fault) error {
	struck := 0
	var running []string
	for _, id := range sortedKeys(s.containers) {
		c := s.containers[id]
		running = append(running, cmp.Or(c.start.Task, c.start.Executor))
		name := cmp.Or(c.start.Task, c.start.Executor)
		if f.MeansTask(name) && (f.Framework == "" || f.Framework == c.start.Framework) {
			c.signal(cluster.Kill)
			struck++
		}
	}
	if struck > 0 {
		return nil
	}
	slices.Sort(running)
	if len(running) == 0 {
		return fmt.Errorf("task %q: none runs", f.Task)
	}
	return fmt.Errorf("task %q: it does not run; those that do are %s", f.Task, strings.Join(running, ", "))
}

// mountOf is the directory of a mount-gone fault. It must belong to a host of the sandbox: it is moved away.
func (s *Sandbox) mountOf(f fault.Fault) (string, error) {
	dir := f.Path
	if f.Agent != "" && !filepath.IsAbs(dir) {
		a, err := s.agentNamed(f.Agent)
		if err != nil {
			return "", err
		}
		dir = filepath.Join(a.WorkDir, dir)
	}
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("path %q: must be absolute, or below the work directory of the agent that is named", f.Path)
	}
	dir = filepath.Clean(dir)
	for _, a := range s.agents {
		host := filepath.Dir(a.WorkDir)
		if inside, err := filepath.Rel(host, dir); err == nil && filepath.IsLocal(inside) && inside != "." && dir != a.WorkDir {
			return dir, nil
		}
		for _, mount := range a.Resources.Mounts {
			if dir == filepath.Clean(mount.Root) || dir == filepath.Join(a.WorkDir, mount.Root) {
				return dir, nil
			}
		}
	}
	return "", fmt.Errorf("path %s: must be a MOUNT disk of an agent or lie beside its work directory, such as %s", dir,
		s.exampleMount())
}

func (s *Sandbox) exampleMount() string {
	if len(s.agents) == 0 {
		return "none: there are no agents"
	}
	return filepath.Join(filepath.Dir(s.agents[0].WorkDir), "devices", "data0")
}

const goneSuffix = ".gone"

// takeMount leaves an empty directory where there was one with something in it.
func takeMount(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("path %s: must be a directory", dir)
	}
	if _, err := os.Lstat(dir + goneSuffix); err == nil {
		return fmt.Errorf("path %s: it is gone already", dir)
	}
	if err := os.Rename(dir, dir+goneSuffix); err != nil {
		return err
	}
	return os.Mkdir(dir, info.Mode().Perm())
}

// returnMount brings back what takeMount took. What was written to the empty directory meanwhile is kept beside it.
func returnMount(dir string) error {
	if err := os.Remove(dir); err != nil {
		lost := dir + ".lost"
		if err := os.RemoveAll(lost); err != nil {
			return err
		}
		if err := os.Rename(dir, lost); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return os.Rename(dir+goneSuffix, dir)
}

// diskFull tells whether nothing can be made on an agent's disk.
func (s *Sandbox) diskFull(a *agentShell) bool {
	_, full := s.faults.Find(func(f *fault.Active) bool {
		return f.Kind == fault.DiskFull && slices.Contains(s.namesOf(a.id), f.Agent)
	})
	return full
}
