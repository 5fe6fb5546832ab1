package standin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// mountMarker stands for the mounted file system: it is there as long as the client is.
const mountMarker = ".quobyte-mounted"

// newRole finds what the service needs on its host, which is all that can be wrong before it starts.
func (p *process) newRole() (role, error) {
	s := p.settings
	var devices []device
	if s.service.deviceType != "" {
		found, warnings, err := findDevices(s.DeviceDir, s.service.deviceType)
		if err != nil {
			return nil, err
		}
		for _, w := range warnings {
			p.Logger.Warn("device passed over", "error", w)
		}
		devices = found
	}
	if s.service.deviceType == registryDevice {
		if len(devices) > 1 {
			p.Logger.Warn("several registry devices, using one", "found", len(devices))
		}
		devices = []device{registryDeviceOf(devices)}
	}
	self, err := p.presence(devices)
	if err != nil {
		return nil, err
	}
	u := &uplink{self: self, seeds: s.Registry, interval: p.Interval, rpc: p.rpc}
	u.registered = func(string) error { return markRegistered(devices, self.Devices) }
	switch s.Service {
	case "registry":
		u.seeds = union(s.Registry, []string{s.rpcAddress()})
		return newRegistry(s, devices[0], u, p.Interval, p.rpc, p.Logger)
	case "client":
		return newClient(s, u)
	}
	return &satellite{uplink: u, page: frontPage(s, u), devices: devices}, nil
}

// presence is what the service tells the registries of itself. Its uuid follows the device where it has one, else the
// host, so that a restart is the same service.
func (p *process) presence(devices []device) (presence, error) {
	s := p.settings
	identity := s.Host.String() + " " + s.MountPoint
	told := presence{Name: s.Host.String(), Type: s.service.jsonType, Front: s.frontAddress()}
	for i, d := range devices {
		id, err := d.deviceID()
		if err != nil {
			return presence{}, err
		}
		if i == 0 || d.serial < identity {
			identity = d.serial
		}
		told.Devices = append(told.Devices, devicePresence{
			ID: id, Serial: d.serial, Model: d.model, Path: d.dir, ContentType: d.kind.contentType(),
		})
	}
	told.UUID = serviceUUID(s.Service, identity)
	if address := s.rpcAddress(); address != "" {
		told.Addresses = []string{address}
	}
	if address := s.httpAddress(); address != "" {
		told.StatusServer = "http://" + address
	}
	return told, nil
}

func markRegistered(devices []device, told []devicePresence) error {
	for i, d := range devices {
		if err := d.writeDeviceID(told[i].ID); err != nil {
			return fmt.Errorf("device id file: %w", err)
		}
	}
	return nil
}

// satellite is every service but the registry and the client: all it does is to reach a registry and answer on its
// ports.
type satellite struct {
	*uplink
	page    http.Handler
	devices []device
}

func (s *satellite) handler() http.Handler { return http.NotFoundHandler() }
func (s *satellite) front() http.Handler   { return s.page }

func (s *satellite) facts() []fact {
	facts := []fact{{label: "registry", text: s.registry()}}
	for _, d := range s.devices {
		facts = append(facts, fact{label: "device", text: fmt.Sprintf("%s (serial %s)", d.dir, d.serial)})
	}
	if len(s.devices) > 0 {
		facts = append(facts, fact{label: "devices", text: fmt.Sprint(len(s.devices)), metric: "devices", value: float64(len(s.devices))})
	}
	return facts
}

// client imitates the mount: the marker appears in the mount point once a registry is reached.
type client struct {
	satellite
	marker string
}

func newClient(s Settings, u *uplink) (*client, error) {
	info, err := os.Stat(s.MountPoint)
	if err != nil {
		return nil, fmt.Errorf("mount point %s: %w", s.MountPoint, reason(err))
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("mount point %s: not a directory", s.MountPoint)
	}
	c := &client{satellite: satellite{uplink: u}, marker: filepath.Join(s.MountPoint, mountMarker)}
	u.registered = c.mount
	return c, nil
}

// markerOwner is the first line of the marker.
func markerOwner() string { return fmt.Sprintf("pid=%d\n", os.Getpid()) }

func (c *client) mount(registry string) error {
	if err := writeFileAtomically(c.marker, []byte(markerOwner()+"registry="+registry+"\n")); err != nil {
		return fmt.Errorf("mount marker: %w", err)
	}
	return nil
}

// unmount leaves alone the marker of a successor.
func (c *client) unmount() error {
	content, err := os.ReadFile(c.marker)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && strings.HasPrefix(string(content), markerOwner()) {
		err = os.Remove(c.marker)
	}
	if err != nil {
		return fmt.Errorf("mount marker: %w", err)
	}
	return nil
}

func (c *client) run(ctx context.Context) error {
	// A marker that a killed client left would claim a mount that is not there.
	if err := os.Remove(c.marker); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("mount marker: %w", err)
	}
	return errors.Join(c.satellite.run(ctx), c.unmount())
}

func (c *client) health() string {
	if reason := c.satellite.health(); reason != "" {
		return reason
	}
	if _, err := os.Stat(c.marker); err != nil {
		return fmt.Sprintf("mount marker %s: %v", c.marker, reason(err))
	}
	return ""
}

func (c *client) facts() []fact {
	return append(c.satellite.facts(), fact{label: "mount point", text: filepath.Dir(c.marker)})
}
