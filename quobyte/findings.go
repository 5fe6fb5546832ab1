package quobyte

import (
	"hash/fnv"
	"slices"
)

// findings are what a survey asks of a host. They are small, because they are kept for each of ten thousand; who needs more of a host reads its facts again.
type findings struct {
	unreadable string // why its facts can't be read; empty if they can
	types      uint16 // that the host carries something for, a bit for each place in podTypes
	bootstraps int    // devices that say that they are the first
	troubled   bool   // there is something to be told
	serials    []uint64
}

// Inspect reads the facts of a host, for Survey.
func (s *Service) Inspect(facts []byte) any { return inspect(facts) }

func inspect(data []byte) *findings {
	facts, err := DecodeFacts(data)
	if err != nil {
		return &findings{unreadable: err.Error()}
	}
	f := &findings{troubled: len(facts.Problems) > 0}
	for i, t := range podTypes {
		if facts.carries(t) {
			f.types |= 1 << i
		}
	}
	for _, d := range facts.Devices {
		if isBootstrap(d) {
			f.bootstraps++
		}
		f.troubled = f.troubled || len(d.Problems) > 0
		if d.Serial != "" {
			h := fnv.New64a()
			h.Write([]byte(d.Serial))
			f.serials = append(f.serials, h.Sum64())
		}
	}
	f.serials = slices.Clip(f.serials)
	return f
}

// carries says whether a host has what a pod of the type is bound to.
func (f *Facts) carries(t podType) bool {
	if t.name == Client {
		return f.ClientMountPoint
	}
	return slices.ContainsFunc(f.Devices, func(d FoundDevice) bool { return d.Serves(t.name) })
}

func isBootstrap(d FoundDevice) bool { return d.Bootstrap && d.Serves(Registry) }

// surveyed is a host whose facts could be read.
type surveyed struct {
	key   string
	facts []byte
	*findings
}

// has says whether the host carries what a pod of the type is bound to.
func (h surveyed) has(t podType) bool {
	i := slices.IndexFunc(podTypes[:], func(other podType) bool { return other.name == t.name })
	return h.types&(1<<i) != 0
}

// read reads all that is known of the host.
func (h surveyed) read() Facts {
	facts, _ := DecodeFacts(h.facts) // it could be read before
	return facts
}

// worthTelling are the hosts of which something may have to be told: a problem, or a serial that another device has, too. Of two serials that only seem to
// be the same there is nothing to be told, which is seen when they are read.
func worthTelling(hosts []surveyed) []surveyed {
	n := 0
	for _, h := range hosts {
		n += len(h.serials)
	}
	all := make([]uint64, 0, n)
	for _, h := range hosts {
		all = append(all, h.serials...)
	}
	slices.Sort(all)
	shared := map[uint64]bool{}
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			shared[all[i]] = true
		}
	}
	isShared := func(serial uint64) bool { return shared[serial] }
	var out []surveyed
	for _, h := range hosts {
		if h.troubled || len(shared) > 0 && slices.ContainsFunc(h.serials, isShared) {
			out = append(out, h)
		}
	}
	return out
}
