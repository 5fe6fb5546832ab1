package machine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// PodClaim is what is reserved for a pod, as far as that is proven: a task that was launched with it was heard of from its
// agent. See offers.Claim.
type PodClaim struct {
	ID string `json:"id"`
	// Host and Role are where it is, or where it was tried last.
	Host    string            `json:"host,omitempty"`
	Role    string            `json:"role,omitempty"`
	Held    offers.Quantities `json:"held"`
	Volumes []PodVolume       `json:"volumes,omitempty"`
	// Growing is the size of all volumes, in MB, that Mesos was asked to let them grow to; 0: it was not asked.
	Growing offers.Milli `json:"growing,omitempty"`
}

// proven says whether it is known that anything is reserved.
func (c *PodClaim) proven() bool { return !c.Held.IsZero() || len(c.Volumes) > 0 }

// PodVolume is a persistent volume of a pod.
type PodVolume struct {
	Name string `json:"name"`
	ID   string `json:"id"` // persistence id
}

// PodPort is a port that a task was given.
type PodPort struct {
	Name   string `json:"name"`
	Number uint64 `json:"number"`
}

// requirement is what the service says that a pod needs, with all that the pod has already. What was once reserved for a pod
// stays its own, also when the service would no longer ask for it.
//
// A claim that was never proven, and of which nothing is on offer, is left where it is if the pod may go elsewhere: under the
// same id there would be two of it if the first one shows up after all. owned are the claims on offer.
func (m *Machine) requirement(random [16]byte, p *Pod, owned map[offers.Owned]bool) offers.Requirement {
	r := m.service.Requirement(*p)
	r.Ports, r.Volumes = slices.Clone(r.Ports), slices.Clone(r.Volumes) // the service may keep them
	if p.Task != nil {
		p.Task.keepPorts(&r)
	}
	if r.Claim == nil && p.Claim == nil {
		return r
	}
	claim := offers.Claim{Service: m.service.Name(), Framework: m.frameworkID, Principal: m.cfg.Principal}
	if p.Claim == nil || !p.Bound && !p.Claim.proven() && !owned[offers.Owned{Pod: p.Name, ID: p.Claim.ID}] {
		claim.ID = uuid.NewSHA1(uuid.UUID(random), []byte("claim/"+p.Name)).String()
		r.Claim = &claim
		return r
	}
	claim.ID, claim.Held = p.Claim.ID, p.Claim.Held
	r.Claim = &claim
	if p.Claim.Role != "" { // a host that offers for several roles may have something of the pod in each
		r.Roles = []string{p.Claim.Role}
	}
	for i := range r.Volumes {
		for _, v := range p.Claim.Volumes {
			if v.Name == r.Volumes[i].Name {
				r.Volumes[i].Prior = v.ID
			}
		}
	}
	return r
}

// keepPorts asks for the numbers that the task was given, as far as there is a choice.
func (t *PodTask) keepPorts(r *offers.Requirement) {
	for i := range r.Ports {
		p := &r.Ports[i]
		number := t.port(p.Name)
		switch {
		case number == 0:
		case !p.Offset:
			p.Prior = number
		case number > p.Number:
			r.PortBase.Prior = number - p.Number
		}
	}
}

// port is the number of the port with the name, 0 if there is none.
func (t *PodTask) port(name string) uint64 {
	for _, p := range t.Ports {
		if p.Name == name {
			return p.Number
		}
	}
	return 0
}

// claim notes, before Mesos hears of it, under which id a pod's resources are reserved, and what of it is given back.
func (m *Machine) claim(p *Pod, r offers.Requirement, at offers.Placement) {
	if r.Claim == nil {
		return
	}
	c := PodClaim{ID: r.Claim.ID}
	if p.Claim != nil && p.Claim.ID == c.ID {
		c = *p.Claim
		c.Held = at.Kept
	}
	c.Host, c.Role, c.Growing = at.Host, at.Role, 0
	p.Claim = &c
	m.touchPod(p)
}

// grow notes that a pod's volumes grow before it is launched. It says no if Mesos was asked for that already and did not do it
// (an agent that can't, a right that the framework does not have): then the pod backs off.
func (m *Machine) grow(now time.Time, p *Pod, r offers.Requirement, at offers.Placement) bool {
	var size offers.Milli
	for _, v := range at.Volumes {
		size += v.Size
	}
	asked := p.Claim != nil && p.Claim.Growing == size && p.Task != nil
	if asked && len(p.Operations) > 0 {
		return false // Mesos is asked how it went: an ACCEPT may be lost with a session
	}
	if asked {
		m.notGrown(now, p, fmt.Sprintf("Mesos did not let a volume grow on host %s: its agent can't (RESIZE_VOLUME), or the framework may not", at.Host))
		return false
	}
	m.claim(p, r, at)
	p.Claim.Growing = size
	return true
}

// reasonUnknown says that an agent does not have the resources that a task was to be launched with.
const reasonUnknown = "RESOURCES_UNKNOWN"

// notGrown lets a pod back off whose volume Mesos did not let grow.
func (m *Machine) notGrown(now time.Time, p *Pod, why string) {
	p.Claim.Growing = 0
	p.Failures++
	if p.Task != nil {
		p.NextTry = now.Add(m.backoff(p, p.Failures, m.cfg.BackoffMax))
	}
	m.stunted[p.Name] = why
	m.touchPod(p)
}

// forgetGrowth: a call that failed has let nothing grow, and that is nobody's fault.
func (m *Machine) forgetGrowth(c Accept) {
	for i := range c.Operations {
		op := &c.Operations[i]
		if op.Type != offers.GrowVolume {
			continue
		}
		for _, owned := range (offers.Offer{Rest: []offers.Resource{op.Volume}}).Owned(m.service.Name()) {
			if p := m.pods[owned.Pod]; p != nil && p.Claim != nil && p.Claim.Growing != 0 {
				p.Claim.Growing = 0
				m.touchPod(p)
			}
		}
	}
}

// proveClaim notes what is reserved for a pod, once the agent or the executor of a task that was launched with it says that it has had the task:
// then it has carried out the operations that came before the launch. What the master says proves nothing, and neither does an agent that has
// dropped a task: it may never have heard of it, nor of the operations, because it was out of reach when they were sent.
func (m *Machine) proveClaim(p *Pod, s TaskStatus) {
	t := p.Task
	heard := (s.Source == "EXECUTOR" || s.Source == "AGENT") && s.State != Dropped && s.Reason != reasonUnknown
	if !heard || p.Claim == nil || t.Claim == nil || t.Claim.ID != p.Claim.ID {
		return
	}
	if proven := t.Claim.with(p.Claim.Volumes); !p.Claim.equal(&proven) {
		p.Claim = &proven
		m.touchPod(p)
	}
	m.forgetOperations(p)
}

// with is the claim with volumes that the pod has besides: those that the service does not ask for any more keep their data, and stay the pod's.
func (c *PodClaim) with(others []PodVolume) PodClaim {
	all := *c
	for _, v := range others {
		if !slices.ContainsFunc(c.Volumes, func(has PodVolume) bool { return has.Name == v.Name }) {
			all.Volumes = append(slices.Clip(all.Volumes), v)
		}
	}
	return all
}

func (c *PodClaim) equal(o *PodClaim) bool {
	return c.ID == o.ID && c.Host == o.Host && c.Role == o.Role && c.Growing == o.Growing && c.Held.Equal(o.Held) && slices.Equal(c.Volumes, o.Volumes)
}

// claimOf is what will be reserved for the pod if the launch succeeds; nil if nothing will.
func claimOf(r offers.Requirement, at offers.Placement) *PodClaim {
	if r.Claim == nil {
		return nil
	}
	c := &PodClaim{ID: r.Claim.ID, Host: at.Host, Role: at.Role, Held: at.Held}
	for _, v := range at.Volumes {
		c.Volumes = append(c.Volumes, PodVolume{Name: v.Name, ID: v.ID})
	}
	return c
}

// portsOf names the numbers that a placement gave to a requirement's ports.
func portsOf(r offers.Requirement, at offers.Placement) []PodPort {
	var ports []PodPort
	for i, number := range at.Ports {
		ports = append(ports, PodPort{Name: r.Ports[i].Name, Number: number})
	}
	return ports
}

// growing is why a pod is not launched although it fits.
func growing(p *Pod, at offers.Placement) plans.Hold {
	text := fmt.Sprintf("a volume of pod %s grows on host %s; it is launched with the next offer", p.Name, at.Host)
	return plans.Hold{Code: plans.CodeNoMatch, Subject: p.Name, Text: text}
}

// takeProof finds tasks of which nobody knew whether they run, and whose reservations are on offer: what is on offer is in no
// task's use, so they have ended.
func (m *Machine) takeProof(now time.Time, batch []offers.Offer) {
	for i := range batch {
		for _, owned := range batch[i].Owned(m.service.Name()) {
			p := m.pods[owned.Pod]
			if p == nil || p.Task == nil || !p.Task.State.Unproven() || p.Task.Claim == nil || p.Task.Claim.ID != owned.ID || p.Task.Claim.Host != batch[i].Host {
				continue
			}
			if m.vacated(p.Task, batch[i].AgentID, m.offersOf(batch[i].Host, batch[i].Role)) {
				m.enterState(now, p, TaskStatus{
					TaskID: p.Task.ID, AgentID: batch[i].AgentID, State: Gone, Source: "MASTER",
					Message: "what is reserved for it is on offer, so it has ended",
				})
			}
		}
	}
}

// vacated says whether all that a task was launched with is on offer: its volumes and its ports, of which there is only one
// each. If it had neither, amounts must do; but on the agent of the task itself they prove nothing, because a part of them may
// be left over from a time when the pod had more.
func (m *Machine) vacated(t *PodTask, agent string, list []offers.Offer) bool {
	took := t.Claim
	if len(took.Volumes) == 0 && len(took.Held.Ports) == 0 && agent == t.AgentID || !took.proven() {
		return false
	}
	pod := m.byTask[t.ID].Name
	if !offers.Reserved(list, pod, offers.Claim{Service: m.service.Name(), ID: took.ID}).Contains(took.Held) {
		return false
	}
	for _, v := range took.Volumes {
		if !slices.ContainsFunc(list, func(o offers.Offer) bool { return o.HasVolume(v.ID) }) {
			return false
		}
	}
	return true
}

// offersOf are the offers of a host for a role, sorted by id.
func (m *Machine) offersOf(host, role string) []offers.Offer {
	var out []offers.Offer
	for _, o := range m.offers {
		if o.Host == host && o.Role == role {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b offers.Offer) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// leftover is what is reserved for no pod, in words.
type leftover struct {
	Owned  offers.Owned
	Text   string
	Role   string `json:",omitempty"`
	Volume bool   `json:",omitempty"` // a volume is among it, with its data
}

// noteLeftovers finds what is reserved on a host for the service and for no pod of it: of pods that are no more, or of an
// earlier framework. It is only told: what is in a volume may be all that is left of somebody's data. A host that offers
// without it has not lost it (an agent offers in pieces), so it is told until the framework starts again.
func (m *Machine) noteLeftovers(batch []offers.Offer) {
	for i := range batch {
		o := &batch[i]
		for _, owned := range o.Owned(m.service.Name()) {
			if m.owns(owned, o.Host) {
				continue
			}
			held := offers.Reserved(batch[i:i+1], owned.Pod, offers.Claim{Service: m.service.Name(), ID: owned.ID})
			volume := slices.ContainsFunc(o.Rest, func(r offers.Resource) bool {
				return r.Persistent() && slices.Contains((offers.Offer{Rest: []offers.Resource{r}}).Owned(m.service.Name()), owned)
			})
			m.leftovers[o.Host] = append(slices.DeleteFunc(m.leftovers[o.Host], func(l leftover) bool { return l.Owned == owned }),
				leftover{owned, fmt.Sprintf("%s for %s", cmp.Or(held.String(), "a volume"), owned.Pod), o.Role, volume})
			m.changed = true
		}
	}
}

// owns says whether a claim is that of a pod which has it on the host.
func (m *Machine) owns(owned offers.Owned, host string) bool {
	p := m.pods[owned.Pod]
	return p != nil && p.Claim != nil && p.Claim.ID == owned.ID && p.Claim.Host == host
}

// leftoversOn lists what is left over on a host, without what a pod has by now.
func (m *Machine) leftoversOn(host string) []string {
	var left []string
	for _, l := range m.leftoverClaims(host) {
		left = append(left, l.Text)
	}
	slices.Sort(left)
	return left
}

// leftoverClaims is the same, without what is being given back, by claim.
func (m *Machine) leftoverClaims(host string) []leftover {
	var left []leftover
	for _, l := range m.leftovers[host] {
		if _, released := m.releases[l.Owned.ID]; !released && !m.owns(l.Owned, host) {
			left = append(left, l)
		}
	}
	slices.SortFunc(left, func(a, b leftover) int {
		return cmp.Or(strings.Compare(a.Owned.Pod, b.Owned.Pod), strings.Compare(a.Owned.ID, b.Owned.ID))
	})
	return left
}

// lostState holds everything when nothing but scouts was ever launched by these records, and Mesos shows what an earlier
// framework has reserved for the service: then the records are probably not the right ones, and to begin anew would be to lay a second
// system over the first. What is there is never touched. (dcos-commons 679: a scheduler with the wrong records destroyed what
// it did not know.)
func (m *Machine) lostState() *plans.Hold {
	if m.cfg.IgnoreLeftovers || len(m.leftovers) == 0 || slices.ContainsFunc(m.order, m.launchedOnce) {
		return nil
	}
	hosts := slices.DeleteFunc(slices.Sorted(maps.Keys(m.leftovers)), func(host string) bool { return len(m.leftoverClaims(host)) == 0 })
	if len(hosts) == 0 {
		return &plans.Hold{
			Code: plans.CodeConflict, Subject: m.service.Name(),
			Text: fmt.Sprintf("the state is empty, and what was reserved for %s on %d hosts is being given back; waits until that is done", m.service.Name(), len(m.leftovers)),
		}
	}
	return &plans.Hold{
		Code: plans.CodeConflict, Subject: hosts[0],
		Text: fmt.Sprintf("the state is empty, and on %d hosts something is reserved for %s already (%s: %s); start with the state that belongs to it, or with --ignore-leftovers to begin anew beside it",
			len(hosts), m.service.Name(), hosts[0], abbreviate(m.leftoversOn(hosts[0]), 3)),
	}
}

// launchedOnce says whether the pod, one that is no scout, was ever launched.
func (m *Machine) launchedOnce(p *Pod) bool { return p.Task != nil && p.Type != m.service.Scout() }
