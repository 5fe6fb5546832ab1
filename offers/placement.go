package offers

import "slices"

// Placement is where a requirement fits, and what has to be done for it.
//
// All of it comes from the offers named, which are of one agent and role. Placements of one round that name the same agent
// and role belong into one ACCEPT (see Group). They share no resources, so a caller may drop any of them.
type Placement struct {
	Site
	Address, AgentID, Role string
	OfferIDs               []string // all of the agent and role, sorted
	// Ports are the numbers of the requirement's ports, in their order.
	Ports []uint64
	// Volumes are the requirement's volumes, in their order.
	Volumes []PlacedVolume
	// Operations make ready what the launch needs: UNRESERVE of what the pod no longer needs, RESERVE of what it does not
	// have yet, CREATE, GROW_VOLUME, in this order.
	Operations []Operation
	// Task and Executor are the resources to launch with.
	Task, Executor Resources
	// Grows says that a volume has to grow first. Mesos: what a volume became can't be used in the same ACCEPT. So nothing is
	// launched, and the pod is placed again with the offers that follow.
	Grows bool
	// Held is what will be reserved for the pod, without volumes. Record it as Claim.Held once a task that was launched with
	// it has been heard of from its agent; before that, the operations may have failed.
	Held Quantities
	// Kept is what of Claim.Held stays reserved. If it is less, record it as Claim.Held before the operations are sent: what
	// they give back would be waited for otherwise, if the launch behind them fails.
	Kept Quantities

	requirement *Requirement
}

// PlacedVolume is a volume of a placement.
type PlacedVolume struct {
	Name string
	// ID is its persistence id, to be recorded as Volume.Prior once a task that was launched with it has been heard of.
	ID   string
	Size Milli  // MB; of a MOUNT disk, all of it
	Root string // path of the MOUNT disk; empty for ROOT volumes
	New  bool   // it is created now
}

// placement puts what the attempt has found into words.
func (a *attempt) placement() *Placement {
	s, n := a.slot, a.n
	first := s.offers[0]
	p := &Placement{
		Site: first.Site, Address: first.Address, AgentID: first.AgentID, Role: first.Role,
		Grows: a.grown, requirement: n.Requirement,
	}
	p.OfferIDs = make([]string, len(s.offers))
	for i, o := range s.offers {
		p.OfferIDs[i] = o.ID
	}
	if len(a.numbers) > 0 {
		p.Ports = slices.Clone(a.numbers)
	}
	p.Operations = a.operations(p)
	if !a.grown {
		a.resources(p)
	}
	if n.Claim != nil {
		p.Held = a.held()
		p.Kept = common(n.Claim.Held, p.Held)
	}
	return p
}

// held is what is reserved with the claim once the operations are done.
func (a *attempt) held() Quantities {
	var sum Quantities
	for i := range a.lanes {
		l := &a.lanes[i]
		if l.own == nil && !l.reserve {
			continue
		}
		sum = sum.Add(l.useOwn).Add(l.useFree)
		sum.Disk -= l.newDisk
	}
	return sum
}

// common is what is in both.
func common(a, b Quantities) Quantities {
	return Quantities{min(a.CPUs, b.CPUs), min(a.Mem, b.Mem), min(a.Disk, b.Disk), commonRanges(a.Ports, b.Ports)}
}

// operations are what has to be done before the launch.
func (a *attempt) operations(p *Placement) []Operation {
	if a.n.Claim == nil {
		return nil
	}
	ops := appendOperation(nil, Unreserve, a.surplus())
	ops = appendOperation(ops, Reserve, a.toReserve())
	var grow []Operation
	var created Resources
	for i := range a.volumes {
		v, need := &a.volumes[i], &a.n.Volumes[i]
		volume := a.volume(i)
		a.found = append(a.found, volume)
		placed := PlacedVolume{Name: need.Name, ID: volume.Disk.Persistence.ID, Size: volume.Scalar, Root: volume.Disk.Source.Root, New: v.found == nil}
		switch {
		case v.found == nil:
			created = append(created, volume)
		case v.grow > 0:
			addition := Resource{Name: "disk", Scalar: v.grow, Role: a.slot.role(), Reservations: a.lanes[v.lane].stack}
			grow = append(grow, Operation{Type: GrowVolume, Volume: volume, Addition: addition})
			placed.Size += v.grow
		}
		p.Volumes = append(p.Volumes, placed)
	}
	return append(appendOperation(ops, Create, created), grow...)
}

// appendOperation appends an operation on resources, one for each resource provider: Mesos takes no mixture.
func appendOperation(ops []Operation, t OperationType, all Resources) []Operation {
	for len(all) > 0 {
		provider := all[0].Provider
		if !slices.ContainsFunc(all, func(r Resource) bool { return r.Provider != provider }) {
			return append(ops, Operation{Type: t, Resources: all})
		}
		var of, rest Resources
		for _, r := range all {
			if r.Provider == provider {
				of = append(of, r)
			} else {
				rest = append(rest, r)
			}
		}
		ops = append(ops, Operation{Type: t, Resources: of})
		all = rest
	}
	return ops
}

// surplus is what is reserved for the pod and not needed any more. Volumes are never given back here: they have data in
// them.
func (a *attempt) surplus() Resources {
	var all Resources
	for i := range a.lanes {
		l := &a.lanes[i]
		if l.own == nil {
			continue
		}
		left := mustSub(l.own.free, l.useOwn)
		all = appendPlain(all, left, a.slot.role(), l.stack)
		for _, m := range l.own.mounts {
			if !slices.Contains(l.ownMounts, m) {
				all = append(all, m.resource(a.slot.role(), l.stack))
			}
		}
	}
	return all
}

// toReserve is what is taken besides, with the claim on it.
func (a *attempt) toReserve() Resources {
	all := make(Resources, 0, a.count()+len(a.volumes))
	for i := range a.lanes {
		l := &a.lanes[i]
		if !l.reserve {
			continue
		}
		all = appendPlain(all, l.useFree, a.slot.role(), l.stack)
		for _, m := range l.taken {
			all = append(all, m.resource(a.slot.role(), l.stack))
		}
	}
	return all
}

// volume is a volume as it is used: the one that was found, or the one to be created.
func (a *attempt) volume(i int) Resource {
	v, need := &a.volumes[i], &a.n.Volumes[i]
	at := &DiskVolume{ContainerPath: need.ContainerPath}
	if v.found != nil {
		r := *v.found
		disk := *r.Disk
		disk.Volume = at
		r.Disk = &disk
		return r
	}
	stack := a.lanes[v.lane].stack
	r := Resource{Name: "disk", Scalar: need.Size, Role: a.slot.role(), Reservations: stack, Disk: &Disk{}}
	if v.mount != nil {
		r = v.mount.resource(a.slot.role(), stack)
	}
	r.Disk.Persistence = &Persistence{ID: a.n.persistenceID(need), Principal: a.n.Claim.Principal}
	r.Disk.Volume = at
	return r
}

// resources divides what was taken between task and executor: the executor gets its part first, the volumes are the task's.
func (a *attempt) resources(p *Placement) {
	if a.allReserved(p) {
		p.Task = slices.Clip(p.Operations[0].Resources)
		return
	}
	want := a.n.Executor
	p.Task = make(Resources, 0, a.count()+len(a.volumes))
	for i := range a.lanes {
		l := &a.lanes[i]
		used := l.useOwn.Add(l.useFree)
		used.Disk -= l.newDisk
		var executor Quantities
		for k := range scalarNames {
			moved := move(used, &executor, k, *want.scalar(k))
			*want.scalar(k) -= moved
			*used.scalar(k) -= moved
		}
		p.Executor = appendPlain(p.Executor, executor, a.slot.role(), l.stack)
		p.Task = appendPlain(p.Task, used, a.slot.role(), l.stack)
	}
	p.Task = append(p.Task, a.found...)
}

// allReserved says whether the task gets just what is reserved now: the first launch of a pod without executor and volumes.
func (a *attempt) allReserved(p *Placement) bool {
	if len(p.Operations) != 1 || p.Operations[0].Type != Reserve || len(a.volumes) > 0 || !a.n.Executor.IsZero() {
		return false
	}
	return !slices.ContainsFunc(a.lanes, func(l lane) bool { return !l.reserve && !l.useFree.IsZero() || !l.useOwn.IsZero() })
}

// count is how many kinds of plain resources are used.
func (a *attempt) count() int {
	n := 0
	for i := range a.lanes {
		l := &a.lanes[i]
		for k := range scalarNames {
			if *l.useOwn.scalar(k)+*l.useFree.scalar(k) > 0 {
				n++
			}
		}
		if len(l.useOwn.Ports)+len(l.useFree.Ports) > 0 {
			n++
		}
	}
	return n
}

// commit takes from the slot what the attempt has found.
func (a *attempt) commit() {
	s := a.slot
	for i := range a.lanes {
		l := &a.lanes[i]
		if l.free == nil {
			continue
		}
		l.free.free = mustSub(l.free.free, l.useFree)
		s.all.CPUs, s.all.Mem, s.all.Disk = s.all.CPUs-l.useFree.CPUs, s.all.Mem-l.useFree.Mem, s.all.Disk-l.useFree.Disk
		if len(l.taken) > 0 {
			l.free.own()
			l.free.mounts = slices.DeleteFunc(l.free.mounts, func(m Mount) bool { return slices.Contains(l.taken, m) })
		}
	}
	// What was reserved for the pod is used, given back, or left lying for it; nobody else gets it.
	if a.n.Claim != nil {
		s.holdings = slices.DeleteFunc(s.holdings, func(h holding) bool {
			return h.id == a.n.Claim.ID && h.pod == a.n.Subject && h.service == a.n.Claim.Service
		})
	}
}

// mustSub is for quantities that were checked to be there.
func mustSub(a, b Quantities) Quantities {
	left, ok := a.Sub(b)
	if !ok {
		panic("offers: " + a.String() + " was found to contain " + b.String() + " and does not")
	}
	return left
}

// Launch completes a task: the agent, its resources and those of its executor, the environment variables, discovery and port
// mappings of its ports. What the task says already is kept. It must not be called when Grows is set.
func (p *Placement) Launch(t Task) Operation {
	t.AgentID = p.AgentID
	t.Resources = p.Task
	env, discovered, mapped := p.ports()
	if t.Executor != nil {
		e := *t.Executor
		e.Resources = p.Executor
		e.Command.Env = slices.Concat(e.Command.Env, env)
		e.Container = e.Container.withPorts(mapped)
		t.Executor = &e
	} else {
		t.Command.Env = slices.Concat(t.Command.Env, env)
		t.Container = t.Container.withPorts(mapped)
	}
	if len(discovered) > 0 {
		var d Discovery
		if t.Discovery != nil {
			d = *t.Discovery
		}
		d.Ports = slices.Concat(d.Ports, discovered)
		t.Discovery = &d
	}
	return Operation{Type: Launch, Tasks: []Task{t}}
}

func (c *Container) withPorts(mapped []PortMapping) *Container {
	if c == nil || len(mapped) == 0 {
		return c
	}
	with := *c
	with.PortMappings = slices.Concat(c.PortMappings, mapped)
	return &with
}

// ports is what tasks and others are told about the ports.
func (p *Placement) ports() (env []Var, discovered []DiscoveryPort, mapped []PortMapping) {
	for i := range p.requirement.Ports {
		port, number := &p.requirement.Ports[i], p.Ports[i]
		if port.EnvKey != "" {
			env = append(env, Var{port.EnvKey, Range{number, number}.String()})
		}
		if port.Discover {
			discovered = append(discovered, DiscoveryPort{Name: port.Name, Number: number, Protocol: port.Protocol, Labels: port.Labels})
		}
		if port.ContainerPort != 0 {
			mapped = append(mapped, PortMapping{HostPort: number, ContainerPort: port.ContainerPort, Protocol: port.Protocol})
		}
	}
	return env, discovered, mapped
}
