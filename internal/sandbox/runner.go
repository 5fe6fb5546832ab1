package sandbox

import (
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// A Runner runs the containers of a sandbox in place of real processes, such as by a script. Its methods are called with
// the sandbox's lock held: they must not block, and what they report comes later, from another goroutine.
type Runner interface {
	// Start starts a container. report is how the Runner tells what becomes of it.
	Start(start cluster.StartProcess, report Report)

	// Signal tells all processes of a container something. It may come before the container has been reported as started,
	// and after it has ended.
	Signal(container string, signal cluster.Signal)

	// Check performs a check of a container. What it brings is told to report, or nothing if the container has ended.
	Check(check cluster.PerformCheck, report Report)
}

// A Report tells the sandbox what becomes of one container: Started and later Exited, or one of Failed and Refused. The
// words are those of the functions of package cluster.
type Report struct {
	sandbox   *Sandbox
	container string
}

// Started says that the process of the container runs.
func (r Report) Started(pid int) {
	r.sandbox.apply(func(now time.Time) []cluster.Effect { return r.sandbox.cluster.ProcessStarted(now, r.container, pid) })
}

// Pulled says that the image of a Docker container is there. It comes before Started.
func (r Report) Pulled() {
	r.sandbox.apply(func(now time.Time) []cluster.Effect { return r.sandbox.cluster.ImagePulled(now, r.container) })
}

// NotRun says, in place of Started, what docker run has ended with for a container that it could not run.
func (r Report) NotRun(code int) {
	r.sandbox.apply(func(now time.Time) []cluster.Effect { return r.sandbox.cluster.ContainerNotRun(now, r.container, code) })
}

// Failed says that it could not be started.
func (r Report) Failed(problem string) {
	r.sandbox.apply(func(now time.Time) []cluster.Effect {
		return r.sandbox.cluster.ProcessFailed(now, r.container, problem)
	})
}

// Refused says that its agent could not even make room for it.
func (r Report) Refused(message string) {
	r.sandbox.apply(func(now time.Time) []cluster.Effect {
		return r.sandbox.cluster.ContainerRefused(now, r.container, message)
	})
}

// Exited says that all of its processes are gone.
func (r Report) Exited(exit cluster.Exit) {
	r.sandbox.apply(func(now time.Time) []cluster.Effect { return r.sandbox.cluster.ProcessExited(now, r.container, exit) })
}

// Checked says what a check of the container has brought, or its health check.
func (r Report) Checked(health bool, result cluster.CheckResult) {
	r.sandbox.apply(func(now time.Time) []cluster.Effect {
		return r.sandbox.cluster.Checked(now, r.container, health, result)
	})
}

// delegate gives the Runner what is its business. Volumes are not: a Runner has none.
func (s *Sandbox) delegate(effect cluster.Effect) {
	switch e := effect.(type) {
	case cluster.StartProcess:
		s.cfg.Runner.Start(e, Report{sandbox: s, container: e.Container})
	case cluster.SignalProcess:
		s.cfg.Runner.Signal(e.Container, e.Signal)
	case cluster.PerformCheck:
		s.cfg.Runner.Check(e, Report{sandbox: s, container: e.Container})
	}
}
