package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// keptResources is where an agent notes below its work directory what was reserved and made into volumes (Mesos: the
// same, but as protobuf).
const keptResources = "meta/resources/resources.info"

// volumePath is where the data of a volume is: a MOUNT disk is the volume; on others it has a directory of its own, by
// the role of its reservation and its id. A slash in a role becomes a space, which no role has (Mesos: the same).
func (a *agentShell) volumePath(v cluster.Volume) string {
	root := a.WorkDir
	if v.Source != nil {
		root = a.diskRoot(v.Source)
	}
	if v.Source.GetType() == mesos.Resource_DiskInfo_Source_MOUNT {
		return root
	}
	return filepath.Join(root, "volumes", "roles", strings.ReplaceAll(v.Role, "/", " "), v.ID)
}

// diskRoot takes a relative path to be one below the work directory, as Mesos does.
func (a *agentShell) diskRoot(source *mesos.Resource_DiskInfo_Source) string {
	root := source.GetMount().GetRoot() + source.GetPath().GetRoot()
	if filepath.IsAbs(root) {
		return filepath.Clean(root)
	}
	return filepath.Join(a.WorkDir, root)
}

func (a *agentShell) createVolume(v cluster.Volume) error { return os.MkdirAll(a.volumePath(v), 0o755) }

// destroyVolume removes a volume with its data. It does so at once, however much that is: the next one with this id, or
// on this disk, must find it empty. The root of a MOUNT disk stays.
func (a *agentShell) destroyVolume(v cluster.Volume) error {
	path := a.volumePath(v)
	if v.Source.GetType() != mesos.Resource_DiskInfo_Source_MOUNT {
		return os.RemoveAll(path)
	}
	entries, err := os.ReadDir(path)
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(path, entry.Name())))
	}
	return err
}

// restore gives what the agent has at its start: what it is configured with, with the reservations and volumes of
// before. Volumes that a crash has cost their directory get an empty one.
func (s *Sandbox) restore(a *agentShell) ([]mesos.Resource, error) {
	path := filepath.Join(a.WorkDir, keptResources)
	kept, err := readResources(path)
	if err != nil {
		return nil, err
	}
	resources, err := cluster.Restore(a.wireResources(), kept)
	if err != nil {
		return nil, fmt.Errorf("%w: give the agent what it had, or remove %s and with it all reservations and volumes",
			err, path)
	}
	if s.cfg.Runner != nil {
		return resources, nil // its volumes are its own business
	}
	for _, v := range cluster.Volumes(resources) {
		if err := a.createVolume(v); err != nil {
			return nil, fmt.Errorf("volume %s: %w", v.ID, err)
		}
	}
	return resources, nil
}

func readResources(path string) ([]mesos.Resource, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kept resources: %w", err)
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return nil, fmt.Errorf("kept resources: %s: %w", path, err)
	}
	list := make([]mesos.Resource, len(parts))
	for i, part := range parts {
		if err := protojson.Unmarshal(part, &list[i]); err != nil {
			return nil, fmt.Errorf("kept resources: %s: %w", path, err)
		}
	}
	if err := cluster.CheckResources(list); err != nil {
		return nil, fmt.Errorf("kept resources: %s: %w", path, err)
	}
	return list, nil
}

// checkpoint notes resources for the next start. The file is replaced in one step.
func (a *agentShell) checkpoint(resources []mesos.Resource) error {
	parts := make([]json.RawMessage, len(resources))
	for i := range resources {
		text, err := protojson.Marshal(&resources[i])
		if err != nil {
			return err
		}
		parts[i] = text
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	path := filepath.Join(a.WorkDir, keptResources)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// performOnDisk carries out an effect on the files of an agent. There is nobody to tell of a failure: a real agent would
// end, and here the tasks that want the volume fail.
func (s *Sandbox) performOnDisk(agentID, what string, act func(*agentShell) error) {
	a := s.agentByID(agentID)
	if what != "checkpoint" && s.diskFull(a) { // an agent that can't keep its state would end
		act = func(*agentShell) error { return syscall.ENOSPC }
	}
	if err := act(a); err != nil {
		s.log.Error(what+" failed", "agent", a.Hostname, "error", err)
	}
}

// mount gives a container its volumes. Before its directory is ready they are only noted.
func (s *Sandbox) mount(e cluster.MountVolumes) {
	c := s.containers[e.Container]
	if c == nil {
		return
	}
	if c.volumes = e.Volumes; !c.ready {
		return
	}
	if err := c.link(); err != nil {
		s.log.Error("volumes can't be mounted", "task", c.start.Executor, "error", err)
	}
}

// mountFirst is mount for a container whose directory has just been made.
func (s *Sandbox) mountFirst(c *container, as account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.ready, c.account = true, as
	return c.link()
}

// link puts a link to each volume where the task wants it, and removes those to volumes that it has no more (Mesos
// without a filesystem isolator: the same).
func (c *container) link() error {
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	wanted := map[string]string{}
	for _, v := range c.volumes {
		place := filepath.Clean(v.ContainerPath)
		if !filepath.IsLocal(place) || place == "." {
			return fmt.Errorf("volume %s: container path '%s' is not below the sandbox", v.ID, v.ContainerPath)
		}
		wanted[place] = c.agent.volumePath(v)
	}
	for place := range c.links {
		if wanted[place] == "" {
			_ = root.Remove(place)
			delete(c.links, place)
		}
	}
	for place, volume := range wanted {
		if c.links[place] == volume {
			continue
		}
		if err := c.linkOne(root, place, volume); err != nil {
			return fmt.Errorf("volume at '%s': %w", place, err)
		}
	}
	return nil
}

// linkOne makes one link, and its volume the property of the task's user; what is in it is left alone. A link within
// the work directory is relative, so that the agent serves the files behind it.
func (c *container) linkOne(root *os.Root, place, volume string) error {
	if _, err := os.Stat(volume); err != nil {
		return err
	}
	if err := c.account.ownOne(volume); err != nil {
		return err
	}
	target := volume
	if inside, err := filepath.Rel(c.agent.WorkDir, volume); err == nil && filepath.IsLocal(inside) {
		if target, err = filepath.Rel(filepath.Join(c.dir, filepath.Dir(place)), volume); err != nil {
			return err
		}
	}
	if err := root.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return err
	}
	if err := root.Symlink(target, place); err != nil {
		return err
	}
	if c.links == nil {
		c.links = map[string]string{}
	}
	c.links[place] = volume
	return nil
}
