package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"pgregory.net/rapid"
)

// agentResources are those of every agent of the world: something of everything.
func agentResources() []mesos.Resource {
	static, r1, root := mesos.Resource_ReservationInfo_STATIC, "r1", "/m1"
	reserved := func(r mesos.Resource) mesos.Resource {
		r.Reservations = []mesos.Resource_ReservationInfo{{Type: &static, Role: &r1}}
		return r
	}
	mount := Scalar("disk", 64)
	mount.Disk = &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{
		Type: mesos.Resource_DiskInfo_Source_MOUNT, Mount: &mesos.Resource_DiskInfo_Source_Mount{Root: &root}}}
	return []mesos.Resource{Scalar("cpus", 4), Scalar("mem", 1024), Ranges("ports", Span{31000, 31009}),
		Scalar("disk", 100), mount, reserved(Scalar("disk", 50)), reserved(Scalar("cpus", 1))}
}

// directory is where an agent has the data of a volume.
func directory(agent string, v Volume) string {
	if v.Source != nil {
		return agent + " " + v.Source.Mount.GetRoot() // there are no other sources
	}
	return agent + " " + v.Role + " " + v.ID
}

func (w *world) makeVolume(agent string, v Volume, there bool) {
	key := directory(agent, v)
	if w.volumes[key] == there {
		panic("volume " + key + " was created or destroyed twice")
	}
	if w.volumes[key] = true; !there {
		delete(w.volumes, key)
	}
}

// operate accepts an offer with a few operations, most of them on what the offer has or what the one before made.
func (w *world) operate(t *rapid.T) {
	id := pick(t, slices.Collect(maps.Keys(w.offers)), "offer")
	o, name := w.offers[id], w.owner[id]
	delete(w.offers, id)
	refuse := rapid.SampledFrom([]float64{0, 1, 100}).Draw(t, "refuse")
	candidates := slices.Clone(o.Resources)
	for i := range candidates {
		candidates[i] = upgraded(candidates[i])
	}
	var ops []mesos.Offer_Operation
	for i := range rapid.IntRange(1, 6).Draw(t, "operations") {
		r := candidates[len(candidates)-1]
		if i == 0 || rapid.Bool().Draw(t, "another one") {
			r = rapid.SampledFrom(candidates).Draw(t, "resource")
		}
		if rapid.IntRange(0, 3).Draw(t, "a part of it") == 0 && r.Scalar != nil {
			r.Scalar = &mesos.Value_Scalar{Value: r.Scalar.Value / 2}
		}
		op, made := w.draw(t, o, r)
		if rapid.Bool().Draw(t, "with an id") && op.Type != mesos.Offer_Operation_LAUNCH {
			op.ID = &mesos.OperationID{Value: fmt.Sprint("op", i)}
		}
		ops, candidates = append(ops, op), append(candidates, made)
	}
	w.call(name, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{{Value: id}}, Operations: ops, Filters: &mesos.Filters{RefuseSeconds: &refuse},
	}})
}

// draw makes some operation on a resource, and tells what it makes of it if it succeeds. Most fit the resource.
func (w *world) draw(t *rapid.T, o *mesos.Offer, r mesos.Resource) (mesos.Offer_Operation, mesos.Resource) {
	kinds := fitting(&r)
	if rapid.IntRange(0, 4).Draw(t, "any") == 0 {
		kinds = []mesos.Offer_Operation_Type{mesos.Offer_Operation_RESERVE, mesos.Offer_Operation_UNRESERVE,
			mesos.Offer_Operation_CREATE, mesos.Offer_Operation_DESTROY, mesos.Offer_Operation_GROW_VOLUME,
			mesos.Offer_Operation_SHRINK_VOLUME, mesos.Offer_Operation_LAUNCH}
	}
	op := mesos.Offer_Operation{Type: rapid.SampledFrom(kinds).Draw(t, "kind")}
	one := func(r mesos.Resource) []mesos.Resource { return []mesos.Resource{r} }
	made := r
	switch op.Type {
	case mesos.Offer_Operation_RESERVE:
		made = reservedFor(o.AllocationInfo.GetRole(), r)
		if persistent(&r) && lastReservation(&r).GetRole() != o.AllocationInfo.GetRole() {
			w.refined[o.Hostname] = true
		}
		op.Reserve = &mesos.Offer_Operation_Reserve{Resources: one(made)}
	case mesos.Offer_Operation_UNRESERVE:
		made = popped(r)
		op.Unreserve = &mesos.Offer_Operation_Unreserve{Resources: one(r)}
	case mesos.Offer_Operation_CREATE:
		made = withVolume(rapid.SampledFrom([]string{"v1", "v2"}).Draw(t, "id"), r)
		op.Create = &mesos.Offer_Operation_Create{Volumes: one(made)}
	case mesos.Offer_Operation_DESTROY:
		made = stripped(r)
		op.Destroy = &mesos.Offer_Operation_Destroy{Volumes: one(r)}
	case mesos.Offer_Operation_GROW_VOLUME:
		addition := stripped(r)
		addition.Scalar = &mesos.Value_Scalar{Value: 5}
		op.GrowVolume = &mesos.Offer_Operation_GrowVolume{Volume: r, Addition: addition}
	case mesos.Offer_Operation_SHRINK_VOLUME:
		op.ShrinkVolume = &mesos.Offer_Operation_ShrinkVolume{Volume: r, Subtract: mesos.Value_Scalar{Value: 5}}
	default:
		w.launchOn(&op, r, o.AgentID)
	}
	return op, made
}

// fitting lists what a framework would do with a resource.
func fitting(r *mesos.Resource) []mesos.Offer_Operation_Type {
	switch {
	case persistent(r):
		return []mesos.Offer_Operation_Type{mesos.Offer_Operation_LAUNCH, mesos.Offer_Operation_DESTROY,
			mesos.Offer_Operation_GROW_VOLUME, mesos.Offer_Operation_SHRINK_VOLUME, mesos.Offer_Operation_RESERVE}
	case r.Name == "disk" && lastReservation(r) != nil:
		return []mesos.Offer_Operation_Type{mesos.Offer_Operation_CREATE, mesos.Offer_Operation_UNRESERVE}
	case dynamic(r):
		return []mesos.Offer_Operation_Type{mesos.Offer_Operation_LAUNCH, mesos.Offer_Operation_UNRESERVE}
	}
	return []mesos.Offer_Operation_Type{mesos.Offer_Operation_LAUNCH, mesos.Offer_Operation_RESERVE}
}

func reservedFor(role string, r mesos.Resource) mesos.Resource {
	typ := mesos.Resource_ReservationInfo_DYNAMIC
	r.Reservations = append(slices.Clone(r.Reservations), mesos.Resource_ReservationInfo{Type: &typ, Role: &role})
	return r
}

func withVolume(id string, r mesos.Resource) mesos.Resource {
	mode := mesos.RW
	disk := &mesos.Resource_DiskInfo{Volume: &mesos.Volume{Mode: &mode, ContainerPath: "data"},
		Persistence: &mesos.Resource_DiskInfo_Persistence{ID: id}}
	if r.Disk != nil {
		disk.Source = r.Disk.Source
	}
	r.Disk = disk
	return r
}

func (w *world) launchOn(op *mesos.Offer_Operation, r mesos.Resource, agent mesos.AgentID) {
	w.tasks++
	task := fmt.Sprint("t", w.tasks)
	info := mesos.TaskInfo{Name: task, TaskID: mesos.TaskID{Value: task}, Command: &mesos.CommandInfo{},
		AgentID: agent, Resources: []mesos.Resource{r}}
	op.Type, op.Launch = mesos.Offer_Operation_LAUNCH, &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{info}}
}

// asConfigured is resources without what operations made of them.
func asConfigured(r Resources) Resources {
	var sum Resources
	for _, one := range r.wire(resourceForm{refined: true}) {
		one = stripped(one)
		for dynamic(&one) {
			one = popped(one)
		}
		sum = sum.plus(parseResource(&one))
	}
	return sum
}

// checkOwned checks what an agent has against what it was given and what it said about it.
func (w *world) checkOwned(t *rapid.T, a *agent) {
	if plain := asConfigured(a.owned); !same(plain, w.configured) {
		t.Fatalf("agent %s: was given %s, but has %s", a.id, w.configured, a.owned)
	}
	again, err := Restore(w.configured.wire(resourceForm{refined: true}), w.kept[cmp.Or(a.id, a.former)])
	if err != nil || !same(parseResources(again), a.owned) {
		t.Fatalf("agent %s: has %s, but would start again with %s: %v", a.id, a.owned, parseResources(again), err)
	}
	if problem := uniqueIDProblem(a.owned); problem != "" && !w.refined[a.hostname] {
		t.Fatalf("agent %s: has %s: %s", a.id, a.owned, problem)
	}
	needed := map[string]bool{}
	for _, a := range w.c.hosts {
		for _, v := range volumesOf(a.owned) {
			needed[directory(cmp.Or(a.id, a.former), v)] = true
		}
	}
	if !maps.Equal(needed, w.volumes) {
		t.Fatalf("volumes need the directories %v, but there are %v", sortedKeys(needed), sortedKeys(w.volumes))
	}
}
