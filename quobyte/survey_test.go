package quobyte

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// A survey says what one would say that reads all facts of all hosts, whether they were inspected before or not.
func TestSurveyIsThatOfAllFacts(t *testing.T) {
	settings := dockerSettings()
	settings.ClientMountPoint, settings.ClientImage = "/quobyte", "client:1"
	service := newService(t, settings)
	text := rapid.SampledFrom([]string{"", "a", "b"})
	device := rapid.Custom(func(t *rapid.T) FoundDevice {
		d := FoundDevice{Path: "/mnt/" + text.Draw(t, "path"), Bootstrap: rapid.Bool().Draw(t, "bootstrap"), Types: rapid.SliceOfN(rapid.SampledFrom([]string{Registry, Metadata, Data, "tape"}), 0, 2).Draw(t, "types")}
		d.Serial = rapid.SampledFrom([]string{"", "1", "2", "3", "4", "5", "6", "7"}).Draw(t, "serial")
		if rapid.IntRange(0, 3).Draw(t, "bad") == 0 {
			d.Problems = []string{"device.type: " + text.Draw(t, "problem")}
		}
		return d
	})
	rapid.Check(t, func(t *rapid.T) {
		var hosts []machine.Host
		for i := range rapid.IntRange(0, 5).Draw(t, "hosts") {
			h := machine.Host{Key: fmt.Sprint("h", i)}
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0: // was not heard
			case 1:
				h.Facts = []byte("{")
			default:
				f := Facts{Devices: rapid.SliceOfN(device, 0, 3).Draw(t, "devices"), ClientMountPoint: rapid.Bool().Draw(t, "mount")}
				if rapid.IntRange(0, 4).Draw(t, "troubled") == 0 {
					f.Problems = []string{"no /mnt"}
				}
				h.Facts = f.Encode()
			}
			if h.Facts != nil && rapid.Bool().Draw(t, "inspected") {
				h.Inspected = service.Inspect(h.Facts)
			}
			hosts = append(hosts, h)
		}
		if diff := cmp.Diff(plainSurvey(service, hosts), service.Survey(hosts)); diff != "" {
			t.Fatalf("(-of all facts +survey)\n%s", diff)
		}
	})
}

// plainSurvey reads everything.
func plainSurvey(s *Service, hosts []machine.Host) machine.Survey {
	type host struct {
		key   string
		facts Facts
	}
	var out machine.Survey
	var known []host
	for _, h := range hosts {
		facts, err := DecodeFacts(h.Facts)
		switch {
		case len(h.Facts) == 0:
		case err != nil:
			out.Warnings = append(out.Warnings, deviceHold(h.Key, "what its prober said can't be read: "+err.Error()))
		default:
			known = append(known, host{h.Key, facts})
		}
	}
	first := map[string]string{} // by serial
	var places []string          // of the devices that say that they are the first
	var begins []string          // their hosts
	for _, h := range known {
		for _, text := range h.facts.Problems {
			out.Warnings = append(out.Warnings, deviceHold(h.key, text))
		}
		for _, d := range h.facts.Devices {
			for _, text := range d.Problems {
				out.Warnings = append(out.Warnings, deviceHold(h.key, "device "+d.Path+" is not used: "+text))
			}
			if d.Bootstrap && d.Serves(Registry) {
				places, begins = append(places, h.key+":"+d.Path), append(begins, h.key)
			}
			before, ok := first[d.Serial]
			if ok && d.Serial != "" {
				out.Warnings = append(out.Warnings, deviceHold(h.key, fmt.Sprintf("device %s has the serial %q of %s; every device needs its own", d.Path, d.Serial, before)))
				continue
			}
			first[d.Serial] = h.key + ":" + d.Path
		}
	}
	carriers := map[string][]string{}
	for _, h := range known {
		for _, t := range podTypes {
			serves := func(d FoundDevice) bool { return len(d.Problems) == 0 && slices.Contains(d.Types, t.name) }
			if t.name == Client && h.facts.ClientMountPoint || t.name != Client && slices.ContainsFunc(h.facts.Devices, serves) {
				carriers[t.name] = append(carriers[t.name], h.key)
			}
		}
	}
	for _, t := range podTypes {
		need, have := s.settings.Expect[t.name], len(carriers[t.name])
		if have < need {
			what := "a " + t.name + " device"
			if t.name == Client {
				what = "the client mount point " + s.settings.ClientMountPoint
			}
			out.Missing = append(out.Missing, plans.Hold{
				Code: plans.CodeMissing, Subject: t.name, Need: fmt.Sprint(need), Have: fmt.Sprint(have),
				Text: fmt.Sprintf("%s: %d of %d hosts with %s found; waiting for %d more (--expect %s=%d)", t.name, have, need, what, need-have, t.name, need),
			})
		}
	}
	switch {
	case len(places) == 0:
		out.Missing = append(out.Missing, plans.Hold{
			Code: plans.CodeMissing, Subject: Registry, Need: "1", Have: "0", Text: "no registry device carries device.bootstrap=true; run qbootstrap on exactly one",
		})
	case len(places) > 1:
		out.Missing = append(out.Missing, plans.Hold{
			Code: plans.CodeConflict, Subject: Registry, Need: "1", Have: fmt.Sprint(len(places)),
			Text: fmt.Sprintf("%d registry devices carry device.bootstrap=true: %s; exactly one may, remove the line from the %s of the others", len(places), strings.Join(places, ", "), SetupFile),
		})
	}
	for _, p := range phases {
		t, _ := lookUp(p.podType)
		switch {
		case t.name == Prober || !s.settings.active(t):
		case !expectable(t):
			out.Pods = append(out.Pods, machine.Wanted{Type: t.name})
		default:
			keys := carriers[t.name]
			if t.name == Registry && len(begins) > 0 {
				rest := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == begins[0] })
				keys = append([]string{begins[0]}, rest...)
			}
			for _, key := range keys {
				out.Pods = append(out.Pods, machine.Wanted{Type: t.name, Host: key})
			}
		}
	}
	return out
}

// BenchmarkSurvey surveys 10,000 hosts with 12 devices each, of which one has just said something new.
func BenchmarkSurvey(b *testing.B) {
	service := newService(b, dockerSettings())
	hosts := make([]machine.Host, 10_000)
	for i := range hosts {
		var f Facts
		for k := range 12 {
			f.Devices = append(f.Devices, FoundDevice{Path: fmt.Sprint("/mnt/disk", k), Serial: fmt.Sprintf("WD-%d-%d", i, k), Model: "WDC WUH721414AL", FS: "xfs", Types: []string{Data}})
		}
		hosts[i] = machine.Host{Key: fmt.Sprintf("host-%05d", i), Facts: f.Encode()}
		hosts[i].Inspected = service.Inspect(hosts[i].Facts)
	}
	b.ReportAllocs()
	for b.Loop() {
		hosts[0].Inspected = nil
		service.Survey(hosts)
	}
}
