package quobyte

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// leaseSilence is how long nobody gets a lease after the primary registry has gone.
const leaseSilence = 18 * time.Second

// settles is how long a pod must have been ready before another one is stopped, for types where that is any time at all. Of metadata and data
// it is seen whether one that is ready stays so.
var settles = map[string]time.Duration{Registry: 30 * time.Second, Metadata: 10 * time.Second, Data: 10 * time.Second}

// budgets are how many pods of a type may be down for another one to be stopped. Probers only watch, and are many; while one is away nobody knows
// how the pods of its host are.
var budgets = map[string]plans.Amount{
	Prober: {Value: 50, Percent: true}, Registry: {Value: 1}, Metadata: {Value: 1}, Data: {Value: 1},
	API: {Value: 1}, Webconsole: {Value: 1}, S3: {Value: 1}, Client: {Value: 10, Percent: true},
}

// settle is Settle of a pod type. Validate has seen to it that there is no error, here and below.
func (s Settings) settle(podType string) time.Duration {
	if text, given := s.Settle[podType]; given {
		d, _ := time.ParseDuration(text)
		return d
	}
	return settles[podType]
}

func (s Settings) maxUnavailable(podType string) plans.Amount {
	if text, given := s.MaxUnavailable[podType]; given {
		amount, _ := plans.ParseAmount(text)
		return amount
	}
	return budgets[podType]
}

// Budgets say how many pods of a type may be down for another one to be stopped. Registries decide by majority: while one of them is being
// repaired nothing else is stopped.
func (s *Service) Budgets() []plans.Budget {
	var list []plans.Budget
	for _, t := range podTypes {
		list = append(list, plans.Budget{PodType: t.name, MaxUnavailable: s.settings.maxUnavailable(t.name), Quorum: t.name == Registry})
	}
	return list
}

// Judge says whether pods may be stopped together: if without them a majority of all registries is up. Which of them are in Quobyte's replica set
// is known to Quobyte's API only, so all count; but one that was never ready is surely not in it, and its end costs nothing. Metadata and data
// services find and keep each other by the registries, so what is true of a registry is true of them.
func (s *Service) Judge(stop []string, all []machine.Standing) machine.Judgement {
	served := false
	var registries []machine.Standing
	for _, p := range all {
		served = served || p.Served && slices.Contains(stop, p.Name)
		if p.Type == Registry {
			registries = append(registries, p)
		}
	}
	if !served {
		return machine.Judgement{Gate: plans.GateOpen}
	}
	return quorum(stop, registries)
}

// quorum says whether a majority of the registries is up without those that are to be stopped. If that depends on registries of which nobody
// knows how they are, it is unknown.
func quorum(stop []string, registries []machine.Standing) machine.Judgement {
	up, unsure := 0, 0
	var missing []string
	for _, r := range registries {
		switch {
		case slices.Contains(stop, r.Name):
			continue
		case r.State == machine.Up:
			up++
			continue
		case r.State == machine.Unsure:
			unsure++
		}
		missing = append(missing, r.Name+" "+r.Text)
	}
	need := len(registries)/2 + 1
	if up >= need {
		return machine.Judgement{Gate: plans.GateOpen}
	}
	text := fmt.Sprintf("%d of %d registries are up beside it, and a majority is %d", up, len(registries), need)
	if len(missing) > 0 {
		text += ": " + abbreviate(missing)
	}
	if up+unsure >= need {
		return machine.Judgement{Gate: plans.GateUnknown, Code: "quorum", Text: text}
	}
	return machine.Judgement{Gate: plans.GateClosed, Code: "quorum", Text: text}
}

// abbreviate lists the first three.
func abbreviate(list []string) string {
	const most = 3
	if len(list) <= most {
		return strings.Join(list, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(list[:most], "; "), len(list)-most)
}
