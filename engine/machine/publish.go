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
		Plans: m.planViews(evaluations),
		Hosts: make([]HostView, 0, len(m.hosts)), Pods: make([]PodView, 0, len(m.order)),
		Warnings: m.warnings(),
	}
	for i := range v.Plans {
		v.Plans[i].Warnings = v.Warnings
	}
	for _, h := range m.sortedHosts() {
		v.Hosts = append(v.Hosts, HostView{
			Key: h.Key, Hostname: h.Hostname, Address: h.Address, AgentID: h.AgentID,
			FirstSeen: h.FirstSeen, ReportedAt: h.ReportedAt, HeardAt: m.heardAt[h.Key], Holds: m.holdsShown(h),
			Excluded: m.exclusion.Hosts[h.Key], Leftovers: m.leftoversShown(h.Key), Releases: m.releasesShown(h.Key),
		})
	}
	for _, p := range m.order {
		v.Pods = append(v.Pods, podView(p))
	}
	v.Strangers = m.strangersShown()
	return v
}

// planViews are the views of the plans. What has not changed since the last ones shares their memory.
func (m *Machine) planViews(evaluations []plans.Evaluation) []plans.View {
	views := make([]plans.View, len(evaluations))
	for i := range evaluations {
		if i < len(m.shown) {
			evaluations[i].View = plans.Share(m.shown[i], evaluations[i].View) // there as well, since they may be kept
		}
		views[i] = evaluations[i].View
	}
	m.shown = views
	return slices.Clone(views)
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

func podView(p *Pod) PodView {
	v := PodView{Name: p.Name, Type: p.Type, Host: p.Host, Consents: p.Consents}
	if c := p.Claim; c != nil {
		v.Claim = &ClaimView{Claim: c.ID, Host: c.Host, Role: c.Role, Text: c.words()}
		for _, volume := range c.Volumes {
			v.Claim.Volumes = append(v.Claim.Volumes, volume.ID)
		}
	}
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
		out = append(out, Stranger{TaskID: id, AgentID: s.Agent, State: s.State})
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

func (m *Machine) releasesShown(host string) []Release {
	var out []Release
	for _, r := range m.sortedReleases() {
		if r.Host == host {
			shown := *r
			shown.Operations = slices.Clone(r.Operations)
			out = append(out, shown)
		}
	}
	return out
}
