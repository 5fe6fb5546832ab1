package quobyte

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// Service is Quobyte as the machine sees it.
type Service struct {
	settings Settings
	// By pod type, because the machine asks often.
	fingerprints map[string]string
	requirements map[string]offers.Requirement
}

var (
	_ machine.Service   = (*Service)(nil)
	_ machine.Inspector = (*Service)(nil)
)

// New returns the service that the settings describe, or the error of Settings.Validate. Later changes of the settings do
// not reach it.
func New(s Settings) (*Service, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s.Resources = maps.Clone(s.Resources)
	s.ExtraRAM = maps.Clone(s.ExtraRAM)
	s.Expect = maps.Clone(s.Expect)
	s.Constraints = maps.Clone(s.Constraints)
	s.PreReservedRoles = maps.Clone(s.PreReservedRoles)
	s.RestrictHosts = slices.Clone(s.RestrictHosts)
	s.MaxUnavailable, s.Settle = maps.Clone(s.MaxUnavailable), maps.Clone(s.Settle)
	service := &Service{settings: s, fingerprints: map[string]string{}, requirements: map[string]offers.Requirement{}}
	for _, t := range podTypes {
		service.fingerprints[t.name] = s.fingerprint(t)
		service.requirements[t.name] = s.requirement(t)
	}
	return service, nil
}

// Name is the name of the deployed system.
func (s *Service) Name() string { return s.settings.Name }

// Scout is the pod type of the probers.
func (s *Service) Scout() string { return Prober }

// ScoutSilence is the time in which a prober would have repeated itself three times.
func (s *Service) ScoutSilence() time.Duration { return 3 * RepeatEvery * s.settings.ProbeInterval }

// phases is the deploy plan: which pods after which. Names that have no pods in the settings are left out, also of after. Gated
// are those whose running pods are stopped only with Judge's consent.
//
// Each phase names all that it comes after, and not only the last of them: a phase can be done before its turn, because it has no steps or
// operators took them all out, and then nothing that comes after it may begin before what it comes after itself.
var phases = []struct {
	name     string
	podType  string
	strategy plans.Strategy
	after    []string
	gated    bool
}{
	{"probe", Prober, plans.Parallel, []string{}, false},
	{"registry", Registry, plans.Serial, []string{"probe"}, true},
	{"metadata", Metadata, plans.Parallel, []string{"probe", "registry"}, true},
	{"data", Data, plans.Parallel, []string{"probe", "registry", "metadata"}, true},
	{"api", API, plans.Parallel, []string{"probe", "registry", "metadata", "data"}, false},
	{"webconsole", Webconsole, plans.Parallel, []string{"probe", "registry", "metadata", "data"}, false},
	{"s3", S3, plans.Parallel, []string{"probe", "registry", "metadata", "data"}, false},
	{"client", Client, plans.Parallel, []string{"probe", "registry", "metadata", "data", "api", "webconsole", "s3"}, false},
}

// Phases lists the phases of the deploy plan: probe, registry (one by one), metadata, data, then api, webconsole and s3 side
// by side, then client. Where the budget lets several pods be stopped together, it is one at first, then two, and so on.
func (s *Service) Phases() []machine.PhaseSpec {
	var specs []machine.PhaseSpec
	present := map[string]bool{}
	for _, p := range phases {
		t, _ := lookUp(p.podType)
		if !s.settings.active(t) {
			continue
		}
		present[p.name] = true
		after := slices.DeleteFunc(slices.Clone(p.after), func(name string) bool { return !present[name] })
		specs = append(specs, machine.PhaseSpec{Name: p.name, Strategy: p.strategy, After: after, PodTypes: []string{p.podType},
			Batch: plans.Batch{Grow: true}, Gated: p.gated, Settle: s.settings.settle(p.podType),
			Policy: plans.Policy{Attempts: s.settings.StepAttempts, StepDeadline: s.settings.StepDeadline}})
	}
	return specs
}

// Admit holds hosts that --restrict-hosts leaves out.
func (s *Service) Admit(h machine.Host) *plans.Hold {
	allowed := s.settings.RestrictHosts
	if len(allowed) == 0 || slices.Contains(allowed, h.Key) || slices.Contains(allowed, h.Hostname) {
		return nil
	}
	return &plans.Hold{
		Code:    plans.CodeExcluded,
		Subject: h.Key,
		Text:    fmt.Sprintf("host %s is not among the hosts that --restrict-hosts allows", h.Key),
	}
}

// TaskName is the last part of the names of a pod type's tasks.
func (s *Service) TaskName(podType string) string {
	t, _ := lookUp(podType)
	return t.task
}

// Health says that all pods but the probers are ready only when their prober says so.
func (s *Service) Health(podType string) bool { return podType != Prober }

// Fingerprint identifies what the settings render for a pod type: a SHA-256 of its task on a host that does not exist. Left
// out are the list of registries, the framework's URL, and whatever differs from host to host. It is empty for types that
// do not exist.
func (s *Service) Fingerprint(podType string) string { return s.fingerprints[podType] }

// Requirement is what a pod needs of a host: the resources and ports of its type, on its host if it is bound to one.
func (s *Service) Requirement(p machine.Pod) offers.Requirement {
	req := s.requirements[p.Type]
	req.Subject, req.PodType = p.Name, p.Type
	if p.Bound {
		req.Host = p.Host
	}
	return req
}

// requirement is what any pod of a type needs. A prober is an executor with a task that does nothing; it has all but a small
// share.
func (s Settings) requirement(t podType) offers.Requirement {
	r := s.resources(t)
	req := offers.Requirement{CPUs: r.CPUs, Mem: r.Mem, Disk: r.Disk, Ports: s.ports(t)}
	// Validate has seen to it that there is no error.
	req.Constraint, _ = offers.ParseConstraint(s.Constraints[t.name])
	if s.Role != "" {
		req.Roles = []string{s.Role} // what is offered to another role may be set aside for that
	}
	if role := s.PreReservedRoles[t.name]; role != "" {
		req.PreReserved, req.Roles = role, []string{role} // Mesos offers what is set aside for a role to that role
	}
	if s.Reserve == ReserveDevices && t.device != "" {
		req.Claim = &offers.Claim{}
	}
	if t.name == Prober {
		req.CPUs, req.Mem, req.Disk = proberShare.CPUs, proberShare.Mem, 0
		req.Executor = offers.Quantities{CPUs: r.CPUs - proberShare.CPUs, Mem: r.Mem - proberShare.Mem, Disk: r.Disk}
	}
	return req
}
