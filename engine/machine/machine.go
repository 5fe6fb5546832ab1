package machine

import (
	"fmt"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// DeployPlan and RecoveryPlan are the names of the plans that always exist.
const (
	DeployPlan   = "deploy"
	RecoveryPlan = "recovery"
)

// Config are the machine's own settings. Zero values stand for the defaults in brackets.
type Config struct {
	// DiscoveryWindow is how long nobody new must have come before a run's members are frozen [10 s].
	DiscoveryWindow time.Duration
	// ScoutPatience is how long a run waits for the first report from a host whose scout was not yet heard [2 min].
	ScoutPatience time.Duration
	// BackoffInitial [5 s] is the wait after a first failure; it doubles with each further one up to BackoffMax [5 min].
	BackoffInitial, BackoffMax time.Duration
	// RefuseWanted [5 s] and RefuseIdle [1 h] are how long offers are refused that did not fit, and that nobody needs.
	RefuseWanted, RefuseIdle time.Duration
	// FreePodGrace [5 min] is how long a pod that is not bound to a host may be out of sight before it is replaced.
	FreePodGrace time.Duration
	// ReconcileInterval [10 min] is the time between two reconciliations of everything.
	ReconcileInterval time.Duration
	// SilentOperations gives operations no ids, for clusters with agents that know no operation feedback (before Mesos 1.8, or
	// started without it): there such operations are refused.
	SilentOperations bool
	// NoNewHosts lets no host join once everything is deployed: then no offers are asked for while there is nothing to do.
	NoNewHosts bool
	// NoOfferConstraints does not tell Mesos which hosts are idle, also if it could be told.
	NoOfferConstraints bool
	// ExcludeDelay [1 min] is how long idle hosts are gathered before Mesos is told, so that it is told of many at once, and of one only
	// if it stays idle.
	ExcludeDelay time.Duration
	// IgnoreLeftovers begins anew although something is reserved for the service already.
	IgnoreLeftovers bool
	// Asks says that somebody answers Effects.Asks: then running pods of gated phases are stopped only if the service's Judge and that
	// answer both say yes.
	Asks bool
	// Principal is the framework's, which Mesos wants on its reservations; empty if it has none.
	Principal string
	// ViewInterval [100 ms] is the least time between two views.
	ViewInterval time.Duration
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.DiscoveryWindow, 10 * time.Second},
		{&c.ScoutPatience, 2 * time.Minute},
		{&c.BackoffInitial, 5 * time.Second},
		{&c.BackoffMax, 5 * time.Minute},
		{&c.RefuseWanted, 5 * time.Second},
		{&c.RefuseIdle, time.Hour},
		{&c.FreePodGrace, 5 * time.Minute},
		{&c.ReconcileInterval, 10 * time.Minute},
		{&c.ExcludeDelay, time.Minute},
		{&c.ViewInterval, 100 * time.Millisecond},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

// Machine is the framework's brain. See the package documentation for its use.
type Machine struct {
	cfg     Config
	service Service

	// Durable: what the records say.
	frameworkID  string
	registration *Registration // nil: not known
	target       targetRecord
	hosts        map[string]*Host
	pods         map[string]*Pod
	run          plans.Run
	history      []plans.Run           // runs of deploy that have ended, the newest last
	facts        map[string]plans.Fact // by record key
	releases     map[string]*Release   // by claim

	// Derived from the durable part.
	byTask     map[string]*Pod
	replaced   map[string]*Pod          // by the ids of tasks that were replaced without proof
	operations map[string]string        // operation id -> pod, of those that are on record
	releasing  map[string]string        // operation id -> claim, of those that give something back
	order      []*Pod                   // sorted by the phase of their type, then index
	sorted     int                      // how many pods order held when it was sorted last
	byName     []*Pod                   // sorted by name
	hostOrder  []*Host                  // by key
	scouts     map[string]*Pod          // by host
	bound      map[Wanted]bool          // the pods that belong to a host
	settle     map[string]time.Duration // pod type -> how long a pod must be ready for others to be stopped
	gated      map[string]bool          // pod types that are stopped only if the service lets them be
	budgets    []plans.Budget           // how many pods may be down
	quorate    map[string]bool          // pod types of which a majority must be up
	deploy     *deploySteps             // what deploy consists of; nil when that must be made anew
	inputs     inputs                   // what the plans were evaluated from last
	nextIndex  map[string]int           // by pod type

	// Volatile: gone with the process or the session.
	connection Connection
	offers     map[string]offers.Offer
	agents     map[string]liveAgents   // host key -> agents that offered in this session
	tries      map[string]try          // pod name -> why its last evaluation found no match
	asked      map[string]question     // task id -> open reconciliation
	fullAsk    time.Time               // when everything is reconciled next
	told       map[string]telling      // host -> the message that its scout has not heard yet
	retell     map[string]bool         // hosts whose scout may have to be told something
	strangers  map[string]stranger     // by task id
	resumed    bool                    // there was no session yet, and the framework is an older one
	hearsUntil time.Time               // until then nothing is launched: Mesos tells what runs; zero: there was nothing before this process
	hearing    hearing                 // what it was asked of that
	hostHolds  map[string][]plans.Hold // why a host can't be used
	opAsked    map[string]question     // operation id -> open reconciliation
	opRefused  map[string]string       // pod name -> which operation Mesos refused, and why
	stunted    map[string]string       // pod name -> why its volume did not grow
	leftovers  map[string][]leftover   // host -> what is reserved there for no pod
	revived    map[string]retry        // candidates for which offers were asked
	returned   map[string]retry        // offers whose DECLINE failed; the count is negative while one that was sent again has not
	moved      map[string]bool         // host keys whose agent may be another one than that on which one of their tasks was launched
	pace       pace
	drops      map[string]int       // pod name -> tasks in a row that never ran
	heardAt    map[string]time.Time // host -> when its scout last reported, having heard of this session
	silent     map[string]bool      // hosts whose scout runs and says nothing
	acked      acked                // updates that were acknowledged lately
	killed     map[string]retry     // task id -> how often its end was asked for
	fits       map[string]fitting   // running pod -> whether what takes its place fits
	opinions   map[string]opinion   // set of pods -> what is said of stopping them together
	inquiries  map[string]inquiry   // host -> what its scout was asked last
	lastAsk    uint64               // number of the last ask
	tokens     int                  // REVIVEs that may be sent at once
	refilled   time.Time            // when a token was gained last
	suppressed bool                 // no offers come
	exclusion  exclusion            // hosts whose offers do not come
	survey     Survey
	surveyed   bool       // the survey is that of the hosts as they are
	compared   comparison // of the survey with the pods

	// Collected for the next decision.
	dirty     map[string]bool
	deleted   map[string]bool
	calls     []Call
	answers   []Answer
	taskKills []taskKill // that operators asked for since the last decision
	asks      []Ask
	wanted    map[string][]string // sets of pods that the service is to be asked about, if a plan still wants to know
	inquire   map[string]bool     // hosts whose scout is to be asked how its pods are
	stopped   map[string]bool     // pods that are stopped since the last decision
	unfit     map[string]bool     // running pods of which only offers can say whether what takes their place fits
	changed   bool                // a reader could see a difference
	urgent    bool                // publish without regard to ViewInterval
	viewed    time.Time
	shown     shown // the view that was published last
	revision  uint64
	wake      time.Time
}

// Boot is what is particular to this start of the process.
type Boot struct {
	Now time.Time
	// By says where the settings come from ("operator", "package").
	By string
}

// New builds a machine from its records, which may be empty. It refuses records that it can't read or whose format is newer
// than its own, naming each of them.
func New(cfg Config, service Service, records []Record, boot Boot) (*Machine, error) {
	m := &Machine{
		cfg:       cfg.withDefaults(),
		service:   service,
		hosts:     map[string]*Host{},
		pods:      map[string]*Pod{},
		facts:     map[string]plans.Fact{},
		byTask:    map[string]*Pod{},
		scouts:    map[string]*Pod{},
		bound:     map[Wanted]bool{},
		nextIndex: map[string]int{},
		offers:    map[string]offers.Offer{},
		agents:    map[string]liveAgents{},
		tries:     map[string]try{},
		asked:     map[string]question{},
		told:      map[string]telling{},
		retell:    map[string]bool{},
		strangers: map[string]stranger{},
		hostHolds: map[string][]plans.Hold{},
		stunted:   map[string]string{},

		operations: map[string]string{},
		releases:   map[string]*Release{},
		releasing:  map[string]string{},
		opAsked:    map[string]question{},
		opRefused:  map[string]string{},
		leftovers:  map[string][]leftover{},
		revived:    map[string]retry{},
		returned:   map[string]retry{},
		moved:      map[string]bool{},
		drops:      map[string]int{},
		heardAt:    map[string]time.Time{},
		silent:     map[string]bool{},
		killed:     map[string]retry{},
		fits:       map[string]fitting{},
		opinions:   map[string]opinion{},
		settle:     map[string]time.Duration{},
		gated:      map[string]bool{},
		quorate:    map[string]bool{},
		inquiries:  map[string]inquiry{},
		wanted:     map[string][]string{},
		inquire:    map[string]bool{},
		stopped:    map[string]bool{},
		unfit:      map[string]bool{},
		replaced:   map[string]*Pod{},
		dirty:      map[string]bool{},
		deleted:    map[string]bool{},
		changed:    true,
	}
	if err := m.load(records); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	for _, phase := range service.Phases() {
		for _, t := range phase.PodTypes {
			m.settle[t], m.gated[t] = phase.Settle, phase.Gated
		}
	}
	m.budgets = service.Budgets()
	for _, b := range m.budgets {
		m.quorate[b.PodType] = b.Quorum
	}
	m.resumed = m.frameworkID != ""
	for _, p := range m.order {
		if h := m.hosts[p.Host]; h != nil && p.wentFrom(h.AgentID) {
			m.moved[h.Key] = true
		}
	}
	m.clampTimes(boot.Now)
	m.stepsOfDeploy()
	if err := plans.Validate(m.ledgerAsRecorded(), m.deploy.definition); err != nil {
		return nil, fmt.Errorf("service %s: %w", service.Name(), err)
	}
	m.retarget(boot)
	return m, nil
}

// FrameworkID is the id under which the framework is known to Mesos; empty before the first subscription.
func (m *Machine) FrameworkID() string { return m.frameworkID }

// Registration is what Mesos was told about the framework when it last subscribed; nil if that is not known.
func (m *Machine) Registration() *Registration { return m.registration }

// Take notes an event.
func (m *Machine) Take(now time.Time, e Event) {
	m.changed = true
	switch e := e.(type) {
	case Subscribed:
		m.takeSubscribed(now, e)
	case Disconnected:
		m.takeDisconnected(now, e)
	case Offered:
		m.takeOffers(now, e.Offers)
	case Rescinded:
		delete(m.offers, e.OfferID)
	case Updated:
		m.takeStatus(now, e.Status)
	case OperationUpdated:
		m.takeOperation(now, e.Status)
	case Failure:
		m.takeFailure(e)
	case CallFailed:
		m.takeCallFailed(now, e)
	case Judged:
		m.takeJudged(now, e)
	case Verb:
		m.takeVerb(now, e)
	}
}

// Decide says what is to be done now. random must be fresh with every call: task ids are made from it.
func (m *Machine) Decide(now time.Time, random [16]byte) Effects {
	m.wake = time.Time{}
	clear(m.inquire)
	m.admitHosts(now)
	m.discover(now)
	m.reconcile(now)         // before launch: Mesos need not be asked about tasks that it has yet to hear of
	worked := !m.run.Ended() // before the plans are evaluated, which may end it
	evaluations, candidates, same := m.candidates(now)
	same = same && len(m.tries) == 0
	m.release(now, random) // before launch, which uses up or gives back all offers
	m.launch(now, random, candidates)
	m.killStopped(now)
	m.killReplaced(now)
	if unchanged := m.listenToScouts(now); !unchanged || !same || len(m.tries) > 0 {
		evaluations = m.finish(now, worked)
	}
	m.ask(now, evaluations)
	m.callTheRoll(now)
	m.tellScouts(now)
	m.noteNamed()

	groups := m.flush()
	effects := Effects{Groups: groups, View: m.publish(now, evaluations), Answers: m.answers, Asks: m.asks}
	for _, c := range m.calls {
		effects.Calls = append(effects.Calls, Sending{Call: c, After: len(groups)})
	}
	m.calls, m.answers, m.asks, m.taskKills = nil, nil, nil, nil
	effects.WakeAt = m.wake
	return effects
}

// wakeAt asks to be called again at t at the latest.
func (m *Machine) wakeAt(t time.Time) {
	if m.wake.IsZero() || t.Before(m.wake) {
		m.wake = t
	}
}

func (m *Machine) takeSubscribed(now time.Time, e Subscribed) {
	m.register(e)
	m.endSession()
	m.connection = Connection{Connected: true, Since: now, Master: e.Master}
	if m.resumed {
		m.resumed, m.hearsUntil = false, now.Add(hearsFirst)
	}
	m.fullAsk = now
	for host := range m.scouts {
		m.retell[host] = true
		m.inquiries[host] = inquiry{At: now} // what a scout says before it was told of the session may be of before, also if it comes at once
	}
	for _, h := range m.hosts {
		h.Heard = "" // reports may have been missed meanwhile: a scout that is told something reports at once
	}
}

// register notes who the framework is to Mesos, and as what. What was known stays if the master has not said that it took something else.
func (m *Machine) register(e Subscribed) {
	now := e.Registration
	if now == nil && m.frameworkID == e.FrameworkID {
		now = m.registration
	}
	if m.frameworkID == e.FrameworkID && m.registration.Equal(now) {
		return
	}
	m.frameworkID, m.registration = e.FrameworkID, now
	m.dirty[keyFramework] = true
}

func (m *Machine) takeDisconnected(now time.Time, e Disconnected) {
	wasConnected := m.connection.Connected
	m.endSession()
	m.connection.Connected = false
	m.connection.Error = e.Err
	if wasConnected || m.connection.Since.IsZero() {
		m.connection.Since = now
	}
}

// retry is something that is tried again.
type retry struct {
	next  time.Time
	count int
}

// endSession forgets what does not outlive a session with a master: offers are dead, filters and open questions are gone.
func (m *Machine) endSession() {
	clear(m.offers)
	clear(m.agents)
	clear(m.asked)
	clear(m.revived)
	clear(m.returned)
	clear(m.told)
	clear(m.inquiries)
	clear(m.tries)
	clear(m.opAsked)
	clear(m.killed)
	m.acked = acked{}
	clear(m.fits)
	m.calls = nil
	m.notKilled()
	m.fullAsk = time.Time{}
	m.suppressed = false
	m.exclusion = exclusion{}
	m.hearing = hearing{}
}

func (m *Machine) takeFailure(e Failure) {
	if e.ExecutorID != "" {
		return
	}
	for host, agents := range m.agents {
		if i := agents.find(e.AgentID); i >= 0 {
			m.agents[host] = slices.Delete(agents, i, i+1)
			m.adopt(host)
		}
	}
	for id, o := range m.offers {
		if o.AgentID == e.AgentID {
			delete(m.offers, id)
		}
	}
}

// takeCallFailed makes good what a call that failed leaves behind: offers that the master believes to be with us.
func (m *Machine) takeCallFailed(now time.Time, e CallFailed) {
	switch c := e.Call.(type) {
	case Accept:
		m.forgetGrowth(c)
		if e.Ambiguous {
			return // the session ends, and reconciliation tells what became of the tasks
		}
		m.dropOperations(c)
		m.dropReleases(c)
		for _, t := range c.Launches() {
			m.takeStatus(now, TaskStatus{TaskID: t.ID, AgentID: t.AgentID, State: Dropped, Source: "SESSION", Message: e.Err})
		}
		m.giveBack(now, c.OfferIDs)
	case Decline:
		m.giveBack(now, c.OfferIDs)
	case Acknowledge:
		m.notAcknowledged(c.UUID)
	case AcknowledgeOperation:
		m.notAcknowledged(c.UUID)
	case Revive:
		clear(m.revived)
	case ExcludeHosts:
		m.exclusionFailed(now, e, c.Hosts)
	case Suppress:
		m.suppressed = false
	case Reconcile:
		m.fullAsk = now.Add(reconcileRetry[0])
		m.hearing = hearing{}
	}
}

const (
	// maxReturns is how often an offer is declined before it is left to the master.
	maxReturns = 5
	// returnsForgotten is how long after a DECLINE that was sent again it can still turn out that it has failed, too: much longer than a call may take.
	returnsForgotten = 10 * time.Minute
)

// giveBack declines offers once more, after a while. Mesos: declining an offer twice, or an unknown one, does nothing (mesos-traces F24).
func (m *Machine) giveBack(now time.Time, ids []string) {
	for _, id := range ids {
		times := max(m.returned[id].count, -m.returned[id].count)
		if times == maxReturns {
			continue
		}
		m.returned[id] = retry{next: now.Add(m.cfg.RefuseWanted), count: times + 1}
	}
}
