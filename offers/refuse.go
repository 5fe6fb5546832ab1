package offers

import (
	"cmp"
	"slices"
	"strings"
)

// Limits of what a result holds, so that it stays small with ten thousand hosts.
const (
	// MaxRefusals is how many refusals of hosts it holds at most; a host may have several.
	MaxRefusals = 100
	// MaxKinds is how many kinds of refusals are told apart at most; all further ones count as CodeOther.
	MaxKinds = 24
	// maxPortSets is how many different sets of missing ports are told. Beyond that, the hosts are counted for each port.
	maxPortSets = 8
)

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
	CodePortClash   Code = "port-clash"  // a port is used by another pod of ours on the host
	CodePortBase    Code = "port-base"   // there is no base from which all ports with an offset are free
	CodePortAny     Code = "port-any"    // no number is left for a port that takes any
	CodeMount       Code = "mount"       // no MOUNT disk that is large enough, or has the path or profile
	CodeVolume      Code = "volume"      // a volume that the pod has is not on offer
	CodeHeld        Code = "held"        // what is reserved for the pod is not on offer, or not all of it
	CodeElsewhere   Code = "elsewhere"   // what is reserved for the pod is on another host
	CodeRole        Code = "role"        // nothing on offer for a role that will do
	CodeConstraint  Code = "constraint"  // a clause of the placement constraint excludes the host
	CodeColocate    Code = "colocate"    // no pod of the type that it must be with
	CodeAvoid       Code = "avoid"       // a pod of a type that it must not be with
	CodeMaintenance Code = "maintenance" // the agent is scheduled for maintenance, and the pod is new there
	CodeOther       Code = "other"       // further kinds, in summaries only
)

// Refusal is a typed "no" of one host to one requirement.
type Refusal struct {
	Code Code
	Host string
	// Role is the role of the offers that were looked at, or the one that the resources were to be set aside for; empty if
	// none was looked at.
	Role     string
	Resource string // cpus, mem, disk, ports; empty if it is not about a resource
	// Name is the volume or port that it is about, if there are several; or what else names it: a pod type, a path.
	Name string
	// Clause is the clause of the constraint.
	Clause string
	// Need is an amount, or the ports that are missing or in use. Have is an amount, the ports on offer, or the window of maintenance.
	Need string
	Have string
}

// Nearest is the host that lacks least.
type Nearest struct {
	Host  string
	Role  string // of the offers that were looked at
	Lacks []Lack
}

// Lack is what would have to be there besides.
type Lack struct {
	Resource string
	More     string // an amount, or ports
}

// lack is a refusal before it is put in words: with ten thousand hosts, most are only counted.
type lack struct {
	code     Code
	role     string
	byRole   bool // there is a choice of roles, so that it matters which it is
	resource string
	name     string
	text     string // a path, a persistence id, a pod type
	clause   *Clause
	full     bool    // the clause would allow the host, if there were fewer pods
	need     Milli   // of a scalar
	have     Milli   // of a scalar
	ports    []Range // that are missing or in use
	offered  []Range // ports on offer
	count    int     // of disks
	window   *Unavailability
}

func (l *lack) refusal(host string) Refusal {
	r := Refusal{Code: l.code, Host: host, Role: l.role, Resource: l.resource, Name: cmp.Or(l.name, l.text)}
	switch l.code {
	case CodeScalar:
		r.Need, r.Have = l.need.String(), l.have.String()
	case CodeMount:
		r.Need, r.Have = l.need.String(), l.have.String()
		if l.text != "" {
			r.Name = l.text
		}
		if l.count == 0 {
			r.Have = ""
		}
	case CodeHeld:
		switch l.resource {
		case "":
			r.Have = l.text
		case "ports":
			r.Need, r.Have = showRanges(l.ports), showRanges(l.offered)
		default:
			r.Need, r.Have = l.need.String(), l.have.String()
		}
	case CodePorts, CodePortBase, CodePortAny:
		r.Need, r.Have = showRanges(l.ports), showRanges(l.offered)
		if l.text != "" {
			r.Have = ""
		}
	case CodePortClash:
		r.Need = showRanges(l.ports)
	case CodeVolume:
		r.Need = l.text
	case CodeConstraint:
		r.Clause = l.clause.String()
	case CodeRole:
		r.Have = l.text
		r.Name = ""
	case CodeMaintenance:
		r.Have = l.window.String()
	}
	return r
}

// same says whether two lacks are of one kind: they differ only in what the hosts have.
func (l *lack) same(o *lack) bool {
	return l.code == o.code && l.resource == o.resource && l.name == o.name && l.text == o.text && (l.role == o.role || !l.byRole) &&
		l.clause == o.clause && l.need == o.need && slices.Equal(l.ports, o.ports)
}

// verdict is a refusal that is kept for the next requirement like it.
type verdict struct {
	requirement *Requirement
	version     int
	result      Result
}

// refuse gathers why none of the hosts will do.
func (p *pool) refuse(n *need, hosts []host) Result {
	switch {
	case len(hosts) == 0 && n.Host != "":
		return p.absent(n.Host)
	case len(hosts) == 0:
		none := Refusal{Code: CodeNoOffer}
		return Result{Refusals: []Refusal{none}, Refused: 1, Summary: []Tally{{Refusal: none}}}
	}
	_, known := p.census.byName[n.Subject]
	same := !known && !n.bound
	if v := &p.refused; same && v.requirement != nil && v.version == p.version && alike(v.requirement, n.Requirement) {
		return v.result.clone()
	}
	g := gathering{pool: p, need: n, result: Result{Hosts: len(hosts)}}
	for i := range hosts {
		g.host(&hosts[i])
	}
	result := g.done()
	if same {
		p.refused = verdict{n.Requirement, p.version, result.clone()}
	}
	return result
}

// clone shares nothing with the result, so that callers may change what they are given.
func (r Result) clone() Result {
	r.Refusals, r.Summary = slices.Clone(r.Refusals), slices.Clone(r.Summary)
	if r.Nearest != nil {
		r.Nearest = &Nearest{Host: r.Nearest.Host, Role: r.Nearest.Role, Lacks: slices.Clone(r.Nearest.Lacks)}
	}
	return r
}

// absent refuses for want of an offer from the host to which a requirement is bound.
func (p *pool) absent(key string) Result {
	none := Refusal{Code: CodeNoOffer, Host: key}
	res := Result{Refusals: []Refusal{none}, Refused: 1, Summary: []Tally{{Refusal: none, Hosts: 1}}}
	if n := len(p.hosts); n > 0 {
		res.Summary = append(res.Summary, Tally{Refusal: Refusal{Code: CodeOtherHost, Host: p.hosts[0].key}, Hosts: n})
	}
	return res
}

// gathering counts lacks of many hosts, and puts the first ones in words.
type gathering struct {
	pool   *pool
	need   *need
	result Result
	kinds  []kind
	others kind
	counts []kind // of single ports that are missing, by number
	sets   int    // of missing ports, that were told apart
	best   []lack // kept from host to host, to save memory
	// near is the host that lacks least so far.
	near     string
	nearness float64
	nearBy   []lack
}

// kind is lacks that differ only in what the hosts have.
type kind struct {
	lack
	host  string
	hosts int
	mixed bool
	last  string // the host that was counted last
}

// host adds everything that keeps a host from having what is needed. If it has several slots, the one counts that comes
// nearest.
func (g *gathering) host(h *host) {
	if l := g.hostLack(h); l.code != "" {
		g.add(h.key, &l)
		return
	}
	a := g.pool.scratch.init(g.pool)
	least := -1.0
	for i := range h.slots {
		s := &h.slots[i]
		if !g.pool.admits(s, g.need) {
			continue
		}
		a.try(g.need, s, true)
		if near := nearness(a.lacks); least < 0 || near < least {
			least = near
			g.best = append(g.best[:0], a.lacks...)
			for k := range g.best {
				g.best[k].role, g.best[k].byRole = g.roleOf(s)
			}
		}
	}
	for i := range g.best {
		g.add(h.key, &g.best[i])
	}
	if measurable(g.best) && (g.near == "" || least < g.nearness) {
		g.near, g.nearness = h.key, least
		g.nearBy = append(g.nearBy[:0], g.best...)
	}
}

// hostLack is why a host is not looked at more closely; none if it is.
func (g *gathering) hostLack(h *host) lack {
	p, n := g.pool, g.need
	if n.bound && !n.heldOn(h) {
		if n.elsewhere != "" {
			return lack{code: CodeElsewhere, text: n.elsewhere}
		}
		return lack{code: CodeHeld, name: n.Subject, text: p.census.last(n.Subject)}
	}
	if l := p.excluded(h, n); l.code != "" {
		return l
	}
	var window *Unavailability
	for i := range h.slots {
		s := &h.slots[i]
		if p.admits(s, n) {
			return lack{}
		}
		if window == nil && n.considers(s) && n.willDo(s) {
			window = s.unavailability
		}
	}
	if window != nil {
		return lack{code: CodeMaintenance, window: window}
	}
	return lack{code: CodeRole, text: h.roles(n)}
}

// roles lists the roles that the host's offers are for, as far as they come into question.
func (h *host) roles(n *need) string {
	var roles []string
	for i := range h.slots {
		if r := h.slots[i].role(); n.considers(&h.slots[i]) && !slices.Contains(roles, r) {
			roles = append(roles, r)
		}
	}
	return strings.Join(roles, ", ")
}

// roleOf is the role of a refusal, and whether there was a choice.
func (g *gathering) roleOf(s *slot) (role string, choice bool) {
	return cmp.Or(g.need.PreReserved, s.role()), g.need.choosesRole()
}

// choosesRole says whether it matters for refusals what role they are about.
func (r *Requirement) choosesRole() bool { return r.PreReserved != "" || len(r.Roles) > 1 }

// nearness is how much is missing. An amount may become free, so that counts by the share that is missing; a port or a disk
// that an agent does not have counts for more than any amount.
func nearness(lacks []lack) float64 {
	var sum float64
	for i := range lacks {
		l := &lacks[i]
		switch {
		case l.code != CodeScalar:
			sum += 3
		case l.need > 0:
			sum += 1 + float64(l.need-l.have)/float64(l.need)
		}
	}
	return sum
}

// measurable says whether all lacks are such that more of something would mend them.
func measurable(lacks []lack) bool {
	for i := range lacks {
		switch lacks[i].code {
		case CodeScalar, CodePorts, CodeMount:
		default:
			return false
		}
	}
	return len(lacks) > 0
}

func (g *gathering) add(host string, l *lack) {
	g.result.Refused++
	if len(g.result.Refusals) < MaxRefusals {
		g.result.Refusals = append(g.result.Refusals, l.refusal(host))
	}
	if l.code == CodePorts {
		g.countPorts(host, l)
	}
	for i := range g.kinds {
		k := &g.kinds[i]
		if !k.same(l) {
			continue
		}
		k.hosts++
		k.mixed = k.mixed || k.have != l.have || !slices.Equal(k.offered, l.offered)
		k.have, k.count = max(k.have, l.have), max(k.count, l.count)
		return
	}
	if l.code == CodePorts {
		if g.sets++; g.sets > maxPortSets {
			return // they are counted by port
		}
	}
	if len(g.kinds) == MaxKinds {
		if g.others.last != host {
			g.others.hosts++
			g.others.lack, g.others.last = lack{code: CodeOther}, host
			g.others.host = cmp.Or(g.others.host, host)
		}
		return
	}
	g.kinds = append(g.kinds, kind{lack: *l, host: host, hosts: 1})
}

// countPorts counts each missing port by itself.
func (g *gathering) countPorts(host string, l *lack) {
	for _, r := range l.ports {
		for number := r.Begin; number <= r.End; number++ {
			at, known := slices.BinarySearchFunc(g.counts, number, func(k kind, n uint64) int { return cmp.Compare(k.ports[0].Begin, n) })
			if !known {
				one := kind{lack: *l, host: host}
				one.ports = []Range{{number, number}}
				g.counts = slices.Insert(g.counts, at, one)
			}
			k := &g.counts[at]
			k.mixed = k.mixed || k.hosts > 0 && !slices.Equal(k.offered, l.offered)
			k.hosts++
		}
	}
}

func (g *gathering) done() Result {
	if g.sets > maxPortSets {
		g.kinds = slices.DeleteFunc(g.kinds, func(k kind) bool { return k.code == CodePorts })
		slices.SortStableFunc(g.counts, func(a, b kind) int { return cmp.Compare(b.hosts, a.hosts) })
		g.kinds = append(g.kinds, g.counts[:min(len(g.counts), max(1, MaxKinds-len(g.kinds)))]...)
	}
	for i := range g.kinds {
		k := &g.kinds[i]
		g.result.Summary = append(g.result.Summary, Tally{Refusal: k.refusal(k.host), Hosts: k.hosts, Mixed: k.mixed})
	}
	slices.SortStableFunc(g.result.Summary, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(b.Hosts, a.Hosts), strings.Compare(string(a.Code), string(b.Code)), strings.Compare(a.Clause, b.Clause),
			strings.Compare(a.Resource, b.Resource), strings.Compare(a.Name, b.Name), strings.Compare(a.Need, b.Need))
	})
	if k := &g.others; k.hosts > 0 {
		g.result.Summary = append(g.result.Summary, Tally{Refusal: k.refusal(k.host), Hosts: k.hosts})
	}
	if g.near != "" {
		g.result.Nearest = &Nearest{Host: g.near, Role: g.nearBy[0].role}
		for i := range g.nearBy {
			g.result.Nearest.Lacks = append(g.result.Nearest.Lacks, g.nearBy[i].more())
		}
	}
	return g.result
}

// more is what would mend a lack.
func (l *lack) more() Lack {
	switch {
	case l.code == CodePorts:
		return Lack{"ports", showRanges(l.ports)}
	case l.code == CodeMount && l.text != "" && l.count > 0:
		return Lack{"MOUNT disk", l.text + " of " + l.need.String() + " MB"}
	case l.code == CodeMount && l.text != "":
		return Lack{"MOUNT disk", l.text}
	case l.code == CodeMount:
		return Lack{"MOUNT disk", l.need.String()}
	}
	return Lack{l.resource, (l.need - l.have).String()}
}
