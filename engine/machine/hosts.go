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
}

func (m *Machine) noteHost(now time.Time, o offers.Offer) {
	agents := m.agents[o.Host]
	if agents == nil {
		agents = map[string]bool{}
		m.agents[o.Host] = agents
	}
	agents[o.AgentID] = true

	h := m.hosts[o.Host]
	if h == nil {
		h = &Host{Key: o.Host, Hostname: o.Hostname, Address: o.Address, AgentID: o.AgentID, FirstSeen: now}
		m.hosts[o.Host] = h
		m.touchHost(h)
		m.surveyed = false
		return
	}
	if len(agents) > 1 {
		return // which of them is the host is for the operator to say
	}
	if h.AgentID != o.AgentID || h.Hostname != o.Hostname || h.Address != o.Address {
		h.AgentID, h.Hostname, h.Address = o.AgentID, o.Hostname, o.Address
		m.touchHost(h)
	}
}

// admitHosts finds out which hosts may not be used, and gives every other one a scout.
func (m *Machine) admitHosts(now time.Time) {
	scout := m.service.Scout()
	before := m.hostHolds
	m.hostHolds = map[string][]plans.Hold{}
	for _, h := range m.sortedHosts() {
		holds := m.holdsOfHost(h)
		if (len(holds) > 0) != (len(before[h.Key]) > 0) {
			m.surveyed = false
		}
		if len(holds) > 0 {
			m.hostHolds[h.Key] = holds
			continue
		}
		if scout != "" && m.scouts[h.Key] == nil {
			m.newPod(scout, h.Key)
		}
	}
	m.sortPods()
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
	for id := range agents {
		ids = append(ids, id)
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
	var out []Host
	for _, h := range m.sortedHosts() {
		if len(m.hostHolds[h.Key]) == 0 && (h.Facts != nil || m.service.Scout() == "") {
			out = append(out, *h)
		}
	}
	return out
}
