package standin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStartDelayIsSeenAndInterrupted(t *testing.T) {
	r := newRig(t)
	h := r.registryHost(80, "serial-0", true)
	s := r.start(Config{StartDelay: time.Hour}, h.environment("registry"))
	r.untilUnhealthy(h, "starting")
	if conn, err := net.Dial("tcp", h.rpc); err == nil {
		conn.Close()
		t.Error("the rpc port is open during the start delay")
	}
	r.stop(s)

	s = r.start(Config{StartDelay: time.Millisecond}, h.environment("registry"))
	r.until("the change of health is printed", func() (string, bool) {
		log := s.output.String()
		return log, strings.Contains(log, ": healthy\n")
	})
	r.stop(s)
	log := s.output.String()
	for _, line := range []string{"rpc port " + h.rpc, "http port " + h.status, "healthy", "stopped"} {
		if !strings.Contains(log, "quobyte-registry "+h.ip+": "+line+"\n") {
			t.Errorf("output lacks %q:\n%s", line, log)
		}
	}
}

func TestListensOnlyOnItsAddress(t *testing.T) {
	r := newRig(t)
	h := r.registryHost(81, "serial-0", true)
	env := h.environment("registry")
	delete(env, "HOST_IP")
	env["LIBPROCESS_IP"] = h.ip
	// The same ports at another address are free, which they would not be under a service that listens everywhere.
	for _, address := range []string{h.rpc, h.status} {
		l, err := net.Listen("tcp", "127.0.2.82:"+portOf(address))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	r.start(Config{}, env)
	r.untilHealthy(h)
	for _, other := range []string{"127.0.0.1:", "127.0.2.83:"} {
		if conn, err := net.Dial("tcp", other+portOf(h.rpc)); err == nil {
			conn.Close()
			t.Errorf("%s%s answers, want only %s", other, portOf(h.rpc), h.ip)
		}
	}
}

func TestPortInUse(t *testing.T) {
	r := newRig(t)
	h := r.host(84)
	l, err := net.Listen("tcp", h.front)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = Run(t.Context(), Config{Getenv: lookup(h.environment("api", h))})
	want := "api: api port " + h.front + " is in use by another process; stop that or choose another port"
	if err == nil || err.Error() != want {
		t.Errorf("Run: %v\nwant: %s", err, want)
	}
	for _, address := range []string{h.rpc, h.status} {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s is still open after Run returned", address)
		}
	}
}

func TestShutdownCutsSilentConnections(t *testing.T) {
	r := newRig(t)
	h := r.registryHost(85, "serial-0", true)
	s := r.start(Config{}, h.environment("registry"))
	r.untilHealthy(h)
	var silent []net.Conn // as a TCP probe is
	for _, address := range []string{h.rpc, h.status} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent = append(silent, conn)
	}
	began := time.Now()
	r.stop(s)
	if took := time.Since(began); took >= time.Second {
		t.Errorf("shutdown took %s, want less than a second", took)
	}
	for _, conn := range silent {
		if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the connection to %s is open after Run returned", conn.RemoteAddr())
		}
	}
}

func TestContextThatHasEnded(t *testing.T) {
	r := newRig(t)
	h := r.registryHost(86, "serial-0", true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, Config{Getenv: lookup(h.environment("registry"))}); err != nil {
		t.Error(err)
	}
}

func TestStatusPages(t *testing.T) {
	r := newRig(t)
	h := r.registryHost(87, "serial-<0>", true)
	r.start(Config{}, h.environment("registry"))
	r.untilHealthy(h)
	for path, want := range map[string]string{
		"/":              "<td>serial-&lt;0&gt;</td>",
		"/prometheus":    "\nquobyte_standin_is_primary{service=\"registry\"} 1\n",
		"/serviceHealth": "OK\n",
	} {
		if status, body := r.get("http://" + h.status + path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("GET %s: %d, want %q in:\n%s", path, status, want, body)
		}
	}
	if status, _ := r.get("http://" + h.status + "/control"); status != http.StatusNotFound {
		t.Errorf("GET /control: %d, want 404", status)
	}
}

func TestMissingDevicesAndMountPoints(t *testing.T) {
	r := newRig(t)
	h := r.host(88)
	r.device(h, "untyped", "device.serial=12345")
	r.device(h, "data", "device.serial=12346", "device.type=DATA_DEVICE")
	r.write(filepath.Join(h.devices, "stray file"), "no device")
	broken := r.host(89)
	r.device(broken, "a", "device.serial=12345", "device.type=REGISTRY")
	r.write(filepath.Join(h.mount, "file"), "")

	for _, c := range []struct {
		name, want string
		env        map[string]string
	}{
		{"no registry device", "registry: could not find a registry device under " + h.devices + ": no directory in it has a QUOBYTE_DEV_SETUP with device.type=DIR_DEVICE", h.environment("registry")},
		{"no metadata device", "metadata: could not find a metadata device under " + h.devices + ": ", h.environment("metadata", h)},
		{"broken device", "registry: could not find a registry device under " + broken.devices + "; device file " + broken.devices + `/a/QUOBYTE_DEV_SETUP: line 3: device.type "REGISTRY": want DIR_DEVICE, METADATA_DEVICE or DATA_DEVICE`, broken.environment("registry")},
		{"no device root", "data: could not find a data device under /nowhere: no such file or directory", with(h.environment("data", h), "QUOBYTE_DEVICE_DIR", "/nowhere")},
		{"no mount point", "client: mount point /nowhere: no such file or directory", with(h.environment("client", h), "QUOBYTE_MOUNT_POINT", "/nowhere")},
		{"file as mount point", "client: mount point " + h.mount + "/file: not a directory", with(h.environment("client", h), "QUOBYTE_MOUNT_POINT", h.mount+"/file")},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Run(t.Context(), Config{Getenv: lookup(c.env)})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("Run: %v\nwant: %s", err, c.want)
			}
		})
	}
}

func TestRegistryPrefersTheDeviceItHasUsed(t *testing.T) {
	r := newRig(t)
	h := r.host(90)
	plain := r.device(h, "a", "device.serial=serial-a", "device.type=DIR_DEVICE")
	bootstrap := r.device(h, "b", "device.serial=serial-b", "device.type=DIR_DEVICE", "device.bootstrap=true")
	for _, want := range []string{bootstrap, plain} {
		found, _, err := findDevices(h.devices, registryDevice)
		if err != nil {
			t.Fatal(err)
		}
		if got := registryDeviceOf(found).dir; got != want {
			t.Errorf("device %s, want %s", got, want)
		}
		if err := os.WriteFile(filepath.Join(plain, replicaSetFileName), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func with(env map[string]string, name, value string) map[string]string {
	env[name] = value
	return env
}
