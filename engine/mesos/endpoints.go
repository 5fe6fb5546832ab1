package mesos

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// The endpoints from before the operator API. Masters have them below /master as well; a proxy before them may let one or the other through.
var (
	statePaths  = []string{"/master/state", "/state"}
	slavesPaths = []string{"/master/slaves", "/slaves"}
)

// lookAtEndpoints does what removeOrphans does with a master that does not know the operator API, or has a proxy before it that does not: what is there is
// seen at the older endpoints. An orphan is not torn down: Mesos does that after its failover timeout. When they can't be asked either, nobody
// knows what a new framework would be started over.
func (r *run) lookAtEndpoints(ctx context.Context, m endpoint, instead denied) error {
	orphans, err := r.endpointOrphans(ctx, m)
	var no denied
	if errors.As(err, &no) {
		return fmt.Errorf("%s; %s; not subscribing: neither can be asked, and whether a framework of ours was left behind is not known. "+
			"It may be starting, or be no Mesos master; let this machine call the operator API, or begin anew all the same with --ignore-leftovers", instead.text, no.text)
	}
	if err != nil || len(orphans) == 0 {
		return err
	}
	if err := r.awaitOwner(ctx, m, orphans, "a new one is made beside it"); err != nil {
		return err
	}
	still, err := r.endpointOrphans(ctx, m)
	if err != nil {
		return err
	}
	if !slices.Equal(still, orphans) {
		return fmt.Errorf("%s: framework %s has changed meanwhile; looking again", m, ids(orphans))
	}
	r.cfg.Logger.Warn("orphaned framework not torn down, which takes the operator API; Mesos removes it after its failover timeout", "framework_id", ids(orphans), "answer", instead)
	return nil
}

// endpointOrphans is orphans, and an error for what remains of our service, by the older endpoints.
func (r *run) endpointOrphans(ctx context.Context, m endpoint) ([]wire.Namesake, error) {
	var a wire.EndpointAnswers
	var err error
	if a.State, err = r.firstEndpoint(ctx, m, statePaths); err != nil {
		return nil, err
	}
	if a.Slaves, err = r.firstEndpoint(ctx, m, slavesPaths); err != nil {
		return nil, err
	}
	namesakes, remains, awaited, err := a.Seen(r.cfg.Framework, r.cfg.ServiceLabel)
	if err != nil {
		return nil, r.misread(m, err)
	}
	orphans, err := r.sift(m, namesakes)
	switch {
	case err != nil:
		return nil, err
	case len(remains) > 0:
		return nil, r.remainsError(m, remains)
	}
	return orphans, r.awaitedError(m, awaited)
}

// firstEndpoint is what the first path of several is answered with that the master knows.
func (r *run) firstEndpoint(ctx context.Context, m endpoint, paths []string) (text []byte, err error) {
	var no denied
	for _, path := range paths {
		if text, err = r.operator(ctx, m, path, operatorTimeout); !errors.As(err, &no) || no.forbidden {
			return text, err
		}
	}
	return nil, err
}
