package plans

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// stops says, step by step, what keeps running pods from being stopped.
type stops []*stopHold

// stopHold is what keeps a running pod from being stopped. Steps that wait for the same share it.
type stopHold struct{ hold Hold }

// of returns what holds a step; nil if nothing does.
func (s stops) of(j int) *stopHold {
	if s == nil {
		return nil
	}
	return s[j]
}

func (h *stopHold) holds() bool { return h != nil }

// arrangement is the state of arranging the stops of one phase.
type arrangement struct {
	e    *evaluator
	p    *phase
	held stops
	next *stopHold // what those wait for that are in a later batch
	// batch are the pods of the batch under way: what was done to them does not make a verdict about them void.
	batch map[string]bool
	// since is when the last disruption that is under way began, that of the batch left aside; known says that this was looked up.
	since time.Time
	known bool
}

// arrangeStops says which steps of the pool, whose turn it is and which nothing else holds, may stop their running pods now.
func (e *evaluator) arrangeStops(i int, p *phase, pool []place) stops {
	if len(pool) == 0 {
		return nil
	}
	if p.ranked {
		slices.SortStableFunc(pool, func(a, b place) int {
			switch x, y := e.orderOf(i, a), e.orderOf(i, b); {
			case x.before(y):
				return -1
			case y.before(x):
				return 1
			}
			return 0
		})
	}
	a := &arrangement{e: e, p: p, held: make(stops, len(p.def.Steps))}
	pool = a.consented(pool)
	if len(pool) == 0 {
		return a.held
	}
	if e.world.repairing != nil {
		a.holdAll(pool, e.world.repairing.repairHold())
	} else if working := a.working(); len(working) > 0 {
		a.restOfBatch(pool, working)
	} else {
		a.newBatch(pool)
	}
	return a.held
}

// working are the pods of the batch that is under way: those that the plan owes their return, and in a serial phase that of any step that
// goes on.
func (a *arrangement) working() []string {
	if a.p.under == 0 {
		return nil
	}
	var pods []string
	for j, f := range a.p.flags {
		if f.has(isUnderWay) && !f.has(isNewcomer) && (f.has(isStopped) || (f.has(isReady) && !a.p.def.Strategy.parallel())) {
			pods = append(pods, a.p.def.Steps[j].Pod)
		}
	}
	return pods
}

func (a *arrangement) holdAll(steps []place, hold Hold) {
	shared := &stopHold{hold}
	for _, j := range steps {
		a.held[j] = shared
	}
}

// repairHold is what voluntary stops show while a pod of a quorum is being repaired.
func (c claim) repairHold() Hold {
	return Hold{Code: CodeRepair, Subject: c.pod, Text: fmt.Sprintf("held by %s of %s, of which a majority must run", c.plan, c.pod)}
}

// consented lets those steps go that an operator restarts by force, if they fit, and returns the others.
func (a *arrangement) consented(pool []place) []place {
	var others, unknown []place
	for _, j := range pool {
		if !a.e.byForce(a.p, j) {
			others = append(others, j)
			continue
		}
		switch a.fit(j) {
		case Fits:
			a.e.world.budgets.take(a.p.def.Steps[j].Pod)
		case FitsNot:
			a.held[j] = &stopHold{a.fitsNot(j)}
		default:
			a.held[j] = &stopHold{a.fitUnknown(j)}
			unknown = append(unknown, j)
		}
	}
	if len(unknown) > 0 {
		a.ask(unknown, true, false)
	}
	return others
}

// byForce says whether an operator restarts the step by force: the newest restart that concerns it is one, and is still to be done.
func (e *evaluator) byForce(p *phase, j int) bool {
	restart := e.restartOf(p, p.saidOf(j), p.def.Steps[j].Kind)
	return restart != nil && restart.Force && e.observation(p.at, j).TriedAt.Before(restart.At)
}

// fit says whether what the step launches is known to fit.
func (a *arrangement) fit(j int) Fit {
	if a.p.def.Steps[j].Kind == Stop {
		return Fits
	}
	return a.e.observation(a.p.at, j).Fit
}

func (a *arrangement) fitsNot(j int) Hold {
	s := &a.p.def.Steps[j]
	return Hold{Code: CodeFit, Subject: s.Pod, Text: fmt.Sprintf("%s runs and is not stopped: what takes its place does not fit", s.Pod)}
}

func (a *arrangement) fitUnknown(j int) Hold {
	s := &a.p.def.Steps[j]
	return Hold{Code: CodeFit, Subject: s.Pod, Text: fmt.Sprintf("%s runs and is not stopped before it is known that what takes its place fits", s.Pod)}
}

// ask asks what must be known before the steps stop their pods.
func (a *arrangement) ask(steps []place, fit, gate bool) {
	q := Question{Phase: a.p.def.Name, Fit: fit, Gate: gate}
	for _, j := range steps {
		q.Steps = append(q.Steps, a.p.def.Steps[j].Name)
		q.Pods = append(q.Pods, a.p.def.Steps[j].Pod)
	}
	a.e.questions = append(a.e.questions, q)
}

// restOfBatch lets go what belongs to the batch that is under way, as long as the verdict about it counts. A serial phase has one step in a
// batch, and one that is not gated no verdict.
func (a *arrangement) restOfBatch(pool []place, working []string) {
	a.holdAll(pool, Hold{
		Code: CodeBatch, Subject: working[0], Since: a.p.oldest,
		Text: fmt.Sprintf("waits for the batch under way: %s", nameList("pod", working)),
	})
	room := a.p.batchSize() - len(working)
	if room <= 0 || !a.p.def.Gated || a.e.world.budgets.granted() {
		return
	}
	a.batch = setOf(working)
	a.since, a.known = a.disruptedAt(), true // before pods are added that are not of the batch yet
	for _, j := range pool {
		pod := a.p.def.Steps[j].Pod
		if full, _ := a.e.world.budgets.full(pod); room <= 0 || a.fit(j) != Fits || full != nil || !a.sameDomain(pod, working) {
			continue
		}
		a.batch[pod] = true
		if !a.covered() {
			delete(a.batch, pod)
			continue
		}
		a.held[j] = nil
		a.e.world.budgets.take(pod)
		room--
	}
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// sameDomain says whether a pod is in the failure domain of all others, of which those count that the ledger knows.
func (a *arrangement) sameDomain(pod string, others []string) bool {
	in, _ := a.e.world.budgets.domainOf(pod)
	for _, other := range others {
		if domain, known := a.e.world.budgets.domainOf(other); known && domain != in {
			return false
		}
	}
	return true
}

// covered says whether the newest of the verdicts that count and are about at least the batch under way is open.
func (a *arrangement) covered() bool {
	var newest *Verdict
	for k := range a.e.in.Verdicts {
		v := &a.e.in.Verdicts[k]
		if a.counts(v) && a.covers(v) && (newest == nil || v.before(newest)) {
			newest = v
		}
	}
	if newest == nil || newest.Gate != GateOpen {
		return false
	}
	a.e.wakeAt(newest.AskedAt.Add(FreshVerdict))
	return true
}

// covers says whether the verdict is about at least the batch under way.
func (a *arrangement) covers(v *Verdict) bool {
	n := 0
	for _, pod := range slices.Compact(slices.Sorted(slices.Values(v.Pods))) {
		if a.batch[pod] {
			n++
		}
	}
	return n == len(a.batch)
}

// newBatch composes the next batch, and lets it go if all that must be known of it is.
func (a *arrangement) newBatch(pool []place) {
	budgets := a.e.world.budgets
	size := a.p.batchSize()
	var batch []place
	var domain string
	a.next = &stopHold{}
	for _, j := range pool {
		pod := a.p.def.Steps[j].Pod
		if a.fit(j) == FitsNot {
			a.held[j] = &stopHold{a.fitsNot(j)}
			continue
		}
		a.held[j] = a.next // unless something else turns out
		if len(batch) >= size {
			continue
		}
		full, tried := budgets.full(pod)
		switch in, known := budgets.domainOf(pod); {
		case full != nil:
			a.held[j] = full
		case tried || !known:
		case len(batch) > 0 && in != domain:
		default:
			domain = in
			batch = append(batch, j)
			budgets.try(pod)
		}
	}
	if len(batch) == 0 {
		return
	}
	for _, j := range batch {
		budgets.giveBack(a.p.def.Steps[j].Pod)
	}
	batch = a.allowed(batch)
	if a.authorise(batch) {
		for _, j := range batch {
			budgets.take(a.p.def.Steps[j].Pod)
			a.held[j] = nil
		}
	}
	a.next.hold = Hold{
		Code: CodeBatch, Subject: a.p.def.Steps[batch[0]].Pod,
		Text: fmt.Sprintf("waits for the batch before: %s", nameList("pod", a.pods(batch))),
	}
}

// allowed returns so much of a batch as the service has not said no to: what it does not let be stopped together may go in smaller sets.
func (a *arrangement) allowed(batch []place) []place {
	for a.p.def.Gated && len(batch) > 1 {
		v := a.newestVerdict(a.pods(batch))
		if v == nil || v.Gate != GateClosed || !a.counts(v) {
			break
		}
		a.e.wakeAt(v.AskedAt.Add(FreshVerdict))
		batch = batch[:(len(batch)+1)/2]
	}
	return batch
}

// batchSize is how many pods a batch may have.
func (p *phase) batchSize() int {
	if !p.def.Strategy.parallel() {
		return 1
	}
	size := p.def.Batch.Max
	if size <= 0 {
		size = len(p.def.Steps)
	}
	if p.def.Batch.Grow && p.cursor.Stops < 31 {
		size = min(size, 1<<max(p.cursor.Stops, 0))
	}
	return size
}

func (a *arrangement) pods(steps []place) []string {
	pods := make([]string, len(steps))
	for k, j := range steps {
		pods[k] = a.p.def.Steps[j].Pod
	}
	return pods
}

// authorise says whether a batch may be stopped: all of it fits, and the gate is open. What is not known is asked, and what holds the batch
// is told.
func (a *arrangement) authorise(batch []place) bool {
	var unknown []place
	for _, j := range batch {
		if a.fit(j) == FitUnknown {
			unknown = append(unknown, j)
		}
	}
	if a.p.def.Gated && a.e.world.budgets.granted() {
		a.holdAll(batch, a.e.world.budgets.grantedHold())
		return false // the service knows nothing of what is stopped right now
	}
	var verdict *Verdict
	fresh := true
	if a.p.def.Gated {
		verdict = a.newestVerdict(a.pods(batch))
		fresh = verdict != nil && a.counts(verdict)
	}
	if len(unknown) > 0 || !fresh {
		a.ask(batch, len(unknown) > 0, !fresh)
	}
	if verdict != nil && fresh {
		a.e.wakeAt(verdict.AskedAt.Add(FreshVerdict))
	}
	switch {
	case len(unknown) > 0:
		wait := &stopHold{Hold{
			Code: CodeFit, Subject: a.p.def.Steps[unknown[0]].Pod,
			Text: fmt.Sprintf("waits until it is known that %s would fit anew", nameList("pod", a.pods(unknown))),
		}}
		for _, j := range batch {
			a.held[j] = wait
		}
		for _, j := range unknown {
			a.held[j] = &stopHold{a.fitUnknown(j)}
		}
		return false
	case a.p.def.Gated && !(fresh && verdict.Gate == GateOpen):
		a.holdAll(batch, gateHold(a.pods(batch), verdict))
		a.p.unknown = !fresh || verdict.Gate == GateUnknown
		return false
	}
	return true
}

// newestVerdict returns the newest verdict about this very set of pods; nil if there is none.
func (a *arrangement) newestVerdict(pods []string) *Verdict {
	var newest *Verdict
	for k := range a.e.in.Verdicts {
		v := &a.e.in.Verdicts[k]
		if !v.AskedAt.After(a.e.now) && sameSet(v.Pods, pods) && (newest == nil || v.before(newest)) {
			newest = v
		}
	}
	return newest
}

// before says that of two verdicts about one set this one counts: the newer, of equals the more careful, and of those the one that is so
// for longer. The rest is only there so that their order decides nothing.
func (v *Verdict) before(other *Verdict) bool {
	return cmp.Or(
		other.AskedAt.Compare(v.AskedAt), -compareBools(v.Gate != GateOpen, other.Gate != GateOpen), v.Since.Compare(other.Since),
		cmp.Compare(v.Gate, other.Gate), cmp.Compare(v.Code, other.Code), cmp.Compare(v.Text, other.Text), slices.Compare(v.Pods, other.Pods),
	) < 0
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// counts says whether a verdict counts: it is recent, was asked for after the last disruption had settled, and after the last that is under
// way began.
func (a *arrangement) counts(v *Verdict) bool {
	if !v.recent(a.e.now) || v.AskedAt.Before(a.e.settledAt()) {
		return false
	}
	if !a.known {
		a.since, a.known = a.disruptedAt(), true
	}
	return a.since.IsZero() || v.AskedAt.After(a.since)
}

// disruptedAt is when the last disruption that is under way began, of any plan, as far as known; that of the batch under way left aside.
func (a *arrangement) disruptedAt() time.Time {
	var at time.Time
	for i := range a.e.phases {
		p := &a.e.phases[i]
		if p.stopping == 0 {
			continue
		}
		for j, f := range p.flags {
			if f.has(isStopped) && f.has(isUnderWay) && !f.has(isNewcomer) && !a.batch[p.def.Steps[j].Pod] {
				at = later(at, a.e.observation(i, j).TriedAt)
			}
		}
	}
	for i := range a.e.in.Ledger.Pods {
		if p := &a.e.in.Ledger.Pods[i]; p.Down && p.By != "" && !a.batch[p.Name] {
			at = later(at, p.Since)
		}
	}
	return at
}

// recent says whether a verdict is not older than it may be.
func (v *Verdict) recent(now time.Time) bool {
	return !v.AskedAt.After(now) && now.Sub(v.AskedAt) < FreshVerdict
}

// settledAt is when the last disruption had settled.
func (e *evaluator) settledAt() time.Time {
	at := e.in.Ledger.SettledAt
	for i := range e.phases {
		at = later(at, e.phases[i].cursor.SettledAt)
	}
	return at
}

// gateHold is what a batch shows whose gate is not open.
func gateHold(pods []string, v *Verdict) Hold {
	hold := Hold{Code: CodeGateUnknown, Subject: pods[0]}
	if v == nil || v.Gate == GateOpen {
		hold.Text = fmt.Sprintf("asks the service whether %s may be stopped", nameList("pod", pods))
		return hold
	}
	hold.Since = v.Since
	if v.Gate == GateClosed {
		hold.Code = CodeGateClosed
		hold.Text = fmt.Sprintf("the service does not let %s be stopped%s", nameList("pod", pods), v.words())
		return hold
	}
	hold.Text = fmt.Sprintf("whether %s may be stopped is not known%s", nameList("pod", pods), v.words())
	return hold
}

// words are the service's own, to be added to a text.
func (v *Verdict) words() string {
	switch {
	case v.Text != "" && v.Code != "":
		return fmt.Sprintf(": %s (%s)", v.Text, v.Code)
	case v.Text != "":
		return ": " + v.Text
	case v.Code != "":
		return ": " + v.Code
	}
	return ""
}
