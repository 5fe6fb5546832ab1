package standin

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// deviceType is the value of device.type. It is only the first assignment: a device may get further contents later.
type deviceType string

const (
	registryDevice deviceType = "DIR_DEVICE"
	metadataDevice deviceType = "METADATA_DEVICE"
	dataDevice     deviceType = "DATA_DEVICE"
)

// noun is how messages call a device of the type; contentType is its name in content[] of the JSON-RPC API.
func (t deviceType) noun() string { return strings.ToLower(t.contentType()) }
func (t deviceType) contentType() string {
	switch t {
	case registryDevice:
		return "REGISTRY"
	case metadataDevice:
		return "METADATA"
	case dataDevice:
		return "DATA"
	}
	return ""
}

const (
	deviceFileName   = "QUOBYTE_DEV_SETUP" // written by qmkdev and qbootstrap
	deviceIDFileName = "QUOBYTE_DEV_ID"    // written by a service after it has registered the device
	maxDeviceFile    = 64 << 10            // bytes; qmkdev writes about 200
)

// device is a directory that carries a device file.
type device struct {
	dir       string
	serial    string
	model     string
	bootstrap bool
	kind      deviceType // "" when not assigned yet
}

// parseDevice reads a device file. Unknown keys are passed over, since newer releases add some.
func parseDevice(content []byte) (device, error) {
	if len(content) > maxDeviceFile {
		return device{}, fmt.Errorf("%d bytes: want at most %d", len(content), maxDeviceFile)
	}
	if !isText(content) {
		return device{}, errors.New("no text file")
	}
	var d device
	seen := map[string]bool{}
	for i, line := range strings.Split(string(content), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !found || key == "" || strings.ContainsAny(line, "\r\t") {
			return device{}, fmt.Errorf("line %d %q: want key=value", i+1, line)
		}
		if seen[key] {
			return device{}, fmt.Errorf("line %d: %s is given twice", i+1, key)
		}
		seen[key] = true
		if err := d.set(key, value); err != nil {
			return device{}, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if d.serial == "" {
		return device{}, errors.New("device.serial is missing")
	}
	return d, nil
}

func isText(content []byte) bool {
	return bytes.IndexFunc(content, func(r rune) bool { return r == 0xfffd || r < ' ' && r != '\n' && r != '\r' && r != '\t' }) < 0
}

func (d *device) set(key, value string) error {
	switch key {
	case "device.serial":
		d.serial = value
	case "device.model":
		d.model = value
	case "device.bootstrap":
		if value != "true" && value != "false" {
			return fmt.Errorf("device.bootstrap %q: want true or false", value)
		}
		d.bootstrap = value == "true"
	case "device.type":
		d.kind = deviceType(value)
		if d.kind.contentType() == "" {
			return fmt.Errorf("device.type %q: want %s, %s or %s", value, registryDevice, metadataDevice, dataDevice)
		}
	}
	return nil
}

// findDevices lists the devices of one type under root, by directory name. An unreadable device does not hide the
// others; it is told about only when none is left, or by way of the warnings.
func findDevices(root string, kind deviceType) (found []device, warnings []error, err error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, nil, fmt.Errorf("could not find a %s device under %s: %w", kind.noun(), root, reason(err))
	}
	for _, entry := range entries {
		dir := filepath.Join(root, entry.Name())
		d, err := readDevice(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) || isNotDirectory(dir):
		case err != nil:
			warnings = append(warnings, fmt.Errorf("device file %s: %w", filepath.Join(dir, deviceFileName), err))
		case d.kind == kind:
			found = append(found, d)
		}
	}
	if len(found) > 0 {
		return found, warnings, nil
	}
	message := fmt.Sprintf("could not find a %s device under %s", kind.noun(), root)
	if len(warnings) > 0 {
		return nil, warnings, fmt.Errorf("%s; %w", message, errors.Join(warnings...))
	}
	return nil, nil, fmt.Errorf("%s: no directory in it has a %s with device.type=%s", message, deviceFileName, kind)
}

func isNotDirectory(path string) bool {
	info, err := os.Stat(path) // follows links: a device may be one
	return err == nil && !info.IsDir()
}

func readDevice(dir string) (device, error) {
	content, err := os.ReadFile(filepath.Join(dir, deviceFileName))
	if err != nil {
		return device{}, reason(err)
	}
	d, err := parseDevice(content)
	d.dir = dir
	return d, err
}

// reason strips the path from a file error whose message names it already.
func reason(err error) error {
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// registryDeviceOf chooses among several: a registry service takes one device, and one that it has used before is the
// only one that holds its replica set.
func registryDeviceOf(devices []device) device {
	chosen := append([]device(nil), devices...)
	sort.SliceStable(chosen, func(i, j int) bool { return registryRank(chosen[i]) < registryRank(chosen[j]) })
	return chosen[0]
}

func registryRank(d device) int {
	if _, err := os.Stat(filepath.Join(d.dir, replicaSetFileName)); err == nil {
		return 0
	}
	if d.bootstrap {
		return 1
	}
	return 2
}

// deviceID is the id in the device's id file, or the one that registration would write there.
func (d device) deviceID() (uint64, error) {
	content, err := os.ReadFile(filepath.Join(d.dir, deviceIDFileName))
	if errors.Is(err, fs.ErrNotExist) {
		return deviceNumber(d.serial), nil
	}
	if err != nil {
		return 0, fmt.Errorf("device id file: %w", err)
	}
	id, err := parseDeviceID(content)
	if err != nil {
		return 0, fmt.Errorf("device id file %s: %w", filepath.Join(d.dir, deviceIDFileName), err)
	}
	return id, nil
}

func parseDeviceID(content []byte) (uint64, error) {
	for _, line := range strings.Split(string(content), "\n") {
		value, found := strings.CutPrefix(strings.TrimSpace(line), "device.id=")
		if !found {
			continue
		}
		id, err := strconv.ParseUint(value, 10, 63)
		if err != nil || id == 0 {
			return 0, fmt.Errorf("device.id %q: want a positive number", value)
		}
		return id, nil
	}
	return 0, errors.New("device.id is missing")
}

// writeDeviceID marks the device as registered. An existing id is left alone.
func (d device) writeDeviceID(id uint64) error {
	path := filepath.Join(d.dir, deviceIDFileName)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return writeFileAtomically(path, fmt.Appendf(nil, "device.id=%d\n", id))
}

// writeFileAtomically leaves either the old content or the new, also when the process is killed in between.
func writeFileAtomically(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once the file has its final name, and is meant to
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
