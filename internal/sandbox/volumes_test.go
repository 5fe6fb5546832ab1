package sandbox_test

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox"
)

// reserved is a resource that the test's principal reserved for dev, with a label.
func reserved(r mesos.Resource) mesos.Resource {
	typ, role, principal, value := mesos.Resource_ReservationInfo_DYNAMIC, "dev", "p1", "r-1"
	r.Reservations = []mesos.Resource_ReservationInfo{{Type: &typ, Role: &role, Principal: &principal,
		Labels: &mesos.Labels{Labels: []mesos.Label{{Key: "resource_id", Value: &value}}}}}
	return r
}

// volume is such a disk with a volume on it, which a task finds at data-ID.
func volume(id string, disk mesos.Resource) mesos.Resource {
	disk = reserved(disk)
	mode, principal := mesos.RW, "p1"
	info := &mesos.Resource_DiskInfo{
		Persistence: &mesos.Resource_DiskInfo_Persistence{ID: id, Principal: &principal},
		Volume:      &mesos.Volume{Mode: &mode, ContainerPath: "data-" + id},
	}
	if disk.Disk != nil {
		info.Source = disk.Disk.Source
	}
	disk.Disk = info
	return disk
}

func mountDisk(root string, mb float64) mesos.Resource {
	r := scalar("disk", mb)
	r.Disk = &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{
		Type: mesos.Resource_DiskInfo_Source_MOUNT, Mount: &mesos.Resource_DiskInfo_Source_Mount{Root: &root}}}
	return r
}

func reserve(resources ...mesos.Resource) mesos.Offer_Operation {
	return mesos.Offer_Operation{Type: mesos.Offer_Operation_RESERVE,
		Reserve: &mesos.Offer_Operation_Reserve{Resources: resources}}
}

func unreserve(resources ...mesos.Resource) mesos.Offer_Operation {
	return mesos.Offer_Operation{Type: mesos.Offer_Operation_UNRESERVE,
		Unreserve: &mesos.Offer_Operation_Unreserve{Resources: resources}}
}

func create(volumes ...mesos.Resource) mesos.Offer_Operation {
	return mesos.Offer_Operation{Type: mesos.Offer_Operation_CREATE,
		Create: &mesos.Offer_Operation_Create{Volumes: volumes}}
}

func destroy(volumes ...mesos.Resource) mesos.Offer_Operation {
	return mesos.Offer_Operation{Type: mesos.Offer_Operation_DESTROY,
		Destroy: &mesos.Offer_Operation_Destroy{Volumes: volumes}}
}

// quickAgent is one agent whose resources are offered again soon.
func quickAgent(dir string) sandbox.Config {
	cfg := oneAgent(dir)
	cfg.AllocationInterval = 20 * time.Millisecond
	return cfg
}

// launchOn is a LAUNCH of one task with a tenth of a cpu and further resources.
func launchOn(offer mesos.Offer, task mesos.TaskInfo, further ...mesos.Resource) mesos.Offer_Operation {
	task.AgentID = offer.AgentID
	task.Resources = append([]mesos.Resource{scalar("cpus", 0.1), scalar("mem", 32)}, further...)
	return mesos.Offer_Operation{Type: mesos.Offer_Operation_LAUNCH,
		Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{task}}}
}

func (c *client) accept(offer mesos.Offer, ops ...mesos.Offer_Operation) {
	c.t.Helper()
	refuse := 0.0
	c.call(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{offer.ID}, Operations: ops, Filters: &mesos.Filters{RefuseSeconds: &refuse},
	}})
}

// offerWith declines offers until one has resources that fit.
func (c *client) offerWith(what string, fits func(*mesos.Resource) bool) mesos.Offer {
	c.t.Helper()
	refuse := 0.0
	for {
		event := c.wait("an offer with "+what, func(event *scheduler.Event) bool { return event.Type == scheduler.Event_OFFERS })
		for _, offer := range event.Offers.Offers {
			for i := range offer.Resources {
				if fits(&offer.Resources[i]) {
					return offer
				}
			}
			c.call(&scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
				OfferIDs: []mesos.OfferID{offer.ID}, Filters: &mesos.Filters{RefuseSeconds: &refuse},
			}})
		}
	}
}

func (c *client) offerWithVolume(id string) mesos.Offer {
	c.t.Helper()
	return c.offerWith("volume "+id, func(r *mesos.Resource) bool { return r.GetDisk().GetPersistence().GetID() == id })
}

// offerOfDisk waits for unreserved disk of a size, which is not a MOUNT disk.
func (c *client) offerOfDisk(mb float64) mesos.Offer {
	c.t.Helper()
	return c.offerWith("disk", func(r *mesos.Resource) bool {
		return r.Name == "disk" && r.Disk == nil && len(r.Reservations) == 0 && r.GetScalar().GetValue() == mb
	})
}

func (c *client) finished(id string) {
	c.t.Helper()
	status := c.next(scheduler.Event_UPDATE_OPERATION_STATUS).UpdateOperationStatus.Status
	if status.OperationID.GetValue() != id || status.State != mesos.OPERATION_FINISHED || status.UUID == nil {
		c.t.Fatalf("operation %v, want %s to be finished", status, id)
	}
	c.call(&scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS,
		AcknowledgeOperationStatus: &scheduler.Call_AcknowledgeOperationStatus{
			AgentID: status.AgentID, OperationID: *status.OperationID, UUID: status.UUID.Value,
		}})
}

// ends waits for a task to run and to finish.
func (c *client) ends(task string) {
	c.t.Helper()
	for _, state := range []mesos.TaskState{mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED} {
		c.update(task, state)
	}
}

func newVolumeClient(t *testing.T, master string, codec codec) *client {
	c := newClient(t, master, codec)
	principal := "p1"
	c.info.Principal = &principal
	return c
}

// TestVolumes is the life of two volumes, one on the agent's own disk and one that is a disk: what one task has
// written to them, the next one reads.
func TestVolumes(t *testing.T) {
	for name, codec := range map[string]codec{"protobuf": protobufCodec(), "json": jsonCodec()} {
		t.Run(name, func(t *testing.T) {
			dir, disk := t.TempDir(), t.TempDir()
			cfg := quickAgent(dir)
			cfg.Agents[0].Resources.Mounts = []sandbox.Mount{{Root: disk, MB: 64}}
			s := start(t, cfg)
			c := newVolumeClient(t, s.MasterAddress(), codec)
			c.subscribe()

			root, mount := scalar("disk", 256), mountDisk(disk, 64)
			v1, v2 := volume("v1", root), volume("v2", mount)
			making := create(v1, v2)
			making.ID = &mesos.OperationID{Value: "making"}
			offer := c.offer()
			c.accept(offer, reserve(reserved(root), reserved(mount)), making,
				launchOn(offer, shell("writer", "echo one > data-v1/f; echo two > data-v2/f"), v1, v2))
			c.finished("making")
			c.ends("writer")
			c.wantFile(filepath.Join(dir, "volumes", "roles", "dev", "v1", "f"), "one\n")
			c.wantFile(filepath.Join(disk, "f"), "two\n")

			offer = c.offerWithVolume("v1")
			c.accept(offer, launchOn(offer, shell("reader", "cat data-v1/f data-v2/f"), v1, v2))
			c.ends("reader")
			run := filepath.Join(dir, "slaves", offer.AgentID.Value, "frameworks", c.id, "executors", "reader", "runs", "latest")
			c.wantFile(filepath.Join(run, "stdout"), "one\ntwo\n")
			c.wantServed(s.AgentAddresses()[0], filepath.Join(run, "data-v1", "f"), "one\n")

			c.accept(c.offerWithVolume("v1"), destroy(v1, v2), unreserve(reserved(root), reserved(mount)))
			c.offerOfDisk(1000)
			c.wantFiles(filepath.Join(dir, "volumes", "roles", "dev"))
			c.wantFiles(disk)
		})
	}
}

func (c *client) wantFile(path, want string) {
	c.t.Helper()
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		c.t.Errorf("%s: %q, %v; want %q", path, text, err, want)
	}
}

// wantServed asks the agent for a file.
func (c *client) wantServed(agent, path, want string) {
	c.t.Helper()
	query := url.Values{"path": {path}, "offset": {"0"}}
	var file struct{ Data string }
	if err := json.Unmarshal([]byte(get(c.t, "http://"+agent+"/files/read?"+query.Encode())), &file); err != nil || file.Data != want {
		c.t.Errorf("%s: served %q, %v; want %q", path, file.Data, err, want)
	}
}

// An agent that is started again has its reservations and volumes with what is in them.
func TestVolumesOutliveTheSandbox(t *testing.T) {
	cfg := quickAgent(t.TempDir())
	first, err := sandbox.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	c := newVolumeClient(t, first.MasterAddress(), protobufCodec())
	c.subscribe()
	disk := scalar("disk", 256)
	v1 := volume("v1", disk)
	offer := c.offer()
	c.accept(offer, reserve(reserved(disk)), create(v1), launchOn(offer, shell("writer", "echo one > data-v1/f"), v1))
	c.ends("writer")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := start(t, cfg)
	c = newVolumeClient(t, second.MasterAddress(), protobufCodec())
	c.subscribe()
	offer = c.offerWithVolume("v1")
	c.accept(offer, launchOn(offer, shell("reader", `test "$(cat data-v1/f)" = one`), v1))
	c.ends("reader")
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}

	cfg.Agents[0].Resources.Disk = 255
	third, err := sandbox.Start(context.Background(), cfg)
	if err == nil {
		third.Close()
		t.Fatal("started with less disk than is reserved")
	}
	if text := err.Error(); !strings.Contains(text, " does not contain disk:256: give the agent what it had, or remove ") {
		t.Error(text)
	}
}

// A custom executor finds the volume of a task that comes to it later, and no more when that has ended.
func TestVolumeOfALaterTask(t *testing.T) {
	dir := t.TempDir()
	s := start(t, quickAgent(dir))
	c := newVolumeClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	disk := scalar("disk", 256)
	v1 := volume("v1", disk)
	offer := c.offer()
	c.accept(offer, reserve(reserved(disk)), create(v1), launchOn(offer, withExecutor("t1")))
	c.update("t1", mesos.TASK_RUNNING)
	offer = c.offerWithVolume("v1")
	c.accept(offer, launchOn(offer, withExecutor("t2"), v1))
	c.update("t2", mesos.TASK_RUNNING)
	place := filepath.Join(dir, "slaves", offer.AgentID.Value, "frameworks", c.id, "executors", "e1", "runs", "latest", "data-v1")
	if target, err := filepath.EvalSymlinks(place); err != nil || !strings.HasSuffix(target, "/volumes/roles/dev/v1") {
		t.Errorf("%s is at %s, %v", place, target, err)
	}
	c.kill("t2")
	c.update("t2", mesos.TASK_KILLED)
	c.offerWithVolume("v1")
	if _, err := os.Lstat(place); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", place, err)
	}
}

// Where a volume cannot be put, the container fails.
func TestVolumeOutsideTheSandbox(t *testing.T) {
	s := start(t, quickAgent(t.TempDir()))
	c := newVolumeClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	disk := scalar("disk", 256)
	v1 := volume("v1", disk)
	v1.Disk.Volume.ContainerPath = "../outside"
	offer := c.offer()
	c.accept(offer, reserve(reserved(disk)), create(v1), launchOn(offer, shell("t1", "true"), v1))
	status := c.update("t1", mesos.TASK_FAILED)
	const want = "Failed to launch container: volume v1: container path '../outside' is not below the sandbox"
	if status.GetReason() != mesos.REASON_CONTAINER_LAUNCH_FAILED || status.GetMessage() != want {
		t.Errorf("%s %q", status.GetReason(), status.GetMessage())
	}
	c.offerWithVolume("v1")
}

// A volume belongs to the user of the task.
func TestVolumeOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs tasks as somebody else")
	}
	dir := t.TempDir()
	s := start(t, quickAgent(dir))
	c := newVolumeClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	disk := scalar("disk", 256)
	v1 := volume("v1", disk)
	task, other := shell("writer", "echo one > data-v1/f"), stranger(t)
	task.Command.User = &other.Username
	offer := c.offer()
	c.accept(offer, reserve(reserved(disk)), create(v1), launchOn(offer, task, v1))
	c.ends("writer")
	info, err := os.Stat(filepath.Join(dir, "volumes", "roles", "dev", "v1"))
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid == 0 {
		t.Error("the volume is still root's")
	}
}

// What an agent is configured with may be reserved for a role; others get the rest.
func TestStaticReservation(t *testing.T) {
	cfg := quickAgent(t.TempDir())
	typ, role := mesos.Resource_ReservationInfo_STATIC, "ops"
	further := []mesos.Resource{scalar("cpus", 2), scalar("mem", 64)}
	for i := range further {
		further[i].Reservations = []mesos.Resource_ReservationInfo{{Type: &typ, Role: &role}}
	}
	cfg.Agents[0].Further = further
	s := start(t, cfg)
	dev, ops := newClient(t, s.MasterAddress(), jsonCodec()), newClient(t, s.MasterAddress(), jsonCodec())
	dev.subscribe()
	rest := dev.offer()
	ops.info.Roles = []string{"ops"}
	ops.subscribe()
	part := ops.offer()
	if len(part.Resources) != 2 || part.Resources[0].GetScalar().GetValue() != 2 || part.Resources[0].Reservations[0].GetRole() != "ops" {
		t.Errorf("offered to ops: %v", part.Resources)
	}
	for i := range rest.Resources {
		if len(rest.Resources[i].Reservations) > 0 {
			t.Errorf("offered to dev: %v", rest.Resources[i])
		}
	}
}
