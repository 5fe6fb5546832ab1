package cluster

import (
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// operationKind is what a master knows of one kind of operation on an agent's own resources.
type operationKind struct {
	action      string                            // that a framework has to be allowed; "" if nobody asks
	present     func(*mesos.Offer_Operation) bool // whether the field with the body is there
	resources   func(*mesos.Offer_Operation) []*mesos.Resource
	problem     func(*acceptance, *mesos.Offer_Operation) string
	conversions func(*mesos.Offer_Operation) []conversion
	// deferred says that the master waits for the agent: the result is in the next offer, and nothing later in the
	// same ACCEPT can use it (Mesos: not speculative).
	deferred bool
}

func kindOfOperation(typ mesos.Offer_Operation_Type) (operationKind, bool) {
	switch typ {
	case mesos.Offer_Operation_RESERVE:
		return operationKind{
			action:      "RESERVE_RESOURCES",
			present:     func(op *mesos.Offer_Operation) bool { return op.Reserve != nil },
			resources:   func(op *mesos.Offer_Operation) []*mesos.Resource { return pointers(op.Reserve.Resources) },
			problem:     (*acceptance).reserveProblem,
			conversions: reserveConversions,
		}, true
	case mesos.Offer_Operation_UNRESERVE:
		return operationKind{
			action:      "UNRESERVE_RESOURCES",
			present:     func(op *mesos.Offer_Operation) bool { return op.Unreserve != nil },
			resources:   func(op *mesos.Offer_Operation) []*mesos.Resource { return pointers(op.Unreserve.Resources) },
			problem:     (*acceptance).unreserveProblem,
			conversions: unreserveConversions,
		}, true
	case mesos.Offer_Operation_CREATE:
		return operationKind{
			action:      "CREATE_VOLUME",
			present:     func(op *mesos.Offer_Operation) bool { return op.Create != nil },
			resources:   func(op *mesos.Offer_Operation) []*mesos.Resource { return pointers(op.Create.Volumes) },
			problem:     (*acceptance).createProblem,
			conversions: createConversions,
		}, true
	case mesos.Offer_Operation_DESTROY:
		return operationKind{
			action:      "DESTROY_VOLUME",
			present:     func(op *mesos.Offer_Operation) bool { return op.Destroy != nil },
			resources:   func(op *mesos.Offer_Operation) []*mesos.Resource { return pointers(op.Destroy.Volumes) },
			problem:     (*acceptance).destroyProblem,
			conversions: destroyConversions,
		}, true
	case mesos.Offer_Operation_GROW_VOLUME:
		return operationKind{
			action:  "RESIZE_VOLUME",
			present: func(op *mesos.Offer_Operation) bool { return op.GrowVolume != nil },
			resources: func(op *mesos.Offer_Operation) []*mesos.Resource {
				return []*mesos.Resource{&op.GrowVolume.Volume, &op.GrowVolume.Addition}
			},
			problem:     (*acceptance).growProblem,
			conversions: growConversions,
			deferred:    true,
		}, true
	case mesos.Offer_Operation_SHRINK_VOLUME:
		return operationKind{
			action:  "RESIZE_VOLUME",
			present: func(op *mesos.Offer_Operation) bool { return op.ShrinkVolume != nil },
			resources: func(op *mesos.Offer_Operation) []*mesos.Resource {
				return []*mesos.Resource{&op.ShrinkVolume.Volume}
			},
			problem:     (*acceptance).shrinkProblem,
			conversions: shrinkConversions,
			deferred:    true,
		}, true
	case mesos.Offer_Operation_CREATE_DISK:
		return operationKind{
			present: func(op *mesos.Offer_Operation) bool { return op.CreateDisk != nil },
			resources: func(op *mesos.Offer_Operation) []*mesos.Resource {
				return []*mesos.Resource{&op.CreateDisk.Source}
			},
			problem:     (*acceptance).createDiskProblem,
			conversions: createDiskConversions,
		}, true
	case mesos.Offer_Operation_DESTROY_DISK:
		return operationKind{
			present: func(op *mesos.Offer_Operation) bool { return op.DestroyDisk != nil },
			resources: func(op *mesos.Offer_Operation) []*mesos.Resource {
				return []*mesos.Resource{&op.DestroyDisk.Source}
			},
			problem:     (*acceptance).destroyDiskProblem,
			conversions: destroyDiskConversions,
		}, true
	}
	return operationKind{}, false
}

// convert carries out an operation that makes other resources of those of the agent, or refuses it. Without an id
// neither is told to the framework.
func (c *Cluster) convert(x *acceptance, op *mesos.Offer_Operation) {
	kind, known := kindOfOperation(op.Type)
	if !known {
		return
	}
	problem, lost := x.admit(kind, op), false
	if problem == "" {
		problem = c.operationDenied(x, kind, op)
	}
	if problem == "" {
		problem, lost = c.applyTo(x, kind, op)
	}
	if problem == "" {
		x.framework.countOperation(op.Type)
	}
	switch {
	case problem != "":
		c.dropOperation(x.framework, op, problem)
	case op.ID != nil:
		x.finished = append(x.finished, finished{*op.ID, op.Type, lost})
	}
}

// formProblem looks at the body of an operation, and at nothing else.
func (kind operationKind) formProblem(op *mesos.Offer_Operation) string {
	if name := op.Type.String(); !kind.present(op) {
		article, word, stop := "A ", " offer operation", "."
		switch op.Type { // the texts are written one by one
		case mesos.Offer_Operation_UNRESERVE:
			article = "An "
		case mesos.Offer_Operation_GROW_VOLUME:
			word, stop = " operation", ""
		case mesos.Offer_Operation_SHRINK_VOLUME:
			stop = ""
		}
		return article + name + word + " must have the Offer.Operation." + strings.ToLower(name) + " field set" + stop
	}
	if problem := formProblem(kind.resources(op)); problem != "" {
		return problem
	}
	if op.Type == mesos.Offer_Operation_RESERVE && len(op.Reserve.Source) > 0 {
		if problem := formProblem(pointers(op.Reserve.Source)); problem != "" {
			return problem
		}
		return "Reservation updates are not yet implemented for the scheduler API."
	}
	return ""
}

// admit checks what an operation is to do, and for whom.
func (x *acceptance) admit(kind operationKind, op *mesos.Offer_Operation) (problem string) {
	if problem := kind.problem(x, op); problem != "" {
		return problem + "; on agent " + x.agent.text()
	}
	return ""
}

// applyTo converts resources of the agent, if what remains of the offers has them. The agent owns the result: it
// outlives tasks and frameworks. lost says that the agent does not hear of it.
func (c *Cluster) applyTo(x *acceptance, kind operationKind, op *mesos.Offer_Operation) (problem string, lost bool) {
	conversions := kind.conversions(op)
	if op.Type == mesos.Offer_Operation_DESTROY {
		c.rescindVolumes(x.agent, op.Destroy.Volumes)
	}
	remaining, total, owned, known := x.remaining, x.agent.total, x.agent.owned, true
	for _, v := range conversions {
		if !remaining.contains(v.consumed) {
			problem := remaining.String() + " does not contain " + v.consumed.String()
			switch op.Type {
			case mesos.Offer_Operation_GROW_VOLUME, mesos.Offer_Operation_SHRINK_VOLUME:
				return "Invalid " + op.Type.String() + " operation: " + problem, false
			case mesos.Offer_Operation_CREATE_DISK, mesos.Offer_Operation_DESTROY_DISK:
				return "Invalid " + op.Type.String() + " Operation: " + problem, false
			}
			return problem, false
		}
		remaining = remaining.minus(v.consumed)
		if !kind.deferred {
			remaining = remaining.plus(v.converted)
		}
		total = total.minus(v.consumed.allocated("")).plus(v.converted.allocated(""))
		known = known && owned.contains(v.consumed.allocated(""))
		owned = owned.minus(v.consumed.allocated("")).plus(v.converted.allocated(""))
	}
	x.remaining, x.agent.total = remaining, total
	// What an operation needs that was lost, the agent does not have either.
	if c.reaches(x.agent, Delivery{Framework: x.framework.id, Operation: op.Type.String()}) && known {
		c.own(x.agent, owned)
		c.countOperationState(op.Type, "finished")
		return "", false
	}
	x.agent.expectOperation(c, op.Type)
	return "", true
}

// own gives an agent other resources. It makes the directories of new volumes and removes those of old ones, and then
// notes what it has, so that a crash in between leaves an empty volume and never old data in a new one. What counts is
// where the data is: a volume that is reserved for a deeper role gets a new directory, and its data is lost.
func (c *Cluster) own(a *agent, total Resources) {
	before, after := placesOf(a.owned), placesOf(total)
	for _, v := range after {
		if !v.placedAmong(before) {
			c.emit(CreateVolume{Agent: a.id, Volume: v})
		}
	}
	for _, v := range before {
		if !v.placedAmong(after) {
			c.emit(DestroyVolume{Agent: a.id, Volume: v})
		}
	}
	a.owned = total
	c.emit(CheckpointResources{Agent: a.id, Resources: total.where(checkpointed).wire(resourceForm{refined: true})})
}

// rescindVolumes takes back other offers of volumes that are to go.
func (c *Cluster) rescindVolumes(a *agent, volumes []mesos.Resource) {
	for _, f := range c.frameworks {
		for _, o := range c.offersOf(f) {
			if o.agent == a && o.hasAny(volumes) {
				c.rescind(f, o)
			}
		}
	}
}

func (o *offer) hasAny(volumes []mesos.Resource) bool {
	for i := range volumes {
		if o.resources.holds(&volumes[i]) {
			return true
		}
	}
	return false
}

// conversion replaces resources by others of the same amount.
type conversion struct{ consumed, converted Resources }

// each makes a conversion of every resource by itself.
func each(resources []mesos.Resource, consumed, converted func(mesos.Resource) mesos.Resource) []conversion {
	var list []conversion
	for _, r := range resources {
		from, to := consumed(r), converted(r)
		list = append(list, conversion{parseResource(&from), parseResource(&to)})
	}
	return list
}

func itself(r mesos.Resource) mesos.Resource { return r }

// reserveConversions pushes one reservation on everything at once, so that a refusal names all that is missing.
func reserveConversions(op *mesos.Offer_Operation) []conversion {
	var v conversion
	for _, one := range each(op.Reserve.Resources, popped, itself) {
		v.consumed, v.converted = v.consumed.plus(one.consumed), v.converted.plus(one.converted)
	}
	return []conversion{v}
}

func unreserveConversions(op *mesos.Offer_Operation) []conversion {
	return each(op.Unreserve.Resources, itself, popped)
}

func createConversions(op *mesos.Offer_Operation) []conversion {
	return each(op.Create.Volumes, stripped, itself)
}

func destroyConversions(op *mesos.Offer_Operation) []conversion {
	return each(op.Destroy.Volumes, itself, stripped)
}

// createDiskConversions and destroyDiskConversions ask for the disk. No offer has one of a provider, so that nothing comes of it.
func createDiskConversions(op *mesos.Offer_Operation) []conversion {
	return []conversion{{consumed: parseResource(&op.CreateDisk.Source)}}
}

func destroyDiskConversions(op *mesos.Offer_Operation) []conversion {
	return []conversion{{consumed: parseResource(&op.DestroyDisk.Source)}}
}

func growConversions(op *mesos.Offer_Operation) []conversion {
	volume, addition := parseResource(&op.GrowVolume.Volume), parseResource(&op.GrowVolume.Addition)
	return []conversion{{
		consumed:  volume.plus(addition),
		converted: volume.resized(addition.scalar("disk")),
	}}
}

func shrinkConversions(op *mesos.Offer_Operation) []conversion {
	volume, rest := parseResource(&op.ShrinkVolume.Volume), stripped(op.ShrinkVolume.Volume)
	subtract := milli(op.ShrinkVolume.Subtract.Value)
	freed := parseResource(&rest)
	return []conversion{{
		consumed:  volume,
		converted: volume.resized(-subtract).plus(freed.resized(subtract - freed.scalar("disk"))),
	}}
}

// resized changes the size of one scalar by so many thousandths.
func (r Resources) resized(by int64) Resources {
	var sum Resources
	for _, q := range r.list {
		q.milli += by
		sum = sum.plus(Resources{list: []quantity{q}})
	}
	return sum
}
