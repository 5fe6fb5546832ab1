package machine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// Mesos is told which hosts it need not offer, because nothing is to be launched there: to decline keeps a host away only for so long, and not
// when it has more to offer than what was declined. Only hosts that are known to be idle are named, never those that are wanted, so that hosts
// that nobody knows yet are offered.
const (
	// excludeFor is how long hosts stay out of sight at most. What is known of a host comes from its offers: attributes, and whether it is
	// there twice.
	excludeFor = 24 * time.Hour
	// maxExcluded bounds the call: some 50 bytes for each host and role.
	maxExcluded = 1000
	// maxComparisons bounds the work that this makes for the master: in every allocation it compares each agent with each excluded host. A million is
	// 1,000 of 1,000 hosts, or 100 of 10,000, and takes some 10 ms.
	maxComparisons = 1_000_000
)

// exclusion is what Mesos was told in this session of hosts that it need not offer.
type exclusion struct {
	// Hosts are those that it was told last, Since when there are any, and Lift those of them that are to be offered again.
	Hosts map[string]bool `json:"hosts,omitempty"`
	Lift  map[string]bool `json:"lift,omitempty"`
	Since time.Time       `json:"since,omitzero"`
	// Idle are hosts that are offered in vain: how often. Due is when they are told.
	Idle map[string]int `json:"idle,omitempty"`
	Due  time.Time      `json:"due,omitzero"`
	// Told is how many calls with hosts Mesos may have taken.
	Told int `json:"told,omitempty"`
	// Doubt: a call has failed, so that it is not known what Mesos believes. It is told to offer all hosts, at Retry at the earliest.
	Doubt  bool      `json:"doubt,omitempty"`
	Retry  time.Time `json:"retry,omitzero"`
	Failed int       `json:"failed,omitempty"`
	// Late: it is not known what became of a call. It may get to Mesos yet, after what was said since.
	Late bool `json:"late,omitempty"`
	// Refusal is why Mesos is told no more.
	Refusal string `json:"refusal,omitempty"`
}

// excludes says whether Mesos can be told. Masters before 1.11 would pass over it in silence.
func (m *Machine) excludes() bool {
	return !m.cfg.NoOfferConstraints && m.connection.Connected && m.exclusion.Refusal == "" && takesConstraints(m.connection.Master.Version)
}

// takesConstraints says whether a master of a version, such as 1.11.0-0.9.0, knows offer constraints.
func takesConstraints(version string) bool {
	majorText, rest, _ := strings.Cut(version, ".")
	minorText, _, _ := strings.Cut(rest, ".")
	major, err := strconv.Atoi(majorText)
	if err != nil {
		return false
	}
	minor, err := strconv.Atoi(minorText)
	return err == nil && (major > 1 || major == 1 && minor >= 11)
}

// noteIdle notes that an offer of a host was of no use.
func (m *Machine) noteIdle(now time.Time, host string) {
	if !m.excludes() || m.exclusion.Hosts[host] {
		return
	}
	x := &m.exclusion
	if x.Idle == nil {
		x.Idle = map[string]int{}
	}
	x.Idle[host]++
	if x.Due.IsZero() {
		x.Due = now.Add(m.cfg.ExcludeDelay)
	}
}

// stir has a host offered again of whose pod nobody knows whether it runs: an offer may prove that it does not. For a pod that is to be
// launched that is done when it is.
func (m *Machine) stir(p *Pod) {
	if m.exclusion.Hosts[p.Host] && p.Task != nil && p.Task.State.Unproven() && !m.excepted(p) {
		m.lift(p.Host)
	}
}

func (m *Machine) lift(host string) {
	if m.exclusion.Lift == nil {
		m.exclusion.Lift = map[string]bool{}
	}
	m.exclusion.Lift[host] = true
}

// liftDue says whether Mesos has to be told that hosts are wanted.
func (m *Machine) liftDue(now time.Time, unplaced map[string]offers.Requirement) bool {
	x := &m.exclusion
	if x.Doubt {
		if now.Before(x.Retry) {
			m.wakeAt(x.Retry)
		}
		return !now.Before(x.Retry)
	}
	if len(x.Hosts) == 0 {
		return false
	}
	all := false
	for _, r := range unplaced {
		all = all || r.Host == ""
		if x.Hosts[r.Host] {
			m.lift(r.Host)
		}
	}
	end := x.Since.Add(excludeFor)
	if now.Before(end) {
		m.wakeAt(end)
	}
	if all || !now.Before(end) {
		x.Lift = maps.Clone(x.Hosts)
	}
	return len(x.Lift) > 0
}

// overtaken says whether Mesos is to be told once more what it was told last: somebody has asked for offers before, and got none, and a call of which nobody knows
// what became of it may have come after that and keep the hosts away.
func (m *Machine) overtaken(due []string) bool {
	again := func(name string) bool { return m.revived[name].count > 0 }
	return m.exclusion.Late && !m.exclusion.Doubt && m.exclusion.Refusal == "" && slices.ContainsFunc(due, again)
}

// include tells Mesos to offer the hosts that are wanted again, all if it is not known what it believes.
func (m *Machine) include() {
	x := &m.exclusion
	if x.Doubt {
		clear(x.Hosts)
	}
	for host := range x.Lift {
		delete(x.Hosts, host)
	}
	x.Doubt, x.Lift = false, nil
	m.tellExclusion()
}

// exclude tells Mesos of hosts that have been idle for a while.
func (m *Machine) exclude(now time.Time) {
	x := &m.exclusion
	switch {
	case x.Due.IsZero() || m.suppressed || x.Doubt || len(x.Lift) > 0:
		return
	case now.Before(x.Due):
		m.wakeAt(x.Due)
		return
	}
	x.Due, x.Failed = time.Time{}, 0
	added := m.idleHosts()
	for _, host := range added {
		if x.Hosts == nil {
			x.Hosts = map[string]bool{}
		}
		x.Hosts[host] = true
		delete(x.Idle, host)
	}
	if len(added) == 0 {
		return
	}
	if x.Since.IsZero() {
		x.Since = now
		m.wakeAt(now.Add(excludeFor))
	}
	m.tellExclusion()
}

func (m *Machine) tellExclusion() {
	x := &m.exclusion
	if len(x.Hosts) == 0 {
		x.Since = time.Time{}
	} else {
		x.Told++
	}
	m.calls = append(m.calls, ExcludeHosts{Hosts: slices.Sorted(maps.Keys(x.Hosts))})
	m.changed = true
}

// idleHosts are those of the hosts that were offered in vain of which nothing is to be expected, those first that were offered most often, and no
// more than there is room for.
func (m *Machine) idleHosts() []string {
	x := &m.exclusion
	wanted := map[string]bool{}
	for _, w := range m.comparison().unmade {
		wanted[w.Host] = true
	}
	for _, r := range m.releases {
		wanted[r.Host] = true
	}
	for _, p := range m.order {
		if !m.rests(p) {
			wanted[p.Host] = wanted[p.Host] || p.Bound
			wanted[""] = wanted[""] || !p.Bound
		}
	}
	if wanted[""] { // a pod that can go anywhere wants all of them
		return nil
	}
	idle := slices.DeleteFunc(slices.Collect(maps.Keys(x.Idle)), func(host string) bool { return wanted[host] || !m.settled(host) })
	slices.SortFunc(idle, func(a, b string) int {
		return cmp.Or(cmp.Compare(x.Idle[b], x.Idle[a]), strings.Compare(a, b))
	})
	room := min(maxExcluded, maxComparisons/max(len(m.hosts), 1)) - len(x.Hosts)
	return idle[:min(len(idle), max(room, 0))]
}

// settled says whether it is known what a host is for: it was taken in, or must not be used. Of one that is there twice it is not.
func (m *Machine) settled(host string) bool {
	h := m.hosts[host]
	switch {
	case h == nil || len(m.agents[host]) > 1:
		return false
	case m.service.Admit(*h) != nil:
		return true
	case len(m.hostHolds[host]) > 0 || h.Run == 0:
		return false
	}
	return h.Facts != nil || m.service.Scout() == ""
}

// rests says whether a pod wants nothing of its host's offers: it runs and nobody wants to know whether another one fits in its place, or nobody is
// going to launch it.
func (m *Machine) rests(p *Pod) bool {
	if m.unfit[p.Name] || m.fits[p.Name].Fit == plans.FitsNot {
		return false
	}
	if p.Task != nil && p.Task.State == Running || m.excepted(p) {
		return true
	}
	h := m.hosts[p.Host]
	return p.Bound && h != nil && m.service.Admit(*h) != nil && (p.Task == nil || p.Task.State.Terminal())
}

// exclusionFailed has Mesos told to offer all hosts: whether it has heard is not known, or it still believes what it was told before. If it
// does not want to be told, that is all for this session.
func (m *Machine) exclusionFailed(now time.Time, e CallFailed, hosts []string) {
	x := &m.exclusion
	if !e.Ambiguous {
		x.Refusal, x.Idle, x.Due = e.Err, nil, time.Time{}
		if len(hosts) > 0 {
			x.Told--
		}
	}
	if x.Told == 0 {
		x.Hosts, x.Lift, x.Since = nil, nil, time.Time{}
		return
	}
	x.Late = x.Late || e.Ambiguous
	x.Doubt, x.Retry = true, now.Add(reviveRetry[min(x.Failed, len(reviveRetry)-1)])
	x.Failed++
}

// exclusionWarnings tell that Mesos does not want to be told.
func (m *Machine) exclusionWarnings() []plans.Hold {
	if m.exclusion.Refusal == "" {
		return nil
	}
	return []plans.Hold{{
		Code: plans.CodeService, Subject: m.service.Name(),
		Text: fmt.Sprintf("Mesos does not want to be told which hosts are idle (%s); their offers are declined instead; --offer-constraints=off does not tell it", m.exclusion.Refusal),
	}}
}
