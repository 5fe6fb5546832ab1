package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	deviceFile     = "QUOBYTE_DEV_SETUP"
	mostHosts      = 254
	replicas       = 3 // hosts with a registry and a metadata device
	registryType   = "DIR_DEVICE"
	metadataType   = "METADATA_DEVICE"
	dataType       = "DATA_DEVICE"
	deviceFileMode = 0o644
)

// Host is one machine of a demo: an address and a directory that stands for its disks.
type Host struct {
	Name             string // the same as IP, so that it resolves
	IP               string
	Dir              string // everything of the host
	DeviceDir        string // one directory below it for each Quobyte device
	ClientMountPoint string
}

// MakeHosts makes n hosts below dir, with the addresses network+"1", network+"2", ... (network is like "127.0.1.").
// The first three have a registry and a metadata device, the very first registry device being the one to bootstrap
// from; all have a data device and a client mount point. Devices are plain directories with a file as qmkdev writes
// it. What is there already is kept, so that a second call changes nothing.
func MakeHosts(dir, network string, n int) ([]Host, error) {
	if n < 1 || n > mostHosts {
		return nil, fmt.Errorf("hosts: %d asked for: want 1 to %d", n, mostHosts)
	}
	if ip := net.ParseIP(network + "1"); ip == nil || ip.To4() == nil || !strings.HasSuffix(network, ".") {
		return nil, fmt.Errorf(`network %q: want the first three parts of an IPv4 address, such as "127.0.1."`, network)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	hosts := make([]Host, 0, n)
	for i := range n {
		host := newHost(dir, fmt.Sprintf("%s%d", network, i+1))
		if err := host.make(devicesOf(i)); err != nil {
			return nil, fmt.Errorf("host %s: %w", host.Name, err)
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}

func newHost(dir, ip string) Host {
	dir = filepath.Join(dir, ip)
	return Host{
		Name: ip, IP: ip, Dir: dir,
		DeviceDir:        filepath.Join(dir, "devices"),
		ClientMountPoint: filepath.Join(dir, "mnt"),
	}
}

type device struct {
	name      string
	typ       string
	bootstrap bool
}

// devicesOf is what the i-th host has, counted from 0.
func devicesOf(i int) []device {
	var devices []device
	if i < replicas {
		devices = append(devices,
			device{name: "registry0", typ: registryType, bootstrap: i == 0},
			device{name: "metadata0", typ: metadataType})
	}
	return append(devices, device{name: "data0", typ: dataType})
}

func (h Host) make(devices []device) error {
	if err := os.MkdirAll(h.ClientMountPoint, 0o755); err != nil {
		return err
	}
	for _, d := range devices {
		mount := filepath.Join(h.DeviceDir, d.name)
		if err := os.MkdirAll(mount, 0o755); err != nil {
			return err
		}
		if err := keepOrWrite(filepath.Join(mount, deviceFile), d.setup(h)); err != nil {
			return fmt.Errorf("device %s: %w", d.name, err)
		}
	}
	return nil
}

// setup is the contents of the device file. The serial is the same for the same host and name.
func (d device) setup(h Host) string {
	lines := []string{
		"# Quobyte device identifier file",
		"# Created " + time.Now().Format(time.UnixDate),
		"# Hostname: " + h.Name,
		"device.serial=SANDBOX-" + strings.ReplaceAll(h.IP, ".", "-") + "-" + d.name,
		"device.model=unknown",
	}
	if d.bootstrap {
		lines = append(lines, "device.bootstrap=true")
	}
	return strings.Join(append(lines, "device.type="+d.typ), "\n") + "\n"
}

func keepOrWrite(path, text string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, deviceFileMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// Agents gives each host an agent: 16 cpus, 32 GB of memory, 100 GB of disk, and the ports that Mesos and Quobyte use
// without those that need root.
func Agents(hosts []Host) []Agent {
	agents := make([]Agent, 0, len(hosts))
	for _, host := range hosts {
		agents = append(agents, Agent{
			Hostname: host.Name, IP: host.IP, Port: DefaultAgentPort, WorkDir: filepath.Join(host.Dir, "agent"),
			Resources: Resources{
				CPUs: 16, Mem: 32768, Disk: 100000,
				Ports: []PortRange{{8880, 8890}, {21000, 21020}, {31000, 32000}},
			},
		})
	}
	return agents
}
