package quobyte

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// Survey says what should run on the hosts, what is missing, and what is wrong with devices. Probers are not in it: the
// machine starts one on every host that Admit lets in.
func (s *Service) Survey(hosts []machine.Host) machine.Survey {
	var out machine.Survey
	known := make([]surveyed, 0, len(hosts))
	for _, h := range hosts {
		if len(h.Facts) == 0 {
			continue // its prober has not said anything yet
		}
		found, kept := h.Inspected.(*findings)
		if !kept {
			found = inspect(h.Facts)
		}
		if found.unreadable != "" {
			out.Warnings = append(out.Warnings, deviceHold(h.Key, "what its prober said can't be read: "+found.unreadable))
			continue
		}
		known = append(known, surveyed{h.Key, h.Facts, found})
	}
	out.Warnings = append(out.Warnings, deviceWarnings(worthTelling(known))...)
	out.Missing = append(s.missing(known), bootstrapHolds(known)...)
	out.Pods = s.wanted(known)
	return out
}

func (s *Service) wanted(hosts []surveyed) []machine.Wanted {
	var pods []machine.Wanted
	for _, p := range phases {
		t, _ := lookUp(p.podType)
		switch {
		case t.name == Prober || !s.settings.active(t):
		case !expectable(t):
			pods = append(pods, machine.Wanted{Type: t.name})
		default:
			for _, h := range inOrder(hosts, t) {
				if h.has(t) {
					pods = append(pods, machine.Wanted{Type: t.name, Host: h.key})
				}
			}
		}
	}
	return pods
}

// inOrder puts the bootstrap host first for registries: index 0 is launched first, and only it can start alone.
func inOrder(hosts []surveyed, t podType) []surveyed {
	i := slices.IndexFunc(hosts, func(h surveyed) bool { return h.bootstraps > 0 })
	if t.name != Registry || i < 0 {
		return hosts
	}
	return slices.Concat(hosts[i:i+1], hosts[:i], hosts[i+1:])
}

// missing tells the minimums that are not met.
func (s *Service) missing(hosts []surveyed) []plans.Hold {
	var holds []plans.Hold
	for _, t := range podTypes {
		need, have := s.settings.Expect[t.name], 0
		for _, h := range hosts {
			if h.has(t) {
				have++
			}
		}
		if have >= need {
			continue
		}
		what := "a " + t.name + " device"
		if t.name == Client {
			what = "the client mount point " + s.settings.ClientMountPoint
		}
		holds = append(holds, plans.Hold{
			Code:    plans.CodeMissing,
			Subject: t.name,
			Text:    fmt.Sprintf("%s: %d of %d hosts with %s found; waiting for %d more (--expect %s=%d)", t.name, have, need, what, need-have, t.name, need),
			Need:    strconv.Itoa(need),
			Have:    strconv.Itoa(have),
		})
	}
	return holds
}

// bootstrapHolds says so if there is not exactly one bootstrap device.
func bootstrapHolds(hosts []surveyed) []plans.Hold {
	var places []string
	for _, h := range hosts {
		if h.bootstraps == 0 {
			continue
		}
		for _, d := range h.read().Devices {
			if isBootstrap(d) {
				places = append(places, h.key+":"+d.Path)
			}
		}
	}
	switch len(places) {
	case 1:
		return nil
	case 0:
		return []plans.Hold{{
			Code:    plans.CodeMissing,
			Subject: Registry,
			Text:    "no registry device carries device.bootstrap=true; run qbootstrap on exactly one",
			Need:    "1",
			Have:    "0",
		}}
	}
	return []plans.Hold{{
		Code:    plans.CodeConflict,
		Subject: Registry,
		Text: fmt.Sprintf("%d registry devices carry device.bootstrap=true: %s; exactly one may, remove the line from the %s of the others",
			len(places), strings.Join(places, ", "), SetupFile),
		Need: "1",
		Have: strconv.Itoa(len(places)),
	}}
}

// deviceWarnings tells which devices can't be used, and serials that occur twice.
func deviceWarnings(hosts []surveyed) []plans.Hold {
	var holds []plans.Hold
	first := map[string]string{} // serial -> place
	for _, h := range hosts {
		facts := h.read()
		for _, text := range facts.Problems {
			holds = append(holds, deviceHold(h.key, text))
		}
		for _, d := range facts.Devices {
			for _, text := range d.Problems {
				holds = append(holds, deviceHold(h.key, "device "+d.Path+" is not used: "+text))
			}
			place := h.key + ":" + d.Path
			if before, ok := first[d.Serial]; ok && d.Serial != "" {
				holds = append(holds, deviceHold(h.key, fmt.Sprintf("device %s has the serial %q of %s; every device needs its own", d.Path, d.Serial, before)))
				continue
			}
			first[d.Serial] = place
		}
	}
	return holds
}

func deviceHold(host, text string) plans.Hold {
	return plans.Hold{Code: plans.CodeDevice, Subject: host, Text: "host " + host + ": " + text}
}
