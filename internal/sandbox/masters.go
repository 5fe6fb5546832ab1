package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// listenStandbys opens the sockets of the masters that do not lead.
func (s *Sandbox) listenStandbys() error {
	for _, address := range s.cfg.Standbys {
		listener, err := s.cfg.Listen(address)
		if err != nil {
			return fmt.Errorf("standby: %w", err)
		}
		s.standbys = append(s.standbys, &endpoint{
			listener: listener, server: s.newServer(s.masterHandler(listener.Addr().String())),
		})
	}
	return nil
}

// MasterAddresses are where all the masters listen, the one that leads at first before the standbys.
func (s *Sandbox) MasterAddresses() []string {
	addresses := []string{s.MasterAddress()}
	for _, e := range s.standbys {
		addresses = append(addresses, e.listener.Addr().String())
	}
	return addresses
}

// LeaderAddress is where the master listens that leads, or led last.
func (s *Sandbox) LeaderAddress() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cluster.MasterAddress()
}

// successor is the master that takes over from the leader: the next in the list, or another at the same address if there
// is only one. It is called with the lock held.
func (s *Sandbox) successor() cluster.MasterFailover {
	all := append([]*endpoint{s.master}, s.standbys...)
	leads := slices.IndexFunc(all, func(e *endpoint) bool { return e.listener.Addr().String() == s.cluster.MasterAddress() })
	next := all[(leads+1)%len(all)].listener.Addr().(*net.TCPAddr)
	return cluster.MasterFailover{IP: next.IP.String(), Hostname: next.IP.String(), Port: next.Port}
}

// standBy answers as a master does that does not lead (F13): it knows its own health, and for all else who leads, whatever
// the call is. While nobody is elected it says so.
func (s *Sandbox) standBy(w http.ResponseWriter, r *http.Request, path string, next http.HandlerFunc, leader string) {
	s.mu.Lock()
	leaderless, unavailable := s.cluster.Master() == cluster.Leaderless, s.cluster.Unavailable()
	s.mu.Unlock()
	switch {
	case path == "/metrics/snapshot":
		writeJSON(w, map[string]float64{"master/elected": 0, "master/frameworks_active": 0})
	case path != "/redirect" && slices.Contains(local, path):
		next(w, r)
	case leaderless:
		s.answer(w, unavailable)
	case path == "/redirect":
		redirectTo(w, leader)
	default:
		redirectTo(w, leader+"/master"+path)
	}
}

// Do lets the caller do something to the model of the cluster, as one step, and carries out what comes of it. It is for
// what no fault can say, such as the id of the next master.
func (s *Sandbox) Do(do func(now time.Time, c *cluster.Cluster) []cluster.Effect) {
	s.apply(func(now time.Time) []cluster.Effect { return do(now, s.cluster) })
}
