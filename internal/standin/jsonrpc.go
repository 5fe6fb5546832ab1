package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// jsonRPC is the port of the api service. It knows the read-only methods below and asks a registry at every call.
// Fields that are zero are left out, as in Quobyte's answers.
type jsonRPC struct {
	uplink *uplink
}

const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeNoMethod       = -32601
	codeInvalidParams  = -32602
	codeUnavailable    = -32000
)

type rpcRequest struct {
	ID      json.RawMessage `json:"id"`
	Version string          `json:"jsonrpc"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

type rpcResponse struct {
	ID      json.RawMessage `json:"id"`
	Version string          `json:"jsonrpc"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return e.Message }

// method computes an answer from its parameters and what a registry knows.
type method func(params json.RawMessage, view clusterView) (any, error)

func methodNamed(name string) (method, bool) {
	m, found := map[string]method{
		"getServices":            getServices,
		"getDeviceList":          getDeviceList,
		"getHealthManagerStatus": getHealthManagerStatus,
		"getRegistryReplicas":    listRegistryReplicas,
		"listRegistryReplicas":   listRegistryReplicas,
	}[name]
	return m, found
}

func (j *jsonRPC) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "JSON-RPC wants POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	response := rpcResponse{Version: "2.0", ID: json.RawMessage("null")}
	request, err := parseRequest(body)
	if len(request.ID) > 0 {
		response.ID = request.ID
	}
	if err == nil {
		response.Result, err = j.answer(r.Context(), request)
	}
	if err != nil {
		known, ok := errors.AsType[*rpcError](err)
		if !ok {
			known = &rpcError{codeUnavailable, err.Error()}
		}
		response.Result, response.Error = nil, known
	}
	writeJSON(w, http.StatusOK, response)
}

// parseRequest fills in what it can, so that an error still carries the caller's id.
func parseRequest(body []byte) (rpcRequest, error) {
	var request rpcRequest
	if !json.Valid(body) {
		return request, &rpcError{codeParse, "request is no JSON"}
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return rpcRequest{}, &rpcError{codeInvalidRequest, "request: " + err.Error()}
	}
	if request.Version != "2.0" || request.Method == "" {
		return request, &rpcError{codeInvalidRequest, `request: want jsonrpc "2.0" and a method`}
	}
	return request, nil
}

func (j *jsonRPC) answer(ctx context.Context, request rpcRequest) (any, error) {
	m, found := methodNamed(request.Method)
	if !found {
		return nil, &rpcError{codeNoMethod, fmt.Sprintf("method %q: not known to the stand-in", request.Method)}
	}
	view, err := j.uplink.cluster(ctx)
	if err != nil {
		return nil, err
	}
	return m(request.Params, view)
}

// readParams passes over fields that it does not know, such as retry.
func readParams(params json.RawMessage, into any) error {
	if len(bytes.TrimSpace(params)) == 0 {
		return nil
	}
	if err := json.Unmarshal(params, into); err != nil {
		return &rpcError{codeInvalidParams, "params: " + err.Error()}
	}
	return nil
}

type failureDomain struct {
	Name string `json:"name"`
	Type string `json:"domain_type"`
}

type apiService struct {
	UUID           string          `json:"service_uuid"`
	Name           string          `json:"service_name"`
	Type           string          `json:"service_type"`
	Available      bool            `json:"is_available,omitempty"`
	Registered     bool            `json:"is_registered,omitempty"`
	Primary        bool            `json:"is_primary,omitempty"`
	LastSeen       int64           `json:"last_seen_timestamp_ms,omitempty"`
	Addresses      []string        `json:"network_addresses,omitempty"`
	StatusServer   string          `json:"status_server,omitempty"`
	FailureDomains []failureDomain `json:"failure_domain_infos,omitempty"`
	Additional     string          `json:"additional_service_address,omitempty"`
}

func getServices(params json.RawMessage, view clusterView) (any, error) {
	var filter struct {
		Types []string `json:"service_type"`
		UUID  string   `json:"serviceUuid"`
	}
	if err := readParams(params, &filter); err != nil {
		return nil, err
	}
	services := []apiService{}
	for _, s := range view.Services {
		p := s.Presence
		if len(filter.Types) > 0 && !slices.Contains(filter.Types, p.Type) || filter.UUID != "" && filter.UUID != p.UUID {
			continue
		}
		services = append(services, apiService{
			UUID: p.UUID, Name: p.Name, Type: p.Type, Available: s.Available, Registered: true, Primary: s.Primary,
			LastSeen: s.LastSeen.UnixMilli(), Addresses: p.Addresses, StatusServer: p.StatusServer,
			FailureDomains: []failureDomain{{p.Name, "MACHINE"}}, Additional: p.Front,
		})
	}
	return map[string]any{"service": services}, nil
}

type apiDevice struct {
	ID             uint64          `json:"device_id"`
	Label          string          `json:"device_label,omitempty"`
	Host           string          `json:"host_name"`
	Status         string          `json:"device_status"`
	Primary        bool            `json:"is_primary,omitempty"`
	MountState     string          `json:"mount_state"`
	Health         deviceHealth    `json:"device_health"`
	Path           string          `json:"current_mount_path"`
	Serial         string          `json:"device_serial_number"`
	Model          string          `json:"device_model,omitempty"`
	RegistryCount  int             `json:"registry_database_count,omitempty"`
	LastAvailable  int64           `json:"last_device_available_ms,omitempty"`
	FailureDomains []failureDomain `json:"failure_domain_infos,omitempty"`
	Content        []deviceContent `json:"content"`
}

type deviceHealth struct {
	Status string `json:"health_status"`
}

type deviceContent struct {
	Type        string `json:"content_type"`
	ServiceUUID string `json:"service_uuid"`
	Available   bool   `json:"available,omitempty"`
	LastSeen    int64  `json:"last_seen_timestamp_ms,omitempty"`
	ServiceName string `json:"last_seen_service_name,omitempty"`
	Path        string `json:"last_seen_mount_path,omitempty"`
}

func getDeviceList(params json.RawMessage, view clusterView) (any, error) {
	var filter struct {
		IDs   []json.Number `json:"device_id"` // numbers, or strings of digits
		Types []string      `json:"device_type"`
	}
	if err := readParams(params, &filter); err != nil {
		return nil, err
	}
	devices := []apiDevice{}
	for _, s := range view.Services {
		for _, d := range s.Presence.Devices {
			if len(filter.IDs) > 0 && !slices.Contains(filter.IDs, json.Number(strconv.FormatUint(d.ID, 10))) ||
				len(filter.Types) > 0 && !slices.Contains(filter.Types, d.ContentType) {
				continue
			}
			devices = append(devices, s.device(d, view))
		}
	}
	return map[string]any{"device_list": map[string]any{"devices": devices}}, nil
}

func (s serviceView) device(d devicePresence, view clusterView) apiDevice {
	status := "OFFLINE"
	if s.Available {
		status = "ONLINE"
	}
	listed := apiDevice{
		ID: d.ID, Host: s.Presence.Name, Status: status, Primary: s.Primary, MountState: "MOUNTED",
		Health: deviceHealth{"HEALTHY"}, Path: d.Path, Serial: d.Serial, Model: d.Model,
		LastAvailable: s.LastSeen.UnixMilli(), FailureDomains: []failureDomain{{s.Presence.Name, "MACHINE"}},
		Content: []deviceContent{{
			Type: d.ContentType, ServiceUUID: s.Presence.UUID, Available: s.Available,
			LastSeen: s.LastSeen.UnixMilli(), ServiceName: s.Presence.Name, Path: d.Path,
		}},
	}
	if _, in := view.Replica.member(d.Serial); in && d.ContentType == registryDevice.contentType() {
		listed.RegistryCount = 1
	}
	return listed
}

type healthManagerStatus struct {
	SystemHealth    string   `json:"system_health"`
	Reasons         []string `json:"system_health_reason,omitempty"`
	ReplicasInSync  bool     `json:"registry_replicas_in_sync,omitempty"`
	NextMaintenance string   `json:"next_maintenance_window_state"`
}

func getHealthManagerStatus(_ json.RawMessage, view clusterView) (any, error) {
	status := healthManagerStatus{SystemHealth: "HEALTHY", ReplicasInSync: view.InSync, NextMaintenance: "ALWAYS"}
	if n := len(view.Replica.Members); len(view.Up) < n {
		status.Reasons = append(status.Reasons, fmt.Sprintf("replica set: %d of %d up", len(view.Up), n))
	}
	for _, s := range view.Services {
		// Who is gone without a device is gone without harm.
		if !s.Available && len(s.Presence.Devices) > 0 && s.Presence.Type != "DIRECTORY_SERVICE" {
			status.Reasons = append(status.Reasons, fmt.Sprintf("service %s on %s is not available",
				strings.ToLower(s.Presence.Type), s.Presence.Name))
		}
	}
	if len(status.Reasons) > 0 {
		status.SystemHealth = "DEGRADED"
	}
	return map[string]any{"health_manager_status": status}, nil
}

func listRegistryReplicas(_ json.RawMessage, view clusterView) (any, error) {
	ids := []string{}
	for _, m := range view.Replica.Members {
		ids = append(ids, strconv.FormatUint(m.DeviceID, 10))
	}
	return map[string]any{"device_ids": ids}, nil
}
