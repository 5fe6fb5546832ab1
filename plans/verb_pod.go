package plans

import "slices"

func (a *application) except() Reply {
	pod := a.e.in.Ledger.pod(a.v.Pod)
	switch {
	case a.v.Pod == "":
		return a.say(Invalid, "pod: empty; name the pod that is dead")
	case pod == nil:
		return a.say(NotFound, "pod %q: not found", a.v.Pod)
	case a.e.said.excepted[pod.Name] != nil:
		return a.say(Already, "pod %q: excepted already by %s since %s", pod.Name, a.e.said.excepted[pod.Name].Actor, stamp(a.e.said.excepted[pod.Name].At))
	case !pod.Down:
		return a.say(Refused, "pod %q: is not down; only a pod that is dead can be taken out of runs and budgets", pod.Name)
	case a.v.Force && a.v.Reason == "":
		return a.say(Invalid, "pod %q: to except a pod by force passes the service's checks; it takes a reason", pod.Name)
	}
	if !a.v.Force && a.gated(pod) {
		arrangement := &arrangement{e: a.e}
		v := arrangement.newestVerdict([]string{pod.Name})
		if v == nil || !arrangement.counts(v) {
			a.reply.Questions = []Question{{Pods: []string{pod.Name}, Gate: true}}
			return a.say(Refused, "pod %q: the service was not asked whether it can do without it", pod.Name)
		}
		if v.Gate != GateOpen {
			return a.say(Refused, "pod %q: %s", pod.Name, gateHold([]string{pod.Name}, v).Text)
		}
	}
	f := Fact{Kind: Excepted, Pod: pod.Name, Actor: a.v.Actor, Reason: a.v.Reason, At: a.e.now, Revision: a.v.Revision}
	a.reply.Put = append(a.reply.Put, f)
	return a.say(Done, "pod %q: has no part in runs and budgets until it is included again", pod.Name)
}

// gated says whether the service must be asked about a pod: one of a quorum always, others if the plan asks about them.
func (a *application) gated(pod *PodState) bool {
	return a.e.in.Ledger.budget(pod.Type).Quorum || slices.ContainsFunc(a.e.def.Phases, func(p Phase) bool {
		return p.Gated && slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Pod == pod.Name })
	})
}

func (a *application) include() Reply {
	switch {
	case a.v.Pod == "":
		return a.say(Invalid, "pod: empty; name the pod that is to have part again")
	case a.e.in.Ledger.pod(a.v.Pod) == nil && a.e.said.excepted[a.v.Pod] == nil:
		return a.say(NotFound, "pod %q: not found", a.v.Pod)
	}
	if a.e.said.excepted[a.v.Pod] == nil {
		return a.say(Already, "pod %q: is not excepted", a.v.Pod)
	}
	for _, f := range a.e.in.Facts {
		if f.Kind == Excepted && f.Pod == a.v.Pod {
			a.reply.Delete = append(a.reply.Delete, f)
		}
	}
	return a.say(Done, "pod %q: has part in runs and budgets again", a.v.Pod)
}
