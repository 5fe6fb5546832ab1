package standin

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testInterval = 100 * time.Millisecond
	patience     = 30 * time.Second // for conditions that are met within two seconds on an idle machine
)

// rig runs services in this process, each on its own loopback address.
type rig struct {
	*testing.T
	http *http.Client
}

func newRig(t *testing.T) *rig {
	t.Parallel()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return &rig{T: t, http: client}
}

// host is one machine: an address, a device directory, a mount point, and the ports of the service that it runs.
type host struct {
	ip, devices, mount string
	rpc, status, front string // host:port
}

func (r *rig) host(last int) host {
	r.Helper()
	dir := r.TempDir()
	h := host{ip: fmt.Sprintf("127.0.2.%d", last), devices: filepath.Join(dir, "devices"), mount: filepath.Join(dir, "mnt")}
	for _, d := range []string{h.devices, h.mount} {
		if err := os.Mkdir(d, 0o755); err != nil {
			r.Fatal(err)
		}
	}
	// All three are held until all are chosen, so that they differ.
	for _, port := range []*string{&h.rpc, &h.status, &h.front} {
		l, err := net.Listen("tcp", h.ip+":0")
		if err != nil {
			r.Fatalf("this test needs the loopback address %s: %v", h.ip, err)
		}
		defer l.Close()
		*port = l.Addr().String()
	}
	return h
}

func (r *rig) device(h host, name string, lines ...string) string {
	r.Helper()
	dir := filepath.Join(h.devices, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.Fatal(err)
	}
	r.write(filepath.Join(dir, deviceFileName), "# Quobyte device identifier file\n"+strings.Join(lines, "\n")+"\n")
	return dir
}

func (r *rig) write(path, content string) {
	r.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.Fatal(err)
	}
}

// registryHost has a registry device with the given serial.
func (r *rig) registryHost(last int, serial string, bootstrap bool) host {
	r.Helper()
	h := r.host(last)
	lines := []string{"device.serial=" + serial, "device.model=unknown", "device.type=DIR_DEVICE"}
	if bootstrap {
		lines = append(lines, "device.bootstrap=true")
	}
	r.device(h, "reg", lines...)
	return h
}

func (h host) environment(service string, registries ...host) map[string]string {
	addresses := []string{}
	for _, reg := range registries {
		addresses = append(addresses, reg.rpc)
	}
	env := map[string]string{
		"QUOBYTE_SERVICE":    service,
		"QUOBYTE_REGISTRY":   strings.Join(addresses, ","),
		"HOST_IP":            h.ip,
		"QUOBYTE_RPC_PORT":   portOf(h.rpc),
		"QUOBYTE_HTTP_PORT":  portOf(h.status),
		"QUOBYTE_DEVICE_DIR": h.devices,
	}
	if s, _ := serviceByName(service); s.frontEnv != "" {
		env[s.frontEnv] = portOf(h.front)
	}
	if service == "client" {
		env["QUOBYTE_CLIENT_HTTP_PORT"], env["QUOBYTE_MOUNT_POINT"] = portOf(h.status), h.mount
	}
	return env
}

func portOf(address string) string { return address[strings.LastIndex(address, ":")+1:] }

// lookup is a Getenv that sees only env.
func lookup(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// running is a service that was started; stop is safe to call twice.
type running struct {
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
	output lines
}

func (r *rig) start(cfg Config, env map[string]string) *running {
	r.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	s := &running{cancel: cancel, ended: make(chan struct{})}
	cfg.Getenv, cfg.Stdout = lookup(env), &s.output
	if cfg.Interval == 0 {
		cfg.Interval = testInterval
	}
	go func() {
		defer close(s.ended)
		s.err = Run(ctx, cfg)
	}()
	r.Cleanup(func() { r.stop(s) })
	return s
}

func (r *rig) stop(s *running) {
	r.Helper()
	s.cancel()
	select {
	case <-s.ended:
	case <-time.After(patience):
		r.Fatal("Run did not return after its context ended")
	}
	if s.err != nil {
		r.Errorf("Run: %v", s.err)
	}
}

// lines is a writer that can be read while a service writes.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// until polls a condition; state is what it saw, for the failure message.
func (r *rig) until(what string, condition func() (state string, met bool)) {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		state, met := condition()
		if met {
			return
		}
		if !wait(ctx, ticker.C) {
			r.Fatalf("%s: still not so; last seen: %s", what, state)
		}
	}
}

func (r *rig) get(url string) (status int, body string) {
	resp, err := r.http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

func (r *rig) health(h host) (int, string) {
	status, body := r.get("http://" + h.status + "/serviceHealth")
	return status, strings.TrimSuffix(body, "\n")
}

func (r *rig) untilHealthy(hosts ...host) {
	r.Helper()
	for _, h := range hosts {
		r.until(h.ip+" is healthy", func() (string, bool) {
			status, body := r.health(h)
			return body, status == http.StatusOK && body == "OK"
		})
	}
}

func (r *rig) untilUnhealthy(h host, reason string) {
	r.Helper()
	r.until(h.ip+" is unhealthy: "+reason, func() (string, bool) {
		status, body := r.health(h)
		return fmt.Sprint(status, " ", body), status == http.StatusServiceUnavailable && strings.Contains(body, reason)
	})
}

func (r *rig) storedSet(h host) replicaSet {
	r.Helper()
	set, err := loadReplicaSet(filepath.Join(h.devices, "reg"))
	if err != nil {
		r.Fatal(err)
	}
	return set
}
