package sim

import (
	"slices"
	"time"
)

// Shrink looks for a smaller schedule that breaks the same invariant: fewer faults and verbs, fewer hosts, quicker and simpler ones. It tries at most
// a number of runs.
func Shrink(r Result, tries int) Result {
	for {
		smaller, found := shrinkOnce(r, &tries)
		if !found {
			return r
		}
		r = smaller
	}
}

func shrinkOnce(r Result, tries *int) (Result, bool) {
	for _, s := range simpler(r.Schedule) {
		if *tries--; *tries < 0 {
			return r, false
		}
		if got := Run(s, nil); got.Broken == r.Broken {
			return got, true
		}
	}
	return r, false
}

// simpler lists schedules that are simpler in one thing, those that leave out the most first.
func simpler(s Schedule) []Schedule {
	var out []Schedule
	try := func(change func(*Schedule)) {
		c := s
		c.Hosts, c.Faults, c.Verbs = slices.Clone(s.Hosts), slices.Clone(s.Faults), slices.Clone(s.Verbs)
		change(&c)
		out = append(out, c)
	}
	for size := len(s.Faults); size > 0; size /= 2 {
		for from := 0; from+size <= len(s.Faults); from += size {
			try(func(c *Schedule) { c.Faults = slices.Delete(c.Faults, from, from+size) })
		}
	}
	for size := len(s.Verbs); size > 0; size /= 2 {
		for from := 0; from+size <= len(s.Verbs); from += size {
			try(func(c *Schedule) { c.Verbs = slices.Delete(c.Verbs, from, from+size) })
		}
	}
	for k := len(s.Hosts) - 1; k >= 0 && len(s.Hosts) > 3; k-- {
		if h := s.Hosts[k]; !h.Registry {
			try(func(c *Schedule) { c.Hosts = slices.Delete(c.Hosts, k, k+1) })
		}
	}
	if s.Reserve {
		try(func(c *Schedule) { c.Reserve = false })
	}
	for k := range s.Volumes {
		try(func(c *Schedule) { c.Volumes = slices.Delete(slices.Clone(c.Volumes), k, k+1) })
	}
	for k := range s.Canaries {
		try(func(c *Schedule) { c.Canaries = slices.Delete(slices.Clone(c.Canaries), k, k+1) })
	}
	if s.Attempts > 0 {
		try(func(c *Schedule) { c.Attempts = 0 })
	}
	if s.HostPorts {
		try(func(c *Schedule) { c.HostPorts = false })
	}
	if s.Closed {
		try(func(c *Schedule) { c.Closed = false })
	}
	if s.MaxUnavailable != "" {
		try(func(c *Schedule) { c.MaxUnavailable = "" })
	}
	if s.OfferTimeout > 0 && !s.losesOffers() {
		try(func(c *Schedule) { c.OfferTimeout = 0 })
	}
	for k := range s.Hosts {
		if s.Hosts[k].Joins > 0 {
			try(func(c *Schedule) { c.Hosts[k].Joins = 0 })
		}
	}
	quick := Speed{Network: time.Millisecond, Start: 200 * time.Millisecond, CatchUp: 500 * time.Millisecond, Probe: 5 * time.Second}
	if s.Speed != quick {
		try(func(c *Schedule) { c.Speed = quick })
	}
	return out
}
