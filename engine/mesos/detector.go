package mesos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Detector finds out who may lead the cluster.
type Detector interface {
	// Watch reports what is known whenever that changes, until ctx ends; then it returns. It never gives up: what goes wrong
	// is told in the reports and tried again.
	Watch(ctx context.Context, report func(Candidates))
}

// Candidates are the masters of which one may lead.
type Candidates struct {
	// Addresses are as in Config.Masters, in the order in which to ask. Empty: nobody leads, and there is nothing to do but wait.
	Addresses []string
	// Leader says that the addresses are names of one master, which is known to lead. A subscription with another is ended.
	Leader bool
	// Reason says why Addresses is empty.
	Reason string
}

// candidateList is a Detector of masters that were told beforehand. Which of them leads, they tell by redirecting.
type candidateList []string

func (l candidateList) Watch(ctx context.Context, report func(Candidates)) {
	report(Candidates{Addresses: l})
	<-ctx.Done()
}

// leadership is what a Detector said last, and what follows from it for the attempt or subscription of the moment.
type leadership struct {
	scheme string // of addresses that name none

	mu        sync.Mutex
	endpoints []endpoint
	leader    bool
	reason    string
	changed   chan struct{}       // closed by the next report that changes something
	known     map[endpoint]bool   // all masters ever named, without their paths
	at        endpoint            // the master that is being asked or subscribed with; zero while one is waited for
	end       func(cause error)   // ends that attempt; nil while there is none
	note      func(string, error) // takes an address that is none
}

func newLeadership(scheme string, configured []endpoint) *leadership {
	l := &leadership{scheme: scheme, changed: make(chan struct{}), known: make(map[endpoint]bool), reason: "the leading master is not known yet"}
	for _, e := range configured {
		l.known[e.origin()] = true
	}
	return l
}

// report takes news of the Detector. An attempt to reach a master that leads no more is over; a subscription stands until another
// master is known to lead, since that nobody seems to may be the fault of whoever was asked.
func (l *leadership) report(c Candidates) {
	var endpoints []endpoint
	for _, a := range c.Addresses {
		e, err := parseEndpoint(a, l.scheme)
		if err != nil {
			l.note(a, err)
			continue
		}
		endpoints = append(endpoints, e)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reason = c.Reason
	if slices.Equal(endpoints, l.endpoints) && l.leader == c.Leader {
		return
	}
	l.endpoints, l.leader = endpoints, c.Leader
	for _, e := range endpoints {
		l.known[e.origin()] = true
	}
	close(l.changed)
	l.changed = make(chan struct{})
	if l.end != nil && l.at != (endpoint{}) && c.Leader && len(endpoints) > 0 && !l.leads(l.at) {
		l.end(fmt.Errorf("%s: leads no more: %s does; subscribing there", l.at, endpoints[0]))
	}
}

// leads says whether e is a name of the leader.
func (l *leadership) leads(e endpoint) bool {
	return slices.ContainsFunc(l.endpoints, func(o endpoint) bool { return o.address == e.address })
}

// begin notes an attempt, which end ends.
func (l *leadership) begin(end func(error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end, l.at = end, endpoint{}
}

func (l *leadership) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = nil
}

// ask notes which master is asked.
func (l *leadership) ask(e endpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = e
}

// candidates returns the masters to ask, why there are none, and a channel that is closed when that changes.
func (l *leadership) candidates() ([]endpoint, string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.endpoints, l.reason, l.changed
}

// knows says whether somebody who is to be believed has named this master: the operator or the Detector, not a redirect.
func (l *leadership) knows(e endpoint) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[e.origin()]
}

// joinMasters undoes what splitting at commas does to the address of a ZooKeeper ensemble.
func joinMasters(list []string) []string {
	if len(list) > 0 && strings.HasPrefix(list[0], zkScheme) {
		return []string{strings.Join(list, ",")}
	}
	return list
}
