package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServicesAreHealthyOnlyWithAHealthyRegistry(t *testing.T) {
	r := newRig(t)
	reg := r.registryHost(50, "serial-reg", true)
	meta, data := r.host(51), r.host(52)
	metaDir := r.device(meta, "m0", "device.serial=serial-m0", "device.type=METADATA_DEVICE")
	dataDir := r.device(data, "d0", "device.serial=serial-d0", "device.type=DATA_DEVICE")
	known := r.device(data, "d1", "device.serial=serial-d1", "device.type=DATA_DEVICE")
	r.write(filepath.Join(known, deviceIDFileName), "device.id=77\n")

	r.start(Config{}, meta.environment("metadata", reg))
	r.start(Config{}, data.environment("data", reg))
	r.untilUnhealthy(meta, "no healthy registry: "+reg.rpc+": connection refused")
	r.untilUnhealthy(data, "no healthy registry")
	if _, err := os.Stat(filepath.Join(metaDir, deviceIDFileName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("device id file before registration: %v, want none", err)
	}

	registry := r.start(Config{}, reg.environment("registry"))
	r.untilHealthy(reg, meta, data)
	for dir, want := range map[string]string{
		metaDir: fmt.Sprintf("device.id=%d\n", deviceNumber("serial-m0")),
		dataDir: fmt.Sprintf("device.id=%d\n", deviceNumber("serial-d0")),
		known:   "device.id=77\n",
	} {
		r.until("device id in "+dir, func() (string, bool) {
			content, err := os.ReadFile(filepath.Join(dir, deviceIDFileName))
			return fmt.Sprint(string(content), err), string(content) == want
		})
	}
	r.stop(registry)
	r.untilUnhealthy(meta, "no healthy registry")
	r.start(Config{}, reg.environment("registry"))
	r.untilHealthy(reg, meta, data)
}

func TestServicesFindTheRegistriesThatWereAddedLater(t *testing.T) {
	r := newRig(t)
	zero, one, two := r.registryHost(53, "serial-0", true), r.registryHost(54, "serial-1", false), r.registryHost(55, "serial-2", false)
	meta := r.host(56)
	r.device(meta, "m0", "device.serial=serial-m0", "device.type=METADATA_DEVICE")
	first := r.start(Config{}, zero.environment("registry"))
	r.start(Config{}, meta.environment("metadata", zero)) // started when there was but one
	r.start(Config{}, one.environment("registry", zero))
	r.untilHealthy(zero, one)
	r.start(Config{}, two.environment("registry", zero))
	r.untilHealthy(zero, one, two, meta)
	r.until("all registries list the metadata service", func() (string, bool) { return r.fact(two, "services", "4") })
	r.stop(first)
	r.until("the metadata service talks to another registry", func() (string, bool) {
		_, body := r.get("http://" + meta.rpc + "/rpc/status")
		return body, strings.Contains(body, one.rpc) || strings.Contains(body, two.rpc)
	})
	r.untilHealthy(one, two, meta)
}

func TestAPIAnswersFromWhatTheRegistryKnows(t *testing.T) {
	r := newRig(t)
	reg, meta, api, console, s3 := r.registryHost(60, "serial-reg", true), r.host(61), r.host(62), r.host(63), r.host(64)
	r.device(meta, "m0", "device.serial=serial-m0", "device.model=spinning rust", "device.type=METADATA_DEVICE")
	r.start(Config{}, api.environment("api", reg))
	r.untilUnhealthy(api, "no healthy registry")
	if got := r.rpc(api, `{"id":"1","jsonrpc":"2.0","method":"getServices"}`); !strings.Contains(got, `"code":-32000`) {
		t.Errorf("getServices without a registry: %s", got)
	}
	r.start(Config{}, reg.environment("registry"))
	metadata := r.start(Config{}, meta.environment("metadata", reg))
	r.start(Config{}, console.environment("webconsole", reg))
	r.start(Config{}, s3.environment("s3", reg))
	r.untilHealthy(reg, meta, api, console, s3)
	r.until("the registry lists itself too", func() (string, bool) { return r.fact(reg, "services", "5") })

	var services struct{ Service []apiService }
	r.result(api, "getServices", `{"retry":"INTERACTIVE"}`, &services)
	var types []string
	for _, s := range services.Service {
		types = append(types, s.Type)
		if !s.Available || !s.Registered || s.UUID == "" || s.LastSeen == 0 {
			t.Errorf("service is not shown as available and registered: %+v", s)
		}
		if s.Primary != (s.Type == "DIRECTORY_SERVICE") {
			t.Errorf("is_primary of %s is %v", s.Type, s.Primary)
		}
	}
	if diff := cmp.Diff([]string{"API_PROXY", "DIRECTORY_SERVICE", "METADATA_SERVICE", "S3_PROXY", "WEBCONSOLE"}, types); diff != "" {
		t.Errorf("service types (-want +got):\n%s", diff)
	}
	r.result(api, "getServices", `{"service_type":["METADATA_SERVICE"]}`, &services)
	if len(services.Service) != 1 || !slices.Equal(services.Service[0].Addresses, []string{meta.rpc}) ||
		services.Service[0].StatusServer != "http://"+meta.status || services.Service[0].UUID != serviceUUID("metadata", "serial-m0") {
		t.Errorf("metadata service: %+v", services.Service)
	}

	var list struct {
		DeviceList struct{ Devices []apiDevice } `json:"device_list"`
	}
	id := deviceNumber("serial-m0")
	for _, params := range []string{`{"device_type":["METADATA"]}`, fmt.Sprintf(`{"device_id":[%d]}`, id), fmt.Sprintf(`{"device_id":["%d"]}`, id)} {
		r.result(api, "getDeviceList", params, &list)
		if len(list.DeviceList.Devices) != 1 {
			t.Fatalf("getDeviceList %s: %d devices, want 1", params, len(list.DeviceList.Devices))
		}
		if d := list.DeviceList.Devices[0]; d.ID != id || d.Serial != "serial-m0" || d.Model != "spinning rust" || d.Status != "ONLINE" {
			t.Errorf("getDeviceList %s: %+v", params, d)
		}
	}
	for _, method := range []string{"listRegistryReplicas", "getRegistryReplicas"} {
		var replicas struct {
			IDs []string `json:"device_ids"`
		}
		r.result(api, method, `{}`, &replicas)
		if want := []string{fmt.Sprint(deviceNumber("serial-reg"))}; !slices.Equal(replicas.IDs, want) {
			t.Errorf("%s: %v, want %v", method, replicas.IDs, want)
		}
	}
	var health struct {
		Status healthManagerStatus `json:"health_manager_status"`
	}
	r.result(api, "getHealthManagerStatus", `{}`, &health)
	if diff := cmp.Diff(healthManagerStatus{SystemHealth: "HEALTHY", ReplicasInSync: true, NextMaintenance: "ALWAYS"}, health.Status); diff != "" {
		t.Errorf("health manager status (-want +got):\n%s", diff)
	}

	if status, body := r.get("http://" + console.front + "/"); status != http.StatusOK || !strings.Contains(body, "METADATA_SERVICE") {
		t.Errorf("web console: %d %s", status, body)
	}
	if status, body := r.get("http://" + s3.front + "/bucket/<key>"); status != http.StatusForbidden || !strings.Contains(body, "AccessDenied") {
		t.Errorf("s3: %d %s", status, body)
	}

	r.stop(metadata)
	r.until("the loss of the metadata service is told", func() (string, bool) {
		r.result(api, "getHealthManagerStatus", `{}`, &health)
		return fmt.Sprint(health), health.Status.SystemHealth == "DEGRADED" &&
			slices.Contains(health.Status.Reasons, "service metadata_service on 127.0.2.61 is not available")
	})
}

func TestJSONRPCErrors(t *testing.T) {
	r := newRig(t)
	api := r.host(65)
	r.start(Config{}, api.environment("api", r.host(66)))
	r.untilUnhealthy(api, "no healthy registry")
	for request, want := range map[string]string{
		`{"id":"7","jsonrpc":"2.0","method":"eraseEverything"}`: `{"id":"7","jsonrpc":"2.0","error":{"code":-32601,"message":"method \"eraseEverything\": not known to the stand-in"}}`,
		`{"id":"7","method":"getServices"}`:                     `{"id":"7","jsonrpc":"2.0","error":{"code":-32600,"message":"request: want jsonrpc \"2.0\" and a method"}}`,
		`[{"id":"7","jsonrpc":"2.0","method":"getServices"}]`:   `"code":-32600`,
		`{"id":`: `{"id":null,"jsonrpc":"2.0","error":{"code":-32700,"message":"request is no JSON"}}`,
		`{"id":"7","jsonrpc":"2.0","method":"getDeviceList"}`:           `"code":-32000`,
		`{"id":7,"jsonrpc":"2.0","method":"listVolumes","params":null}`: `"id":7`,
	} {
		if got := r.rpc(api, request); !strings.Contains(got, want) {
			t.Errorf("%s\n got: %s\nwant: %s", request, got, want)
		}
	}
	if status, _ := r.get("http://" + api.front + "/"); status != http.StatusMethodNotAllowed {
		t.Errorf("GET answered %d, want 405", status)
	}
}

func TestClientMarksItsMountPoint(t *testing.T) {
	r := newRig(t)
	reg, h := r.registryHost(70, "serial-reg", true), r.host(71)
	marker := filepath.Join(h.mount, mountMarker)
	r.write(marker, "pid=1\nregistry=left by a client that was killed\n")
	client := r.start(Config{}, h.environment("client", reg))
	r.untilUnhealthy(h, "no healthy registry")
	if _, err := os.Stat(marker); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("marker without a registry: %v, want none", err)
	}
	r.start(Config{}, reg.environment("registry"))
	r.untilHealthy(reg, h)
	content, err := os.ReadFile(marker)
	if want := fmt.Sprintf("pid=%d\nregistry=%s\n", os.Getpid(), reg.rpc); err != nil || string(content) != want {
		t.Errorf("marker: %q %v, want %q", content, err, want)
	}
	r.stop(client)
	if _, err := os.Stat(marker); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("marker after the end: %v, want none", err)
	}
}

func TestClientLeavesTheMarkerOfItsSuccessor(t *testing.T) {
	c := &client{marker: filepath.Join(t.TempDir(), mountMarker)}
	const other = "pid=0\nregistry=127.0.2.1:7861\n"
	if err := os.WriteFile(c.marker, []byte(other), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.unmount(); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(c.marker); err != nil || string(content) != other {
		t.Errorf("marker: %q %v, want it untouched", content, err)
	}
}

func (r *rig) rpc(h host, request string) string {
	r.Helper()
	resp, err := r.http.Post("http://"+h.front+"/", "application/json", strings.NewReader(request))
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		r.Fatal(err)
	}
	return body.String()
}

// result calls a method and decodes its result.
func (r *rig) result(h host, method, params string, into any) {
	r.Helper()
	text := r.rpc(h, fmt.Sprintf(`{"id":"42","jsonrpc":"2.0","method":%q,"params":%s}`, method, params))
	var response struct {
		ID     string
		Error  *rpcError
		Result json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &response); err != nil || response.Error != nil || response.ID != "42" {
		r.Fatalf("%s: %s (%v)", method, text, err)
	}
	if err := json.Unmarshal(response.Result, into); err != nil {
		r.Fatalf("%s: %s: %v", method, text, err)
	}
}
