package cluster

import (
	"maps"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
)

// RoleView is one role that somebody subscribes to, or that something is allocated or reserved to.
type RoleView struct {
	Name       string
	Frameworks []string // ids of those that subscribe to it or use something of it
	Allocated  []mesos.Resource
	Offered    []mesos.Resource
	Reserved   []mesos.Resource

	// ReservedUnallocated is what of Reserved nobody uses; a quota counts it nevertheless.
	ReservedUnallocated []mesos.Resource
}

// Roles lists the roles that are in use, by name.
func (c *Cluster) Roles() []RoleView {
	use := c.rolesInUse()
	var views []RoleView
	for _, name := range slices.Sorted(maps.Keys(use)) {
		u := use[name]
		idle := u.reserved.minus(u.allocated.allocated("").where(func(r *mesos.Resource) bool { return len(r.Reservations) > 0 }))
		views = append(views, RoleView{
			Name: name, Frameworks: u.frameworks, Allocated: u.allocated.wire(plain), Offered: u.offered.wire(plain),
			Reserved: u.reserved.wire(plain), ReservedUnallocated: idle.wire(plain),
		})
	}
	return views
}

// plain is the form of resources of which only the amounts matter.
var plain = resourceForm{refined: true}

type roleUse struct {
	frameworks                   []string
	allocated, offered, reserved Resources
}

func (c *Cluster) rolesInUse() map[string]*roleUse {
	use := map[string]*roleUse{}
	of := func(role string) *roleUse {
		if use[role] == nil {
			use[role] = &roleUse{}
		}
		return use[role]
	}
	join := func(f *framework, role string) *roleUse {
		u := of(role)
		if !slices.Contains(u.frameworks, f.id) {
			u.frameworks = append(u.frameworks, f.id)
		}
		return u
	}
	for _, f := range c.frameworks {
		for _, role := range f.roles() {
			join(f, role)
		}
		for _, q := range c.allocatedTo(f).list {
			u := join(f, q.kind.allocation)
			u.allocated = u.allocated.plus(Resources{list: []quantity{q}})
		}
		for _, o := range c.offersOf(f) {
			u := join(f, o.role)
			u.offered = u.offered.plus(o.resources)
		}
	}
	for _, a := range c.agents {
		for _, q := range a.total.list {
			if role := reservationRole(q.origin); role != "" {
				u := of(role)
				u.reserved = u.reserved.plus(Resources{list: []quantity{q}})
			}
		}
	}
	return use
}

// allRoles answers GET_ROLES. What a role has is what is allocated and offered to it, without any detail.
func (c *Cluster) allRoles() *master.Response_GetRoles {
	all := &master.Response_GetRoles{}
	use := c.rolesInUse()
	for _, name := range slices.Sorted(maps.Keys(use)) {
		u := use[name]
		role := mesos.Role{Name: name, Weight: 1}
		for _, id := range u.frameworks {
			role.Frameworks = append(role.Frameworks, mesos.FrameworkID{Value: id})
		}
		role.Resources = u.allocated.plus(u.offered).scalars()
		all.Roles = append(all.Roles, role)
	}
	return all
}

// scalars adds up scalars by name, whatever distinguishes them.
func (r Resources) scalars() []mesos.Resource {
	sum := map[string]int64{}
	for _, q := range r.list {
		if q.typ == mesos.SCALAR {
			sum[q.kind.name] += q.milli
		}
	}
	var list []mesos.Resource
	for _, name := range slices.Sorted(maps.Keys(sum)) {
		list = append(list, Scalar(name, float64(sum[name])/1000))
	}
	return list
}
