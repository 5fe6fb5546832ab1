package machine

import (
	"fmt"

	"github.com/quobyte/mesos-framework/plans"
)

// warnings are things to look at that hold up nothing, most fundamental first. An outage must not look like peace only because all plans
// are complete.
func (m *Machine) warnings() []plans.Hold {
	var out []plans.Hold
	if !m.connection.Connected {
		out = append(out, m.disconnected())
	}
	out = append(out, m.sickPods()...)
	out = append(out, m.quietHosts()...)
	out = append(out, m.longAttributes()...)
	out = append(out, m.surveyWarnings()...)
	out = append(out, m.leftoverWarnings()...)
	out = append(out, m.releaseWarnings()...)
	out = append(out, m.strangerWarnings()...)
	out = append(out, m.exclusionWarnings()...)
	return append(out, m.staleSettings()...)
}

// sickPods tells of pods that were ready once and run without being so. One that is excepted was given up by somebody who knows.
func (m *Machine) sickPods() []plans.Hold {
	var sick []string
	for _, p := range m.order {
		if p.Completed == "" || p.Task == nil || p.Task.State != Running || !p.Task.Healthy.IsZero() || m.excepted(p) {
			continue
		}
		name := p.Name
		if p.Task.Sick != "" {
			name += " (" + p.Task.Sick + ")"
		}
		sick = append(sick, name)
	}
	if len(sick) == 0 {
		return nil
	}
	return []plans.Hold{{
		Code: plans.CodeUnhealthy, Subject: m.service.Name(),
		Text: fmt.Sprintf("%d of %d pods run and are not ready: %s", len(sick), len(m.order), abbreviate(sick, 5)),
	}}
}

// longAttributes tells of agents that say more of themselves than can be kept: constraints do not see the rest.
func (m *Machine) longAttributes() []plans.Hold {
	var out []plans.Hold
	for _, h := range m.sortedHosts() {
		if h.Unkept > 0 {
			out = append(out, plans.Hold{
				Code: plans.CodeExcluded, Subject: h.Key, Since: h.FirstSeen, Need: fmt.Sprint(maxAttributes),
				Text: fmt.Sprintf("host %s: %d bytes of its agent's attributes are left out, of which at most %d can be kept; constraints do not see them", h.Key, h.Unkept, maxAttributes),
			})
		}
	}
	return out
}

// quietHosts tells of scouts that were not heard in time, or are not heard any more.
func (m *Machine) quietHosts() []plans.Hold {
	var out []plans.Hold
	for _, h := range m.sortedHosts() {
		switch {
		case h.Left != 0 && h.Facts == nil:
			out = append(out, plans.Hold{
				Code: plans.CodeMissing, Subject: h.Key, Since: h.FirstSeen,
				Text: fmt.Sprintf("host %s: its %s was not heard in time; it joins a later run when it is", h.Key, m.service.Scout()),
			})
		case m.silent[h.Key]:
			out = append(out, plans.Hold{
				Code: plans.CodeUnhealthy, Subject: h.Key, Since: m.heardAt[h.Key],
				Text: fmt.Sprintf("host %s: its %s runs and says nothing; how its pods are is not known", h.Key, m.service.Scout()),
			})
		}
	}
	return out
}

// surveyWarnings are what the service sees in the hosts' facts. When the members are frozen, what would have kept them from being so
// holds up nothing until the next run, and pods whose reason has gone are left alone.
func (m *Machine) surveyWarnings() []plans.Hold {
	var out []plans.Hold
	if !m.run.FrozenAt.IsZero() {
		out = append(out, m.survey.Missing...)
	}
	out = append(out, m.survey.Warnings...)
	for _, p := range m.comparison().unneeded {
		h := m.hosts[p.Host]
		if h == nil || h.Facts == nil || len(m.hostHolds[h.Key]) > 0 {
			continue
		}
		out = append(out, plans.Hold{
			Code: plans.CodeDevice, Subject: h.Key, Since: h.ReportedAt,
			Text: fmt.Sprintf("host %s: what pod %s needs there is not found any more; the pod is left alone", h.Key, p.Name),
		})
	}
	return out
}

// strangerWarnings tell of tasks that may run in the framework's name and belong to no pod.
func (m *Machine) strangerWarnings() []plans.Hold {
	if len(m.strangers) == 0 {
		return nil
	}
	var names []string
	for _, s := range m.strangersShown() {
		state := string(s.State)
		if s.State.Unproven() {
			state += " since " + s.Since.UTC().Format("2006-01-02T15:04:05Z") + ", shown until its agent is back or Mesos forgets it"
		}
		names = append(names, fmt.Sprintf("%s on agent %s (%s)", s.TaskID, s.AgentID, state))
	}
	return []plans.Hold{{
		Code: plans.CodeService, Subject: m.service.Name(),
		Text: fmt.Sprintf("tasks of no pod: %s; left alone until an operator says otherwise (task kill)", abbreviate(names, 5)),
	}}
}

// leftoverWarnings tell of reservations that nothing uses.
func (m *Machine) leftoverWarnings() []plans.Hold {
	var out []plans.Hold
	for _, h := range m.sortedHosts() {
		if left := m.leftoversOn(h.Key); len(left) > 0 {
			out = append(out, plans.Hold{
				Code: plans.CodeService, Subject: h.Key,
				Text: fmt.Sprintf("host %s: reserved for %s and used by no pod: %s; if it is of no use: host release %s --reason …",
					h.Key, m.service.Name(), abbreviate(left, 5), h.Key),
			})
		}
	}
	return out
}

// staleSettings tells of pods that run with settings that are not the target's, when no run will change that.
func (m *Machine) staleSettings() []plans.Hold {
	if !m.run.Ended() {
		return nil
	}
	stale := map[string]int{}
	for _, p := range m.order {
		if p.Task != nil && !p.Task.State.Terminal() && p.Task.Fingerprint != m.service.Fingerprint(p.Type) {
			stale[p.Type]++
		}
	}
	var out []plans.Hold
	for _, phase := range m.service.Phases() {
		for _, t := range phase.PodTypes {
			if stale[t] > 0 {
				out = append(out, plans.Hold{
					Code: plans.CodeService, Subject: t, Since: m.target.At,
					Text: fmt.Sprintf("the settings of %s have changed; %d pods run with earlier ones until they are next launched, or %s is started", t, stale[t], DeployPlan),
				})
			}
		}
	}
	return out
}
