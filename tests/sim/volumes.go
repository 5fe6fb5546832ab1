package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/internal/sandbox/direct"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/quobyte"
)

// Volume is a persistent volume of each pod of a type. Quobyte's pods have none, but the machine can make them for a service.
type Volume struct {
	Pods string            `json:"pods"` // their type
	Type offers.VolumeType `json:"type"`
	MB   int               `json:"mb"`
	// From and Until say with how many changes of the settings of its pods it is wanted: from so many on, and with fewer than that if it is not 0. Their number
	// begins anew after two.
	From  int `json:"from,omitempty"`
	Until int `json:"until,omitempty"`
}

// variant is Quobyte's service, some of whose pods have persistent volumes, and some of whose phases are staged. Volumes of the root disk grow when the settings
// of their pods change.
type variant struct {
	*quobyte.Service
	wanted       map[string][]offers.Volume // by pod type
	fingerprints map[string]string
	phases       []machine.PhaseSpec
}

var _ machine.Service = variant{}

// newVariant is the service when the settings of some types were changed so often.
func newVariant(of *quobyte.Service, schedule Schedule, changes map[string]int) variant {
	s := variant{Service: of, wanted: map[string][]offers.Volume{}, fingerprints: map[string]string{}, phases: of.Phases()}
	for k := range s.phases {
		if p := &s.phases[k]; slices.Contains(schedule.Canaries, p.Name) {
			p.Strategy = staged(p.Strategy)
		}
	}
	for k, v := range schedule.Volumes {
		changed := changes[v.Pods]
		if changed < v.From || v.Until > 0 && changed >= v.Until {
			continue
		}
		size := v.MB
		if v.Type == offers.RootVolume {
			size += v.MB * changed
		}
		one := offers.Volume{Name: fmt.Sprintf("volume%d", k), Type: v.Type, Size: offers.Scalar(float64(size))}
		one.ContainerPath = one.Name
		s.wanted[v.Pods] = append(s.wanted[v.Pods], one)
		s.fingerprints[v.Pods] += fmt.Sprintf(" %s %s %d", one.Name, one.Type, one.Size)
	}
	return s
}

// Phases are Quobyte's.
func (s variant) Phases() []machine.PhaseSpec { return s.phases }

// Requirement asks for the volumes besides, which takes a claim.
func (s variant) Requirement(p machine.Pod) offers.Requirement {
	r := s.Service.Requirement(p)
	if r.Volumes = s.wanted[p.Type]; len(r.Volumes) > 0 && r.Claim == nil {
		r.Claim = &offers.Claim{}
	}
	return r
}

// Fingerprint is another one with other volumes.
func (s variant) Fingerprint(podType string) string {
	return s.Service.Fingerprint(podType) + s.fingerprints[podType]
}

// disksOf are what MOUNT volumes are made of: one more than any host needs, of two sizes. Each costs time whenever something is offered.
func disksOf(s Schedule) []direct.Disk {
	var out []direct.Disk
	add := func() {
		out = append(out, direct.Disk{Root: fmt.Sprintf("/disks/%d", len(out)), MB: float64(10000 + 5000*(len(out)%2))})
	}
	for _, v := range s.Volumes {
		if v.Type == offers.MountVolume {
			add()
		}
	}
	if len(out) > 0 {
		add()
	}
	return out
}

// drawVolumes gives some pods persistent volumes in one of six schedules, and has operators give them up now and then. What it draws is of a stream of its own:
// all other schedules are what they would be without.
func drawVolumes(s *Schedule) {
	r := rand.New(rand.NewPCG(s.Seed, 0xd15c))
	if r.IntN(6) > 0 {
		return
	}
	types := []string{quobyte.Registry, quobyte.Metadata, quobyte.Data, quobyte.API}
	r.Shuffle(len(types), func(i, j int) { types[i], types[j] = types[j], types[i] })
	for _, kind := range types[:1+r.IntN(len(types))] {
		for range 1 + r.IntN(2) {
			v := Volume{Pods: kind, Type: []offers.VolumeType{offers.RootVolume, offers.MountVolume}[r.IntN(2)], MB: 100 + r.IntN(2000)}
			switch r.IntN(6) {
			case 0:
				v.From = 1 + r.IntN(2)
			case 1:
				v.Until = 1 + r.IntN(2)
			}
			s.Volumes = append(s.Volumes, v)
		}
	}
	t := &story{Schedule: s, r: r}
	for range 1 + r.IntN(3) {
		t.at = time.Duration(r.Int64N(int64(2 * chaos))).Round(time.Millisecond)
		t.volumeGivenUp(types[r.IntN(len(types))])
	}
	if r.IntN(2) == 0 {
		t.at = time.Minute + time.Duration(r.Int64N(int64(chaos))).Round(time.Millisecond)
		t.volumeGrows(s.Volumes[r.IntN(len(s.Volumes))].Pods)
	}
}

// volumeGivenUp: a pod is down, and an operator gives up what it has, or says that it is no more, while something goes wrong.
func (t *story) volumeGivenUp(kind string) {
	host := t.on(kind)
	t.fault(0, Fault{Kind: startFails, Host: host, What: kind, Count: 1 + t.r.IntN(3)})
	t.fault(time.Second, Fault{Kind: taskEnds, Host: host, What: kind})
	verbs := []machine.VerbKind{machine.Replace, machine.Replace, machine.Replace, machine.ReleaseLeftover, machine.ForgetReservations}
	for range 1 + t.r.IntN(2) {
		v := Verb{At: t.at + time.Second + t.upTo(20*time.Second), Kind: string(verbs[t.r.IntN(len(verbs))]), Step: t.r.IntN(7), Blind: t.r.IntN(4) == 0}
		if v.Kind == string(machine.ForgetReservations) {
			v.Pod, v.Force = fmt.Sprintf("%s-%d", kind, t.r.IntN(2)), t.r.IntN(4) > 0
		}
		t.Verbs = append(t.Verbs, v)
	}
	for range t.r.IntN(3) {
		t.disturbOperations(30*time.Second, host)
	}
}

// volumeGrows: the settings of pods with volumes change, which have them grow or be made, while something goes wrong.
func (t *story) volumeGrows(kind string) {
	if len(t.Hosts) > few && slices.Contains([]string{quobyte.Metadata, quobyte.Data}, kind) {
		return
	}
	for range 1 + t.r.IntN(3) {
		t.fault(2*time.Minute, Fault{Kind: newSettings, What: kind})
	}
	for range 1 + t.r.IntN(2) {
		t.disturbOperations(2*time.Minute, t.on(kind))
	}
}

// disturbOperations: an ACCEPT, its agent, or who waits for it, is lost.
func (t *story) disturbOperations(within time.Duration, host int) {
	switch t.r.IntN(5) {
	case 0:
		t.away(within, host, time.Second, 3*time.Minute)
	case 1:
		f := Fault{Kind: acceptFails}
		drawCallFault(t.r, &f)
		f.Count = 0
		t.fault(within, f)
	case 2:
		t.fault(within, Fault{Kind: serveCrash, For: between(t.r, time.Second, 30*time.Second)})
	case 3:
		f := Fault{Kind: commitFails}
		drawOutcome(t.r, &f)
		t.fault(within, f)
	case 4:
		t.fault(within, Fault{Kind: updatesLost, Count: 1 + t.r.IntN(4)})
	}
}
