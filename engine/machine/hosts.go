package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// takeOffers keeps the offers and learns hosts from them: Mesos has no other way to tell that an agent exists.
func (m *Machine) takeOffers(now time.Time, batch []offers.Offer) {
	for _, o := range batch {
		m.offers[o.ID] = o
		m.noteHost(now, o)
	}
	m.takeProof(now, batch)
	m.noteLeftovers(batch)
}

// identity is what an agent says of itself.
type identity struct {
	site    offers.Site
	address string
	unkept  int // bytes of attributes that were left out of site
}

// maxAttributes bounds what is kept of an agent's attributes, in bytes: a host's record must fit a group of the store, also if each of them becomes
// six in JSON ("<" does), and with maxFacts of facts, of which three become four.
const maxAttributes = 12 << 10

// agent is one that offered.
type agent struct {
	id string
	identity
}

// liveAgents are those that claim to be one host: mostly one.
type liveAgents []agent

// find returns the place of an agent; -1 if it is not among them.
func (l liveAgents) find(id string) int {
	return slices.IndexFunc(l, func(a agent) bool { return a.id == id })
}

// identify leaves the attributes of an agent out from the one on with which they are too much.
func identify(o offers.Offer) identity {
	i := identity{site: o.Site, address: o.Address}
	size := 0
	for k, a := range o.Site.Attributes {
		if size += len(a.Name) + len(a.Value); size > maxAttributes && i.unkept == 0 {
			i.site.Attributes = o.Site.Attributes[:k:k]
			i.unkept = 1
		}
	}
	if i.unkept > 0 {
		i.unkept = size
		for _, a := range i.site.Attributes {
			i.unkept -= len(a.Name) + len(a.Value)
		}
	}
	return i
}

// is says whether the host is recorded as what the agent says.
func (h *Host) is(agent string, i identity) bool {
	return h.AgentID == agent && h.Hostname == i.site.Hostname && h.Address == i.address &&
		h.Region == i.site.Region && h.Zone == i.site.Zone && h.Unkept == i.unkept && slices.Equal(h.Attributes, i.site.Attributes)
}

func (h *Host) become(agent string, i identity) {
	h.AgentID, h.Hostname, h.Address = agent, i.site.Hostname, i.address
	h.Region, h.Zone, h.Attributes, h.Unkept = i.site.Region, i.site.Zone, i.site.Attributes, i.unkept
}

func (m *Machine) noteHost(now time.Time, o offers.Offer) {
	agents, is := m.agents[o.Host], identify(o)
	if i := agents.find(o.AgentID); i >= 0 {
		agents[i].identity = is
	} else {
		m.askReplaced(now, o.AgentID)
		m.agents[o.Host] = append(agents, agent{o.AgentID, is})
	}
	if m.hosts[o.Host] == nil {
		h := &Host{Key: o.Host, FirstSeen: now}
		h.become(o.AgentID, is)
		m.hosts[o.Host] = h
		m.touchHost(h)
		m.surveyed, m.deploy = false, nil
		return
	}
	m.adopt(o.Host)
}

// adopt makes the only live agent of a host the one that the host is. Which of several it is, is for the operator to say.
func (m *Machine) adopt(host string) {
	h := m.hosts[host]
	if h == nil || len(m.agents[host]) != 1 {
		return
	}
	if only := m.agents[host][0]; !h.is(only.id, only.identity) {
		m.moved[host] = m.moved[host] || h.AgentID != only.id
		h.become(only.id, only.identity)
		m.touchHost(h)
	}
}

// admitHosts finds out which hosts may not be used, and gives every other one a scout.
func (m *Machine) admitHosts(now time.Time) {
	scout := m.service.Scout()
	lost := m.lostState()
	before := m.hostHolds
	m.hostHolds = map[string][]plans.Hold{}
	for _, h := range m.sortedHosts() {
		holds := m.holdsOfHost(h)
		if lost != nil {
			holds = append([]plans.Hold{*lost}, holds...)
		}
		if (len(holds) > 0) != (len(before[h.Key]) > 0) {
			m.surveyed = false
		}
		if len(holds) > 0 {
			m.hostHolds[h.Key] = holds
			continue
		}
		if scout != "" && m.scouts[h.Key] == nil {
			m.newScout(now, h)
		}
	}
	m.sortPods()
}

// newScout makes the scout of a new host. While a run works, the host can't join it; its scout is recovery's until the next run, so that
// what the host carries is known by then. While an operator has paused the search for members, new hosts are left alone.
func (m *Machine) newScout(now time.Time, h *Host) {
	p := m.newPod(m.service.Scout(), h.Key)
	if h.Run == 0 && !m.run.FrozenAt.IsZero() && m.run.CompletedAt.IsZero() && !m.pausedDiscovery() {
		p.Fallen = now
	}
}

func (m *Machine) holdsOfHost(h *Host) []plans.Hold {
	if hold := m.service.Admit(*h); hold != nil {
		return []plans.Hold{*hold}
	}
	agents := m.agents[h.Key]
	if len(agents) < 2 {
		return nil
	}
	ids := make([]string, 0, len(agents))
	for _, a := range agents {
		ids = append(ids, a.id)
	}
	slices.Sort(ids)
	return []plans.Hold{{
		Code: plans.CodeDuplicate, Subject: h.Key,
		Text: fmt.Sprintf("host %s: %d live agents have this key (%s); give each agent its own --hostname, or name an attribute that differs with --host-key-attribute",
			h.Key, len(ids), strings.Join(ids, ", ")),
	}}
}

// reported returns the hosts whose scout has said what they carry, by key, without those that may not be used.
func (m *Machine) reported() []Host {
	out := make([]Host, 0, len(m.hosts))
	inspector, inspects := m.service.(Inspector)
	for _, h := range m.sortedHosts() {
		if len(m.hostHolds[h.Key]) > 0 || h.Facts == nil && m.service.Scout() != "" {
			continue
		}
		if inspects && h.Facts != nil && h.Inspected == nil {
			h.Inspected = inspector.Inspect(h.Facts)
		}
		out = append(out, *h)
	}
	return out
}
