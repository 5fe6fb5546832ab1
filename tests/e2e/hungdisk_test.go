package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/internal/zktest"
)

// hungDisk is a directory for recordings whose disk hangs: a file there that a recorder opens is a pipe to which nobody writes, so that the system call
// never returns.
func hungDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "recording-00000001.jsonl"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A disk that hangs under a recording keeps no leader from ending, nor the standby from taking over in time.
func TestARecordingOnADiskThatHangs(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t)
	proxy := zktest.NewProxy(t, server.Address)
	c := startCluster(t, "127.0.104.", 1)
	flags := func() []string { return []string{"--expect=registry=1,metadata=1,data=1", "--record", hungDisk(t)} }
	first, _ := c.serveZK(t, "told to end", server.Address+"/quobyte", flags()...)
	first.find(`msg=subscribed `)
	framework, _, _ := first.subscription()
	second, _ := c.serveZK(t, "cut off", proxy.Address+"/quobyte", flags()...)
	second.find(`msg="standing by"`)
	fell := time.Now()
	first.signal(syscall.SIGTERM)
	if code := first.wait(); code != 0 || !strings.Contains(first.text(), "recording: not everything is written") {
		t.Errorf("exit code %d, want 0, and that the recording is not complete:\n%s", code, tail(first.text(), 5))
	}
	all := takeovers{wantTakeover(t, second, framework, fell)}
	third, _ := c.serveZK(t, "next", server.Address+"/quobyte", flags()...)
	third.find(`msg="standing by"`)
	fell = time.Now()
	proxy.Down(true)
	all = append(all, wantTakeover(t, third, framework, fell))
	if code := second.wait(); code != 14 {
		t.Errorf("who was cut off: exit code %d, want 14:\n%s", code, tail(second.text(), 5))
	}
	// It may lead for most of a session, and then leaves the recording five seconds, and ZooKeeper a second or two for each of two connections.
	if d := time.Since(fell); d > 3*sessionTimeout {
		t.Errorf("who was cut off ended after %s", d)
	}
	reportStandby(t, "the recording's disk hangs", all)
}
