package mesos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/transport"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

const (
	// orphanPatience is how long nobody must have come back to a framework before it is torn down: an instance that lost its master is back
	// after MaxBackoff and AnswerTimeout.
	orphanPatience = DefaultMaxBackoff + DefaultAnswerTimeout
	// operatorTimeout bounds a call of the operator API. GET_STATE of a large cluster is long.
	operatorTimeout = time.Minute
)

const (
	operatorPath = "/api/v1"
	summaryPath  = "/state-summary"
	jsonType     = "application/json" // with a parameter behind it, it is a 415 (mesos-traces F7)
)

// moved is the error of a call to a master that does not lead: where it says that the leader is.
type moved string

func (m moved) Error() string { return "it leads no more: " + string(m) + " does" }

// denied is the error of a call that the master does not know, or does not allow (forbidden), or for which it does not take our credentials (strange).
type denied struct {
	text      string
	forbidden bool
	strange   bool
}

func (d denied) Error() string { return d.text }

// makeWay looks, before a master is asked for a new framework, for one that an earlier SUBSCRIBE left behind because its id was lost before
// it was durable, and tears it down. A framework of our name that is more than that is left alone and is an error, and so is all else that shows
// that our service is there (wire.Remains), unless Config.BesideNamesakes says otherwise. Where the operator API is not known, the older endpoints tell
// (lookAtEndpoints). It returns where the leader is, if the master says that it is another.
func (r *run) makeWay(ctx context.Context, m endpoint) (location string, err error) {
	if r.frameworkID != "" {
		return "", nil
	}
	r.blind = nil
	err = r.removeOrphans(ctx, m)
	var no denied
	if errors.As(err, &no) && !no.forbidden && !no.strange && !r.cfg.BesideNamesakes {
		err = r.lookAtEndpoints(ctx, m, no)
	}
	var to moved
	switch {
	case errors.As(err, &to):
		return string(to), nil
	case errors.As(err, &no) && r.cfg.BesideNamesakes:
		r.blind = no
		return "", nil
	case errors.As(err, &no) && no.strange: // who never was subscribed had better learn at once that the settings are wrong
		return "", fmt.Errorf("%w: %w; it wants other credentials than it got", ErrRefused, no)
	case errors.As(err, &no): // that nothing may be seen does not say that nothing is there
		return "", fmt.Errorf("%w; not subscribing: whether a framework of ours was left behind may not be looked at; let the principal call the operator API, "+
			"or begin anew all the same with --ignore-leftovers", no)
	}
	return "", err
}

func (r *run) removeOrphans(ctx context.Context, m endpoint) error {
	text, err := r.operator(ctx, m, "GET_FRAMEWORKS", r.cfg.AnswerTimeout)
	if err != nil {
		return err
	}
	seen, err := wire.GlimpseNamesakes(r.cfg.Framework, text)
	if err != nil {
		return r.misread(m, err)
	}
	if len(seen) == 0 {
		return r.lookForRemains(ctx, m)
	}
	orphans, err := r.orphans(ctx, m)
	var no denied
	if errors.As(err, &no) { // what has been seen is enough to stop, not to tear down
		if _, obstacle := r.sift(m, seen); obstacle != nil {
			return obstacle
		}
	}
	if err != nil || len(orphans) == 0 {
		return err
	}
	if err := r.awaitOwner(ctx, m, orphans, "it is torn down"); err != nil {
		return err
	}
	still, err := r.orphans(ctx, m)
	if err != nil {
		return err
	}
	for _, o := range orphans {
		if !slices.Contains(still, o) {
			return fmt.Errorf("%s: framework %s has changed meanwhile; looking again", m, o.ID)
		}
		if err := r.tearDown(ctx, m, o.ID); err != nil {
			return err
		}
	}
	return nil
}

// awaitOwner gives whoever lost a subscription the time to come back to the frameworks that it left behind, and says what is done otherwise.
func (r *run) awaitOwner(ctx context.Context, m endpoint, orphans []wire.Namesake, otherwise string) error {
	why := fmt.Sprintf("%s: framework %s was left behind by a subscription that was lost; %s in %v unless somebody comes back to it", m, ids(orphans), otherwise, orphanPatience)
	r.cfg.Logger.Warn("not subscribed yet", "because", why)
	r.deliver(machine.Disconnected{Err: why}) // for who wonders why there is no session
	if !sleep(ctx, orphanPatience) {
		return because(ctx, ctx.Err())
	}
	return nil
}

// misread is the error of an answer that is not understood. Other than one that is not allowed, which a cluster that lets frameworks see little gives to
// each of them, it comes from something that is wrong; who says that a new framework may be made beside others goes on.
func (r *run) misread(m endpoint, err error) error {
	switch {
	case err == nil:
		return nil
	case r.cfg.BesideNamesakes:
		return denied{text: err.Error()}
	}
	return fmt.Errorf("%s: operator API: answer not understood: %w; not subscribing: it is not known whether a framework of ours was left behind. "+
		"If the address is right, --ignore-leftovers begins anew all the same", m, err)
}

func ids(list []wire.Namesake) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = n.ID
	}
	return strings.Join(out, ", ")
}

// orphans are the frameworks of our name and settings that nobody can miss: the present master has known them all their life, nobody is connected to
// them, and they never had anything. Others are an error.
func (r *run) orphans(ctx context.Context, m endpoint) ([]wire.Namesake, error) {
	var a wire.OperatorAnswers
	for _, q := range []struct {
		call string
		to   *[]byte
	}{{"GET_MASTER", &a.Master}, {"GET_STATE", &a.State}, {"GET_OPERATIONS", &a.Operations}, {summaryPath, &a.Summary}} {
		text, err := r.operator(ctx, m, q.call, operatorTimeout)
		if err != nil {
			return nil, err
		}
		*q.to = text
	}
	all, err := wire.Namesakes(r.cfg.Framework, a)
	if errors.Is(err, wire.ErrDisagree) {
		return nil, fmt.Errorf("%s: %w; asking again", m, err)
	}
	if err != nil {
		return nil, r.misread(m, err)
	}
	list, err := r.sift(m, all)
	if err != nil {
		return nil, err
	}
	return list, r.remains(m, a.State)
}

// lookForRemains asks for no more than what it takes to see remains.
func (r *run) lookForRemains(ctx context.Context, m endpoint) error {
	if r.cfg.BesideNamesakes {
		return nil
	}
	text, err := r.operator(ctx, m, "GET_STATE", operatorTimeout)
	if err != nil {
		return err
	}
	return r.remains(m, text)
}

// remains is an error if a master shows more of our service than namesakes, by its answer to GET_STATE.
func (r *run) remains(m endpoint, text []byte) error {
	list, err := wire.Remains(r.cfg.Framework, r.cfg.ServiceLabel, text)
	if err != nil {
		return r.misread(m, err)
	}
	switch {
	case r.cfg.BesideNamesakes:
		return nil
	case len(list) == 0:
		return r.awaited(m, text)
	}
	return r.remainsError(m, list)
}

func (r *run) remainsError(m endpoint, list []string) error {
	return fmt.Errorf("%w: %s: there is no state, and Mesos shows already: %s; nothing was changed: start with the state and the settings that belong to it",
		ErrNamesake, m, strings.Join(list, "; "))
}

// awaited is an error while a master waits for agents: nobody knows yet what of our service is there.
func (r *run) awaited(m endpoint, text []byte) error {
	n, err := wire.Awaited(text)
	if err != nil {
		return r.misread(m, err)
	}
	return r.awaitedError(m, n)
}

func (r *run) awaitedError(m endpoint, n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%s: there is no state, and %d agents have not come back since this master was elected: what of the service %q runs on them is not known yet; "+
		"waiting until they have, or the master gives them up (--ignore-leftovers does not wait)", m, n, r.cfg.Framework.Name)
}

// sift returns those that may be torn down, or an error because of the others.
func (r *run) sift(m endpoint, all []wire.Namesake) ([]wire.Namesake, error) {
	var orphans, others []wire.Namesake
	for _, n := range all {
		switch {
		case n.Attached != "" || n.Connected || n.Foreign:
			others = append(others, n)
		case n.Unlike == "":
			orphans = append(orphans, n)
		default: // it can't have been made with the settings of now: whose it is can't be known, nor does anything depend on it
			r.cfg.Logger.Warn("a framework of the same name has other settings, and nothing is attached to it; it is left to itself", "framework_id", n.ID, "settings", n.Unlike)
		}
	}
	if len(others) == 0 || r.cfg.BesideNamesakes {
		return orphans, nil
	}
	return nil, r.namesakeError(m, others)
}

// namesakeError says why no new framework is made beside those that are there. If all there is to say is that somebody is connected, it may
// be a connection of which the master does not know yet that it is dead.
func (r *run) namesakeError(m endpoint, list []wire.Namesake) error {
	final := false
	var texts []string
	for _, n := range list {
		what := "from the time of another master, so that nobody knows all it has"
		switch {
		case n.Attached != "":
			what = "with " + n.Attached
		case n.Connected:
			what = "with nothing yet"
		}
		if n.Connected {
			what = "connected, " + what
		}
		if n.Unlike != "" {
			what += "; " + n.Unlike
		}
		texts = append(texts, fmt.Sprintf("framework %s (%s)", n.ID, what))
		final = final || n.Attached != "" || !n.Connected
	}
	text := fmt.Sprintf("%s: there is no state, and Mesos knows already, of the name %q: %s", m, r.cfg.Framework.Name, strings.Join(texts, ", "))
	if !final {
		return fmt.Errorf("%s; waiting until it is gone: is another instance at work?", text)
	}
	return fmt.Errorf("%w: %s; nothing was changed: start with the state that belongs to it, or tear it down first, which kills its tasks", ErrNamesake, text)
}

// tearDown removes an orphan. Who may not do that lets it be: Mesos removes it after its failover timeout.
func (r *run) tearDown(ctx context.Context, m endpoint, id string) error {
	_, err := r.operator(ctx, m, "TEARDOWN", operatorTimeout, id)
	var no denied
	switch {
	case errors.As(err, &no):
		r.cfg.Logger.Warn("orphaned framework not torn down; Mesos removes it after its failover timeout", "framework_id", id, "answer", err)
	case err != nil:
		return err
	default:
		r.cfg.Logger.Info("orphaned framework torn down", "framework_id", id, "master", m.address)
	}
	return nil
}

// operator makes one call of the operator API, and returns the answer. A call that begins with a slash is an endpoint of the old one.
func (r *run) operator(ctx context.Context, m endpoint, call string, patience time.Duration, frameworkID ...string) ([]byte, error) {
	ctx, end := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%s: %s: no answer within %v; is the address right?", m, call, patience))
	defer end()
	to, body := m.origin(), []byte(nil)
	if to.path = call; !strings.HasPrefix(call, "/") {
		to.path, body = operatorPath, operatorCall(call, frameworkID...)
	}
	resp, err := r.post(ctx, to, body, http.Header{"Accept": {jsonType}, "Content-Type": {jsonType}})
	if err != nil {
		return nil, because(ctx, fmt.Errorf("%s: %s", m, transport.Explain(err)))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, r.operatorRefusal(m, call, resp)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, int64(r.cfg.MaxRecord)+1))
	if err != nil {
		return nil, because(ctx, fmt.Errorf("%s: %s: %s", m, call, transport.Explain(err)))
	}
	if len(text) > r.cfg.MaxRecord { // cut short it would count as one that is not understood, and a new framework be made beside ours
		return nil, fmt.Errorf("%s: %s: answer too long: more than %d bytes; raise the limit if the cluster is that large", m, call, r.cfg.MaxRecord)
	}
	return text, nil
}

func operatorCall(call string, frameworkID ...string) []byte {
	body := map[string]any{"type": call}
	for _, id := range frameworkID {
		body[strings.ToLower(call)] = map[string]any{"framework_id": map[string]any{"value": id}}
	}
	text, _ := json.Marshal(body) // strings always can
	return text
}

// operatorRefusal is what an answer other than 200 means.
func (r *run) operatorRefusal(m endpoint, call string, resp *http.Response) error {
	text := fmt.Sprintf("%s: %s: %d %s", m, call, resp.StatusCode, transport.Text(resp.Body))
	switch status := resp.StatusCode; {
	case status == http.StatusTemporaryRedirect:
		return moved(resp.Header.Get("Location"))
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
	case status == http.StatusNotImplemented, status >= 400 && status < 500:
		unknown := status == http.StatusUnauthorized
		return denied{text: text, forbidden: status == http.StatusForbidden || unknown && r.cfg.Credentials == nil, strange: unknown && r.cfg.Credentials != nil}
	}
	return errors.New(text)
}
