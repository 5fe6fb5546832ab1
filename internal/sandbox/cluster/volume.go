package cluster

import (
	"errors"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Volume is a persistent volume of an agent. CREATE wants role and id to be unique there, but a RESERVE may give a volume the
// role of another one with its id.
type Volume struct {
	Role   string // of its reservation
	ID     string
	Source *mesos.Resource_DiskInfo_Source // the disk that it is on, nil for the one with the work directory

	ContainerPath string // where the task wants it
}

func volumesOf(r Resources) []Volume {
	var list []Volume
	for _, q := range r.where(persistent).list {
		disk := q.origin.Disk
		list = append(list, Volume{
			Role: reservationRole(q.origin), ID: disk.Persistence.ID, Source: disk.Source,
			ContainerPath: disk.GetVolume().GetContainerPath(),
		})
	}
	return list
}

// place is where the data of a volume is on its agent (Mesos: the path of a volume). Volumes in one place have the same data.
type place struct{ mount, path, role, id string }

// place depends on role and id unless the volume is a MOUNT disk: that is its place.
func (v Volume) place() place {
	if root := v.Source.GetMount().GetRoot(); v.Source.GetType() == mesos.Resource_DiskInfo_Source_MOUNT {
		return place{mount: root}
	}
	return place{path: v.Source.GetPath().GetRoot(), role: v.Role, id: v.ID}
}

// placesOf lists volumes with a place of their own: of several in one place only the first.
func placesOf(r Resources) []Volume {
	var list []Volume
	for _, v := range volumesOf(r) {
		if !v.placedAmong(list) {
			list = append(list, v)
		}
	}
	return list
}

func (v Volume) placedAmong(list []Volume) bool {
	return slices.ContainsFunc(list, func(other Volume) bool { return other.place() == v.place() })
}

// Volumes lists the persistent volumes among resources.
func Volumes(resources []mesos.Resource) []Volume { return volumesOf(parseResources(resources)) }

// Restore gives what an agent has that is started again: what it is configured with, and of that reserved and made
// into volumes what the last CheckpointResources said. It fails if the configuration has shrunk below that, as an
// agent of Mesos does then.
func Restore(configured, kept []mesos.Resource) ([]mesos.Resource, error) {
	total := parseResources(configured)
	for i := range kept {
		base := stripped(kept[i])
		for dynamic(&base) {
			base = popped(base)
		}
		if !total.contains(parseResource(&base)) {
			return nil, errors.New("Incompatible agent resources: " + total.String() + " does not contain " +
				parseResource(&base).String())
		}
		total = total.minus(parseResource(&base)).plus(parseResource(&kept[i]))
	}
	return total.wire(resourceForm{refined: true}), nil
}

// volumes lists what the container of a process is to have.
func (p *process) volumes() []Volume {
	if p.task != nil {
		return volumesOf(p.task.resources)
	}
	return p.executor.volumes()
}

// volumes lists what a custom executor is to have: its own volumes and those of its tasks that have not ended.
func (e *executorRun) volumes() []Volume {
	list := volumesOf(e.resources)
	for _, t := range e.live() {
		list = append(list, volumesOf(t.resources)...)
	}
	return list
}

// remount tells the container of a custom executor which volumes it has since t came or went.
func (c *Cluster) remount(t *task) {
	if e := t.executor; e != nil && e.kind == customExecutor && len(volumesOf(t.resources)) > 0 {
		c.emit(MountVolumes{Container: e.container, Volumes: e.volumes()})
	}
}
