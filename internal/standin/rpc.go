package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// What the stand-ins say to each other: a POST of JSON to a path of the RPC port, answered by JSON with status 200, by
// a redirect to the primary, or by another status with an rpcRefusal.
const (
	pathPing     = "/rpc/ping"     // registry to registry, every interval
	pathJoin     = "/rpc/join"     // a registry asks to become a member, or tells its new address
	pathReplicas = "/rpc/replicas" // a registry tells a new replica set
	pathServices = "/rpc/services" // a service tells a registry that it is there
	pathCluster  = "/rpc/cluster"  // what the registry knows
	maxMessage   = 4 << 20         // bytes
)

type rpcRefusal struct {
	Error string `json:"error"`
}

type ping struct {
	From    string     `json:"from"` // id of the sender
	Replica replicaSet `json:"replica_set"`
}

// pong answers a ping; a member that has a newer replica set tells it by the way.
type pong struct {
	ID      string     `json:"id"`
	Replica replicaSet `json:"replica_set"`
}

type joinRequest struct {
	Member member `json:"member"`
}

// presence is what a service says of itself, every interval.
type presence struct {
	UUID         string           `json:"uuid"`
	Name         string           `json:"name"`
	Type         string           `json:"type"` // as in service_type of the JSON-RPC API
	Addresses    []string         `json:"addresses"`
	StatusServer string           `json:"status_server"`
	Front        string           `json:"front,omitempty"`
	Devices      []devicePresence `json:"devices,omitempty"`
}

type devicePresence struct {
	ID          uint64 `json:"id"`
	Serial      string `json:"serial"`
	Model       string `json:"model,omitempty"`
	Path        string `json:"path"`
	ContentType string `json:"content_type"`
}

// welcome answers a presence: the service has reached a healthy registry, and these are all of them.
type welcome struct {
	Registries []string `json:"registries"`
}

// clusterView is what one healthy registry knows.
type clusterView struct {
	Replica  replicaSet    `json:"replica_set"`
	Up       []string      `json:"up"` // ids of the members that are up
	InSync   bool          `json:"in_sync"`
	Primary  string        `json:"primary"`
	Services []serviceView `json:"services"`
}

type serviceView struct {
	Presence  presence  `json:"presence"`
	LastSeen  time.Time `json:"last_seen"`
	Available bool      `json:"available"`
	Primary   bool      `json:"primary,omitempty"`
}

// rpcClient calls other stand-ins. It uses no proxy and keeps few connections, so that shutdown has little to wait for.
type rpcClient struct {
	http *http.Client
}

func newRPCClient(timeout time.Duration) *rpcClient {
	return &rpcClient{http: &http.Client{Timeout: timeout, Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: timeout}).DialContext,
		MaxIdleConnsPerHost: 2,
	}}}
}

func (c *rpcClient) close() { c.http.CloseIdleConnections() }

// call posts request and decodes the answer. The error of a refusal is the other side's own sentence.
func (c *rpcClient) call(ctx context.Context, address, path string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("%s: request: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", address, dialReason(err))
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if resp.StatusCode != http.StatusOK {
		var refusal rpcRefusal
		if json.Unmarshal(content, &refusal) != nil || refusal.Error == "" {
			refusal.Error = "answered " + resp.Status + ", which no stand-in does"
		}
		return fmt.Errorf("%s: %s", address, refusal.Error)
	}
	if err := json.Unmarshal(content, answer); err != nil {
		return fmt.Errorf("%s: answer: %w", address, err)
	}
	return nil
}

// dialReason shortens a nest of net errors to what an operator needs: "connection refused".
func dialReason(err error) error {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return errors.New("no answer in time")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		if inner := errors.Unwrap(op.Err); inner != nil {
			return inner
		}
		return op.Err
	}
	return err
}

// rpcHandler adapts a function from request to answer. An error that is a refusal carries its status; any other is 503.
func rpcHandler[Request, Answer any](handle func(context.Context, Request) (Answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request Request
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage)).Decode(&request); err != nil {
			writeJSON(w, http.StatusBadRequest, rpcRefusal{"request: " + err.Error()})
			return
		}
		answer, err := handle(r.Context(), request)
		if elsewhere, ok := errors.AsType[*redirectError](err); ok {
			http.Redirect(w, r, "http://"+elsewhere.address+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		if err != nil {
			writeJSON(w, http.StatusServiceUnavailable, rpcRefusal{err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, answer)
	})
}

// redirectError sends a caller to the member that decides, as a backup registry of Quobyte does.
type redirectError struct{ address string }

func (e *redirectError) Error() string { return "ask the primary at " + e.address }

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value) // the connection is the only thing that can fail, and the caller notices
}
