package machine

import (
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// publish returns a new view if a reader could see a difference, at most one every ViewInterval unless an operator waits for it.
func (m *Machine) publish(now time.Time, evaluations []plans.Evaluation) *View {
	if !m.changed {
		return nil
	}
	if next := m.viewed.Add(m.cfg.ViewInterval); !m.urgent && !m.viewed.IsZero() && now.Before(next) {
		m.wakeAt(next)
		return nil
	}
	m.changed, m.urgent, m.viewed = false, false, now
	m.revision++
	return m.view(now, evaluations)
}

func (m *Machine) view(now time.Time, evaluations []plans.Evaluation) *View {
	v := &View{
		Revision: m.revision, At: now,
		Service: m.service.Name(), FrameworkID: m.frameworkID,
		Connection: m.connection, Target: m.target.Target,
		Plans: m.shown.share(evaluations),
		Hosts: m.hostViews(), Pods: m.podViews(),
		Warnings: m.warnings(),
	}
	for i := range v.Plans {
		v.Plans[i].Warnings = v.Warnings
	}
	v.Strangers = m.strangersShown()
	return v
}

func (m *Machine) hostViews() []HostView {
	next := rows[HostView]{before: m.shown.hosts, n: len(m.hosts)}
	releases := m.releasesShown()
	for _, h := range m.sortedHosts() {
		v := HostView{
			Key: h.Key, Hostname: h.Hostname, Address: h.Address, AgentID: h.AgentID,
			FirstSeen: h.FirstSeen, ReportedAt: h.ReportedAt, HeardAt: m.heardAt[h.Key], Holds: m.holdsShown(h),
			Excluded: m.exclusion.Hosts[h.Key], Leftovers: m.leftoversShown(h.Key), Releases: releases[h.Key],
		}
		next.add(&v, (*HostView).equal)
	}
	m.shown.hosts = next.done()
	return m.shown.hosts
}

func (m *Machine) podViews() []PodView {
	next, claims := rows[PodView]{before: m.shown.pods, n: len(m.order)}, rows[*PodClaim]{before: m.shown.claims, n: len(m.order)}
	for i, p := range m.order {
		var claim *ClaimView
		if i < len(m.shown.claims) && m.shown.claims[i] == p.Claim {
			claim = m.shown.pods[i].Claim
		} else {
			claim = p.Claim.view()
		}
		v := podView(p, claim)
		next.add(&v, (*PodView).equal)
		claims.add(&p.Claim, func(a, b **PodClaim) bool { return *a == *b })
	}
	m.shown.pods, m.shown.claims = next.done(), claims.done()
	return m.shown.pods
}

// holdsShown says why a host has no part in the current run.
func (m *Machine) holdsShown(h *Host) []plans.Hold {
	if holds := m.hostHolds[h.Key]; len(holds) > 0 {
		return holds
	}
	if h.Run != 0 || h.Left != 0 {
		return nil
	}
	return []plans.Hold{{
		Code: plans.CodeDiscovering, Subject: h.Key, Since: h.FirstSeen,
		Text: "host " + h.Key + ": came after the members of this run were frozen; joins the next run of " + DeployPlan,
	}}
}

// view is what a claim shows; nil if there is none.
func (c *PodClaim) view() *ClaimView {
	if c == nil {
		return nil
	}
	v := &ClaimView{Claim: c.ID, Host: c.Host, Role: c.Role, Text: c.words()}
	for _, volume := range c.Volumes {
		v.Volumes = append(v.Volumes, volume.ID)
	}
	return v
}

// podView is what a pod shows, with its claim.
func podView(p *Pod, claim *ClaimView) PodView {
	v := PodView{Name: p.Name, Type: p.Type, Host: p.Host, Consents: p.Consents, Claim: claim}
	for _, r := range p.Replaced {
		v.Replaced = append(v.Replaced, ReplacedView{TaskID: r.TaskID, AgentID: r.AgentID, Seen: r.Seen})
	}
	if t := p.Task; t != nil {
		v.TaskID, v.AgentID, v.State, v.Since = t.ID, t.AgentID, t.State, t.StateAt
		v.Healthy, v.Message = t.State == Running && !t.Healthy.IsZero(), t.Message
		if t.Sick != "" {
			v.Message = t.Sick
		}
	}
	return v
}

// strangersShown lists the tasks of no pod by id.
func (m *Machine) strangersShown() []Stranger {
	var out []Stranger
	for id, s := range m.strangers {
		out = append(out, Stranger{TaskID: id, AgentID: s.Agent, State: s.State, Since: s.Since})
	}
	slices.SortFunc(out, func(a, b Stranger) int { return strings.Compare(a.TaskID, b.TaskID) })
	return out
}

func (m *Machine) leftoversShown(host string) []LeftoverView {
	var out []LeftoverView
	for _, l := range m.leftoverClaims(host) {
		out = append(out, LeftoverView{Claim: l.Owned.ID, Pod: l.Owned.Pod, Text: l.Text, Volume: l.Volume})
	}
	return out
}

// releasesShown are what is being given back, by host.
func (m *Machine) releasesShown() map[string][]Release {
	out := map[string][]Release{}
	for _, r := range m.sortedReleases() {
		shown := *r
		shown.Operations = slices.Clone(r.Operations)
		out[r.Host] = append(out[r.Host], shown)
	}
	return out
}
