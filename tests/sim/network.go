package sim

import (
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// network is what is wrong between the framework and the master.
type network struct {
	calls   []callFault
	doubled int    // records that will arrive twice
	lost    int    // status updates that will not arrive
	late    []late // calls that are under way still
	strays  int    // launches with which a task gets there that no record knows

	offersLost int       // OFFERS that will not arrive
	blindTill  time.Time // until when masters believe that offers are considered which were lost
	loopTill   time.Time // until when masters send everybody in circles
	hopTill    time.Time // until when a standby is asked first
	downTill   time.Time // no master leads until then
	down       string
}

// callFault is what becomes of some calls.
type callFault struct {
	kind   string
	call   string // the name of the call that it is about; empty: any
	count  int
	skip   int
	silent bool // there is no answer at all
	delay  time.Duration
	status int
	text   string
}

// The kinds of call faults that are not statuses.
const (
	lostBefore = "lost before it is carried out"
	lostAfter  = "carried out, answer lost"
	delayed    = "delayed"

	unheard = "accepted, and nobody hears of it"

	afterNext    = "connection lost, carried out after the next call"
	afterSession = "connection lost, carried out when the next session has begun"
)

// late is a call whose sender has given up.
type late struct {
	until string // afterNext or afterSession
	do    func()
}

// overtaken carries out the calls that wait for something, which has happened.
func (w *world) overtaken(by string) {
	calls := w.network.late
	w.network.late = nil
	for _, l := range calls {
		if l.until == by {
			w.after(w.upTo(w.schedule.Speed.Network), "late call", l.do)
		} else {
			w.network.late = append(w.network.late, l)
		}
	}
}

// call says what becomes of a call.
func (n *network) call(c machine.Call) callFault {
	name := machine.CallName(c)
	for k := range n.calls {
		f := &n.calls[k]
		if f.count == 0 || f.call != "" && f.call != name {
			continue
		}
		if f.skip > 0 {
			f.skip--
			continue
		}
		f.count--
		return *f
	}
	return callFault{}
}

// copies is how often the next record arrives.
func (n *network) copies() int {
	if n.doubled > 0 {
		n.doubled--
		return 2
	}
	return 1
}

// closed says why nobody answers; empty if somebody does.
func (n *network) closed(now time.Time) string {
	if now.Before(n.downTill) {
		return n.down
	}
	return ""
}
