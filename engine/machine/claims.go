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
	// Host is where it was last.
	Host    string            `json:"host,omitempty"`
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
		for i := range r.Ports {
			r.Ports[i].Prior = p.Task.port(r.Ports[i].Name)
		}
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
	for i := range r.Volumes {
		for _, v := range p.Claim.Volumes {
			if v.Name == r.Volumes[i].Name {
				r.Volumes[i].Prior = v.ID
			}
		}
	}
	return r
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
	c.Host, c.Growing = at.Host, 0
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
	if p.Claim != nil && p.Claim.Growing == size && p.Task != nil {
		p.Claim.Growing = 0
		p.Failures++
		p.NextTry = now.Add(m.backoff(p))
		m.stunted[p.Name] = fmt.Sprintf("Mesos did not let a volume grow on host %s: its agent can't (RESIZE_VOLUME), or the framework may not", at.Host)
		m.touchPod(p)
		return false
	}
	m.claim(p, r, at)
	p.Claim.Growing = size
	return true
}

// proveClaim notes what is reserved for a pod, once the agent or the executor of a task that was launched with it says
// anything: then the master has taken the operations that came before the launch. What the master says proves nothing.
func (m *Machine) proveClaim(p *Pod, s TaskStatus) {
	t := p.Task
	if p.Claim == nil || t.Claim == nil || s.Source != "EXECUTOR" && s.Source != "AGENT" {
		return
	}
	if t.Claim.ID == p.Claim.ID {
		p.Claim, t.Claim = t.Claim, nil
		m.touchPod(p)
	}
}

// claimOf is what will be reserved for the pod if the launch succeeds; nil if nothing will.
func claimOf(r offers.Requirement, at offers.Placement) *PodClaim {
	if r.Claim == nil {
		return nil
	}
	c := &PodClaim{ID: r.Claim.ID, Host: at.Host, Held: at.Held}
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
			if p == nil || p.Task == nil || !p.Task.State.Unproven() || p.Claim == nil || p.Claim.ID != owned.ID || p.Claim.Host != batch[i].Host {
				continue
			}
			if m.vacated(p, m.offersOf(batch[i].Host, batch[i].Role)) {
				m.enterState(now, p, TaskStatus{
					TaskID: p.Task.ID, AgentID: batch[i].AgentID, State: Gone, Source: "MASTER",
					Message: "what is reserved for it is on offer, so it has ended",
				})
			}
		}
	}
}

// vacated says whether all of a pod's volumes and ports are on offer. Amounts prove nothing: a part of them may be left over from
// a time when the pod had more.
func (m *Machine) vacated(p *Pod, list []offers.Offer) bool {
	if len(p.Claim.Volumes) == 0 && len(p.Claim.Held.Ports) == 0 {
		return false
	}
	reserved := offers.Reserved(list, p.Name, offers.Claim{Service: m.service.Name(), ID: p.Claim.ID})
	if !reserved.Contains(offers.Quantities{Ports: p.Claim.Held.Ports}) {
		return false
	}
	for _, v := range p.Claim.Volumes {
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

// noteLeftovers finds what is reserved on a host for the service and for no pod of it: of pods that are no more, or of an
// earlier framework. It is only told: what is in a volume may be all that is left of somebody's data.
func (m *Machine) noteLeftovers(batch []offers.Offer) {
	found := map[string][]string{}
	for i := range batch {
		found[batch[i].Host] = append(found[batch[i].Host], m.leftoversIn(&batch[i])...)
	}
	for host, left := range found { // each host by itself, so the order does not matter
		switch {
		case len(left) > 0:
			m.leftovers[host] = left
		case len(m.leftovers[host]) > 0:
			delete(m.leftovers, host)
		}
	}
}

func (m *Machine) leftoversIn(o *offers.Offer) []string {
	var left []string
	for _, owned := range o.Owned(m.service.Name()) {
		if p := m.pods[owned.Pod]; p != nil && p.Claim != nil && p.Claim.ID == owned.ID && p.Claim.Host == o.Host {
			continue
		}
		held := offers.Reserved([]offers.Offer{*o}, owned.Pod, offers.Claim{Service: m.service.Name(), ID: owned.ID})
		left = append(left, fmt.Sprintf("%s for %s", cmp.Or(held.String(), "a volume"), owned.Pod))
	}
	return left
}

// lostState holds everything when nothing was ever launched by these records, and Mesos shows what an earlier framework has
// reserved for the service: then the records are probably not the right ones, and to begin anew would be to lay a second
// system over the first. What is there is never touched. (dcos-commons 679: a scheduler with the wrong records destroyed what
// it did not know.)
func (m *Machine) lostState() *plans.Hold {
	if m.cfg.IgnoreLeftovers || len(m.leftovers) == 0 || slices.ContainsFunc(m.order, func(p *Pod) bool { return p.Task != nil }) {
		return nil
	}
	hosts := slices.Sorted(maps.Keys(m.leftovers))
	return &plans.Hold{
		Code: plans.CodeConflict, Subject: hosts[0],
		Text: fmt.Sprintf("the state is empty, and on %d hosts something is reserved for %s already (%s: %s); start with the state that belongs to it, or with --ignore-leftovers to begin anew beside it",
			len(hosts), m.service.Name(), hosts[0], abbreviate(m.leftovers[hosts[0]], 3)),
	}
}
