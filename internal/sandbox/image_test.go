package sandbox_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/internal/sandbox"
)

func inDocker(task mesos.TaskInfo, image string, volumes ...mesos.Volume) mesos.TaskInfo {
	typ := mesos.ContainerInfo_DOCKER
	task.Container = &mesos.ContainerInfo{Type: &typ, Docker: &mesos.ContainerInfo_DockerInfo{Image: image}, Volumes: volumes}
	return task
}

// TestImages runs commands in place of images: what they get, what is said of them, and what is said of an image that
// nothing stands for.
func TestImages(t *testing.T) {
	dir := t.TempDir()
	cfg := oneAgent(dir)
	cfg.Images = map[string]string{
		"registry:5000/quobyte/server": `printf '%s\n' "$0" "$@" "$A" "$CONTAINER_VOLUMES"; exit 7`,
		"sleeper:1":                    "exec sleep 1000",
	}
	cfg.Model.ShutdownGrace = 200 * time.Millisecond
	s := start(t, cfg)
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	offer := c.offer()
	rw, srv, value := mesos.RW, "/srv/x", "a b"
	server := inDocker(shell("server", "echo $A"), "registry:5000/quobyte/server:3.1",
		mesos.Volume{Mode: &rw, HostPath: &srv, ContainerPath: "/devices"})
	server.Command.Environment = &mesos.Environment{Variables: []mesos.Environment_Variable{{Name: "A", Value: &value}}}
	c.launch(offer, server, inDocker(shell("sleeper", "ignored"), "sleeper:1"), inDocker(shell("unknown", "true"), "sleeper:2"))

	c.update("server", mesos.TASK_STARTING)
	running := c.update("server", mesos.TASK_RUNNING)
	var inspected []struct {
		Config struct{ Image string }
		State  struct{ Pid int }
	}
	if err := json.Unmarshal(running.Data, &inspected); err != nil || len(inspected) != 1 || inspected[0].State.Pid == 0 ||
		inspected[0].Config.Image != "registry:5000/quobyte/server:3.1" {
		t.Errorf("data %s: %v", running.Data, err)
	}
	if running.ContainerStatus.ExecutorPID != nil {
		t.Errorf("container status %v: a Docker container has no executor_pid", running.ContainerStatus)
	}
	if got := c.update("server", mesos.TASK_FAILED).GetMessage(); got != "Container exited with status 7" {
		t.Errorf("server: %q", got)
	}
	run := filepath.Join(dir, "slaves", offer.AgentID.Value, "frameworks", c.id, "executors", "server", "runs", "latest")
	stdout, err := os.ReadFile(filepath.Join(run, "stdout"))
	if want := "registry:5000/quobyte/server:3.1\n/bin/sh\n-c\necho $A\na b\n/devices\t/srv/x\n"; err != nil || string(stdout) != want {
		t.Errorf("stdout %q, want %q: %v", stdout, want, err)
	}

	status := c.update("unknown", mesos.TASK_FAILED)
	if status.GetReason() != mesos.REASON_CONTAINER_LAUNCH_FAILED || !strings.Contains(status.GetMessage(), "pull sleeper:2") {
		t.Errorf("unknown: %s %q", status.GetReason(), status.GetMessage())
	}

	c.update("sleeper", mesos.TASK_STARTING)
	c.update("sleeper", mesos.TASK_RUNNING)
	c.kill("sleeper")
	if got := c.update("sleeper", mesos.TASK_KILLED).GetMessage(); got != "Container exited with status 143" {
		t.Errorf("sleeper: %q", got)
	}
}

// TestMesosImages is the same for the containerizer of Mesos, whose executor is that of plain commands.
func TestMesosImages(t *testing.T) {
	cfg := oneAgent(t.TempDir())
	cfg.Images = map[string]string{"busybox": `exec "$@"`}
	s := start(t, cfg)
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	in := func(task mesos.TaskInfo, image string) mesos.TaskInfo {
		typ, kind := mesos.ContainerInfo_MESOS, mesos.Image_DOCKER
		task.Container = &mesos.ContainerInfo{Type: &typ, Mesos: &mesos.ContainerInfo_MesosInfo{
			Image: &mesos.Image{Type: &kind, Docker: &mesos.Image_Docker{Name: image}}}}
		return task
	}
	c.launch(c.offer(), in(shell("known", "exit 3"), "busybox"), in(shell("unknown", "true"), "nothing"))
	c.update("known", mesos.TASK_STARTING)
	c.update("known", mesos.TASK_RUNNING)
	if got := c.update("known", mesos.TASK_FAILED).GetMessage(); got != "Command exited with status 3" {
		t.Errorf("known: %q", got)
	}
	if status := c.update("unknown", mesos.TASK_FAILED); status.GetReason() != mesos.REASON_CONTAINER_LAUNCH_FAILED {
		t.Errorf("unknown: %s %q", status.GetReason(), status.GetMessage())
	}
}

func TestBadImages(t *testing.T) {
	cfg := oneAgent(t.TempDir())
	cfg.Images = map[string]string{"": "x", "y": " "}
	_, err := sandbox.Start(t.Context(), cfg)
	for _, want := range []string{"image name: empty", `image "y": command is empty`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}
