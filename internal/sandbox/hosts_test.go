package sandbox_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/internal/sandbox"
)

func TestMakeHosts(t *testing.T) {
	dir := t.TempDir()
	hosts, err := sandbox.MakeHosts(dir, "127.0.1.", 4)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sandbox.Host{
		Name: "127.0.1.2", IP: "127.0.1.2", Dir: dir + "/127.0.1.2",
		DeviceDir: dir + "/127.0.1.2/devices", ClientMountPoint: dir + "/127.0.1.2/mnt",
	}, hosts[1]); diff != "" {
		t.Errorf("host (-want +got):\n%s", diff)
	}
	want := map[string][]string{
		"127.0.1.1": {"registry0 DIR_DEVICE bootstrap", "metadata0 METADATA_DEVICE", "data0 DATA_DEVICE"},
		"127.0.1.2": {"registry0 DIR_DEVICE", "metadata0 METADATA_DEVICE", "data0 DATA_DEVICE"},
		"127.0.1.3": {"registry0 DIR_DEVICE", "metadata0 METADATA_DEVICE", "data0 DATA_DEVICE"},
		"127.0.1.4": {"data0 DATA_DEVICE"},
	}
	got := map[string][]string{}
	serials := map[string]bool{}
	for _, host := range hosts {
		if info, err := os.Stat(host.ClientMountPoint); err != nil || !info.IsDir() {
			t.Errorf("mount point of %s: %v", host.Name, err)
		}
		for _, name := range []string{"registry0", "metadata0", "data0"} {
			text, err := os.ReadFile(filepath.Join(host.DeviceDir, name, "QUOBYTE_DEV_SETUP"))
			if err != nil {
				continue
			}
			values := map[string]string{}
			for _, line := range strings.Split(string(text), "\n") {
				if key, value, ok := strings.Cut(line, "="); ok {
					values[key] = value
				}
			}
			serials[values["device.serial"]] = true
			line := name + " " + values["device.type"]
			if values["device.bootstrap"] == "true" {
				line += " bootstrap"
			}
			got[host.Name] = append(got[host.Name], line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
	if len(serials) != 10 {
		t.Errorf("%d different serials for 10 devices", len(serials))
	}
}

func TestDeviceFileIsAsQmkdevWritesIt(t *testing.T) {
	hosts, err := sandbox.MakeHosts(t.TempDir(), "127.0.1.", 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(hosts[0].DeviceDir, "registry0", "QUOBYTE_DEV_SETUP")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`(?m)^# Created .+$`).ReplaceAllString(string(text), "# Created DATE")
	want := `# Quobyte device identifier file
# Created DATE
# Hostname: 127.0.1.1
device.serial=SANDBOX-127-0-1-1-registry0
device.model=unknown
device.bootstrap=true
device.type=DIR_DEVICE
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("device file (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode: %v %v", info.Mode(), err)
	}
}

func TestMakeHostsKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	hosts, err := sandbox.MakeHosts(dir, "127.0.1.", 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(hosts[0].DeviceDir, "data0", "QUOBYTE_DEV_SETUP")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.MakeHosts(dir, "127.0.1.", 2); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("%q %v", text, err)
	}
}

func TestMakeHostsRefuses(t *testing.T) {
	for _, tc := range []struct {
		network string
		n       int
		want    string
	}{
		{"127.0.1.", 0, "want 1 to 254"},
		{"127.0.1.", 255, "want 1 to 254"},
		{"127.0.1", 3, `network "127.0.1"`},
		{"fe80::", 3, `network "fe80::"`},
	} {
		if _, err := sandbox.MakeHosts(t.TempDir(), tc.network, tc.n); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q %d: %v, want %s", tc.network, tc.n, err, tc.want)
		}
	}
}

func TestAgentsOfHosts(t *testing.T) {
	hosts, err := sandbox.MakeHosts(t.TempDir(), "127.0.1.", 2)
	if err != nil {
		t.Fatal(err)
	}
	agents := sandbox.Agents(hosts)
	for i, a := range agents {
		if a.IP != hosts[i].IP || a.Port != 5051 || !strings.HasPrefix(a.WorkDir, hosts[i].Dir) || a.Resources.CPUs != 16 {
			t.Errorf("agent %+v", a)
		}
		for _, ports := range a.Resources.Ports {
			if ports.Begin < 1024 {
				t.Errorf("ports %v need root", ports)
			}
		}
	}
}
