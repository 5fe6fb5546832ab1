package plans

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// account says, while plans are evaluated, how much of the budgets is left. It is made when the first running pod is to be stopped: most
// evaluations need none.
type account struct {
	ledger   *Ledger
	excepted map[string]*Fact
	types    map[string]*spent // by pod type
	domains  map[[2]string]*spent
	taken    map[string]bool // pods whose stop was granted
	order    []string        // the same, in their order
	tried    map[string]bool // pods that a batch is made of for which more must be known
}

// spent is how much of one budget is used.
type spent struct {
	what   string // "data pods", "data pods in rack-1"
	budget Budget
	limit  int
	total  int
	down   []*PodState // pods that are down
	taken  int
	tried  int
	// hold is what was told last, when so many were taken.
	hold   *stopHold
	toldOf int
}

func newAccount(ledger *Ledger, excepted map[string]*Fact) *account {
	return &account{ledger: ledger, excepted: excepted}
}

// open counts the pods of the ledger.
func (a *account) open() {
	if a.types != nil {
		return
	}
	a.types, a.domains = map[string]*spent{}, map[[2]string]*spent{}
	a.taken, a.tried = map[string]bool{}, map[string]bool{}
	for i := range a.ledger.Pods {
		p := &a.ledger.Pods[i]
		if a.excepted[p.Name] != nil {
			continue
		}
		a.budgetsOf(p).each(func(s *spent) {
			s.total++
			if p.Down {
				s.down = append(s.down, p)
			}
		})
	}
	for _, s := range a.types {
		s.limit = s.budget.MaxUnavailable.Of(s.total)
	}
	for _, s := range a.domains {
		s.limit = s.budget.PerDomain.Of(s.total)
	}
}

// HasRoom says whether the budgets have room for a pod to be down, with all others that are. Pods that operators have taken out, by the facts, use nothing.
func (l *Ledger) HasRoom(pod string, facts []Fact) bool {
	excepted := map[string]*Fact{}
	for i := range facts {
		if facts[i].Kind == Excepted {
			excepted[facts[i].Pod] = &facts[i]
		}
	}
	hold, _ := newAccount(l, excepted).full(pod)
	return hold == nil
}

// budgets are what a pod uses when it is down.
type budgets struct {
	ofType   *spent
	inDomain *spent // nil: that is not bounded
}

// each calls look with those that there are.
func (b budgets) each(look func(*spent)) {
	look(b.ofType)
	if b.inDomain != nil {
		look(b.inDomain)
	}
}

// budgetsOf returns what the pod uses when it is down: of its type, and if that is bounded, of its failure domain.
func (a *account) budgetsOf(p *PodState) budgets {
	of := a.types[p.Type]
	if of == nil {
		of = &spent{what: p.Type + " pods", budget: a.ledger.budget(p.Type)}
		a.types[p.Type] = of
	}
	if of.budget.PerDomain == nil {
		return budgets{ofType: of}
	}
	key := [2]string{p.Type, p.Domain}
	in := a.domains[key]
	if in == nil {
		in = &spent{what: fmt.Sprintf("%s pods in %s", p.Type, orNone(p.Domain)), budget: of.budget}
		a.domains[key] = in
	}
	return budgets{ofType: of, inDomain: in}
}

func orNone(domain string) string {
	if domain == "" {
		return "no failure domain"
	}
	return domain
}

// budget returns the budget of a pod type. Of a type without one, one pod may be down.
func (l *Ledger) budget(podType string) Budget {
	for i := range l.Budgets {
		if l.Budgets[i].PodType == podType {
			return l.Budgets[i]
		}
	}
	return Budget{PodType: podType, MaxUnavailable: Amount{Value: 1}}
}

// pod returns what the ledger knows of a pod; nil if that is nothing.
func (l *Ledger) pod(name string) *PodState {
	i, found := slices.BinarySearchFunc(l.Pods, name, func(p PodState, name string) int { return strings.Compare(p.Name, name) })
	if !found {
		return nil
	}
	return &l.Pods[i]
}

// domainOf returns the failure domain of a pod, and whether the pod is known.
func (a *account) domainOf(pod string) (string, bool) {
	p := a.ledger.pod(pod)
	if p == nil {
		return "", false
	}
	return p.Domain, true
}

// full says whether the budgets forbid that a pod is stopped, and what then holds it. A pod that is down already uses nothing more; if it may
// serve all the same, what it uses must be within the budget. tried says that they would allow it, if it were not for what the batch at hand
// is made of.
func (a *account) full(pod string) (hold *stopHold, tried bool) {
	a.open()
	p := a.ledger.pod(pod)
	if p == nil {
		return &stopHold{Hold{Code: CodeBudget, Subject: pod, Text: fmt.Sprintf("pod %q is not in the ledger of pods; what is not known is not stopped", pod)}}, false
	}
	if p.Down && !p.MayServe || a.taken[pod] || a.excepted[pod] != nil {
		return nil, false
	}
	own := 0 // what it uses already
	if p.Down {
		own = 1
	}
	a.budgetsOf(p).each(func(s *spent) {
		used := len(s.down) + s.taken - own
		switch {
		case hold != nil:
		case used >= s.limit:
			hold = s.full(p.Type)
		case used+s.tried >= s.limit:
			tried = true
		}
	})
	return hold, tried
}

// full is what steps show whose pods this budget does not let be stopped.
func (s *spent) full(podType string) *stopHold {
	if s.hold != nil && s.toldOf == s.taken {
		return s.hold
	}
	s.toldOf = s.taken
	text := fmt.Sprintf("none of %d %s may be stopped", s.total, s.what)
	if s.limit > 0 {
		text = fmt.Sprintf("%d of at most %d %s are %s", len(s.down)+s.taken, s.limit, s.what, s.downOrDoubtful())
	}
	var names []string
	var since time.Time // when the last of them went down
	for _, p := range s.down {
		names = append(names, p.downAs())
		since = later(since, p.Since)
	}
	if len(names) > 0 {
		text += ": " + abbreviate(names)
	}
	if s.taken > 0 {
		text += fmt.Sprintf(" (%d are just being stopped)", s.taken)
	}
	s.hold = &stopHold{Hold{Code: CodeBudget, Subject: podType, Text: text, Need: fmt.Sprintf("less than %d down", s.limit), Have: s.have(), Since: since}}
	return s.hold
}

// downOrDoubtful is what the pods have in common that use the budget.
func (s *spent) downOrDoubtful() string {
	if slices.ContainsFunc(s.down, func(p *PodState) bool { return p.MayServe }) {
		return "down, or not known to be well"
	}
	return "down"
}

// downAs names the pod, and who took it down if that is known.
func (p *PodState) downAs() string {
	if p.By == "" {
		return p.Name
	}
	return fmt.Sprintf("%s (by %s)", p.Name, p.By)
}

func (s *spent) have() string { return fmt.Sprintf("%d down", len(s.down)+s.taken) }

// abbreviate lists names, not too many.
func abbreviate(names []string) string {
	if more := len(names) - maxNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), more)
	}
	return strings.Join(names, ", ")
}

// take uses the budgets for a stop that is granted.
func (a *account) take(pod string) {
	a.order = append(a.order, pod)
	a.spend(pod, &a.taken, func(s *spent) { s.taken++ })
}

// try uses them for one that is not yet.
func (a *account) try(pod string) { a.spend(pod, &a.tried, func(s *spent) { s.tried++ }) }

// giveBack ends a try.
func (a *account) giveBack(pod string) {
	if !a.tried[pod] {
		return
	}
	delete(a.tried, pod)
	a.budgetsOf(a.ledger.pod(pod)).each(func(s *spent) { s.tried-- })
}

// granted says whether a stop was granted in this evaluation.
func (a *account) granted() bool { return len(a.order) > 0 }

// grantedHold is what waits for stops that were just granted.
func (a *account) grantedHold() Hold {
	return Hold{Code: CodeBatch, Subject: a.order[0], Text: fmt.Sprintf("waits for what is stopped right now: %s", nameList("pod", a.order))}
}

// spend counts a pod once among pods, with what it uses.
func (a *account) spend(pod string, pods *map[string]bool, count func(*spent)) {
	a.open()
	p := a.ledger.pod(pod)
	if p == nil || p.Down || a.excepted[pod] != nil || a.taken[pod] || (*pods)[pod] {
		return
	}
	(*pods)[pod] = true
	a.budgetsOf(p).each(count)
}
