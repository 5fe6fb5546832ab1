package sandbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// The admin endpoints are the sandbox's own, on the listener of the master, and no fault strikes them:
//
//	GET    /sandbox/faults        {"faults":[...]}: what is active
//	POST   /sandbox/faults        a fault.Fault; gives it as it became active
//	DELETE /sandbox/faults?id=1   ends those, or all without an id; {"cleared":[...]}
//	GET    /sandbox/agents        {"agents":[...]}: what they may be called
//	GET    /sandbox/kinds         {"kinds":[...]}: what there is and what it takes
//
// What is wrong with a request is told as text, one problem a line, with status 400.

func (s *Sandbox) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, object{"faults": s.Faults()})
	})
	mux.HandleFunc("POST /sandbox/faults", s.injectCall)
	mux.HandleFunc("DELETE /sandbox/faults", s.clearCall)
	mux.HandleFunc("GET /sandbox/agents", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, object{"agents": s.AgentNames()})
	})
	mux.HandleFunc("GET /sandbox/kinds", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, object{"kinds": kindViews()})
	})
	return mux
}

func (s *Sandbox) injectCall(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestBody))
	decoder.DisallowUnknownFields()
	var f fault.Fault
	if err := decoder.Decode(&f); err != nil {
		refuse(w, http.StatusBadRequest, "fault: "+strings.TrimPrefix(err.Error(), "json: ")+"\n")
		return
	}
	active, err := s.Inject(f)
	if err != nil {
		refuse(w, http.StatusBadRequest, problemLines(err))
		return
	}
	writeJSON(w, active)
}

func (s *Sandbox) clearCall(w http.ResponseWriter, r *http.Request) {
	var ids []int
	for _, text := range r.URL.Query()["id"] {
		id, err := strconv.Atoi(text)
		if err != nil {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("id %q: must be a number\n", text))
			return
		}
		ids = append(ids, id)
	}
	cleared, err := s.ClearFaults(ids...)
	if err != nil {
		refuse(w, http.StatusBadRequest, problemLines(err))
		return
	}
	if cleared == nil {
		cleared = []fault.Active{}
	}
	writeJSON(w, object{"cleared": cleared})
}

func problemLines(err error) string {
	var many *multierror.Error
	if !errors.As(err, &many) {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, one := range many.Errors {
		b.WriteString(problemLines(one))
	}
	return b.String()
}

func kindViews() []object {
	views := []object{}
	for _, e := range fault.Table() {
		takes := []object{}
		for _, p := range fault.ParamsOf(e.Kind) {
			takes = append(takes, object{"name": p.Name, "usage": p.Usage, "required": fault.Required(e.Kind, p.Name)})
		}
		views = append(views, object{"kind": e.Kind, "nature": e.Nature.String(), "summary": e.Summary, "text": e.Text, "takes": takes})
	}
	return views
}

// Remote is a sandbox in another process, by the address of its master.
type Remote struct {
	Address string      // HOST:PORT
	TLS     *tls.Config // nil: it speaks plain HTTP
}

// Inject is Sandbox.Inject.
func (r Remote) Inject(ctx context.Context, f fault.Fault) (active fault.Active, err error) {
	body, err := json.Marshal(f)
	if err != nil {
		return active, err
	}
	return active, r.do(ctx, http.MethodPost, "/sandbox/faults", body, &active)
}

// Faults is Sandbox.Faults.
func (r Remote) Faults(ctx context.Context) ([]fault.Active, error) {
	var answer struct{ Faults []fault.Active }
	err := r.do(ctx, http.MethodGet, "/sandbox/faults", nil, &answer)
	return answer.Faults, err
}

// ClearFaults is Sandbox.ClearFaults.
func (r Remote) ClearFaults(ctx context.Context, ids ...int) ([]fault.Active, error) {
	query := url.Values{}
	for _, id := range ids {
		query.Add("id", strconv.Itoa(id))
	}
	var answer struct{ Cleared []fault.Active }
	err := r.do(ctx, http.MethodDelete, "/sandbox/faults?"+query.Encode(), nil, &answer)
	return answer.Cleared, err
}

// AgentNames is Sandbox.AgentNames.
func (r Remote) AgentNames(ctx context.Context) ([]AgentName, error) {
	var answer struct{ Agents []AgentName }
	err := r.do(ctx, http.MethodGet, "/sandbox/agents", nil, &answer)
	return answer.Agents, err
}

func (r Remote) scheme() string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// do makes one request. A refusal is an error of one line for each problem.
func (r Remote) do(ctx context.Context, method, path string, body []byte, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, r.scheme()+"://"+r.Address+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("sandbox %s: %w", r.Address, err)
	}
	client := http.DefaultClient
	if r.TLS != nil {
		client = &http.Client{Transport: &http.Transport{TLSClientConfig: r.TLS, DisableKeepAlives: true}}
	}
	response, err := client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return fmt.Errorf("sandbox %s: %w", r.Address, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("sandbox %s: %w", r.Address, err)
	}
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest:
		if strings.HasPrefix(string(data), "Client sent an HTTP request to an HTTPS server") { // net/http's own words
			return fmt.Errorf("sandbox %s: it speaks TLS: say with which certificates (--tls DIR/tls)", r.Address)
		}
		var problems *multierror.Error
		for line := range strings.Lines(string(data)) {
			problems = multierror.Append(problems, errors.New(strings.TrimSpace(line)))
		}
		return problems.ErrorOrNil()
	default:
		return fmt.Errorf("sandbox %s: it answers %s: is it the master of a sandbox?", r.Address, response.Status)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("sandbox %s: answer: %w: is it the master of a sandbox?", r.Address, err)
	}
	return nil
}
