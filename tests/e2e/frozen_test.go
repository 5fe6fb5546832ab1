package e2e

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/internal/zktest"
	"github.com/quobyte/mesos-framework/plans"
)

// ZooKeeper freezes in the middle of a deployment for longer than a session lives, while one instance leads and another stands by. The leader ends in the
// documented way and has done nothing since; the standby, and an instance that is started meanwhile, say what they wait for. When ZooKeeper goes on,
// one of them leads, and completes what was begun.
func TestZooKeeperIsFrozenForLong(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t)
	zk := "zk://ann:secret@" + server.Address + "/quobyte"
	c := startCluster(t, "127.0.101.", 3)
	const session = 4 * time.Second
	flags := []string{"--zk-session-timeout=" + session.String(), "--server_command=" + built(t).framework() + " standin --start-delay=1s"}
	first, before := c.serveZK(t, "leader", zk, flags...)
	first.find(leading.String())
	second, after := c.serveZK(t, "standby", zk, flags...)
	second.find(`msg="standing by"`)
	eventually(t, "registry is being started", func() bool { return before.begun("registry") })
	framework, _, _ := first.subscription()
	server.Signal(syscall.SIGSTOP)
	if code := first.wait(); code != 14 {
		t.Errorf("exit code %d of the leader, want 14", code)
	}
	t.Logf("the leader said in the end:\n%s", tail(first.text(), 6))
	launched := c.everLaunched(t)
	second.find(`msg="election: joining anew"`)
	second.find(`msg="election: not joined, trying again until ZooKeeper answers"`)
	third, _ := c.serveZK(t, "started meanwhile", zk, flags...)
	third.find(`msg="election: not joined, trying again until ZooKeeper answers"`)
	t.Logf("the standby said:\n%s", tail(second.text(), 8))
	if got := c.everLaunched(t); len(got) != len(launched) {
		t.Errorf("launched while ZooKeeper was frozen: %v, before %v", got, launched)
	}
	resp, err := http.Get(after.url + "/v1/health")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "ZooKeeper") {
		t.Errorf("the standby answers %s: %s; want 503, and that ZooKeeper does not answer", resp.Status, body)
	}
	server.Signal(syscall.SIGCONT)
	on := time.Now()
	next, took := subscribedFirst(t, framework, on, second, third)
	reportTakeovers(t, fmt.Sprintf("ZooKeeper was frozen, and goes on (session %s)", session), takeovers{took})
	if took > session+2*time.Second {
		t.Errorf("SUBSCRIBED %s after ZooKeeper went on; it has %s and two seconds", took, session)
	}
	a := api{t: t, url: next.find(`msg=serving api=(\S+)`)[1]}
	eventually(t, "deploy is complete", func() bool { return a.deploy().Status == plans.Complete })
	wantEachOnce(t, c)
}

// ZooKeeper freezes for so long that both instances give their connections up, but not for as long as a session lives: whoever leads goes on leading,
// and whoever stands by goes on standing by.
func TestZooKeeperIsFrozenForAMoment(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t)
	zk := server.Address + "/quobyte"
	c := startCluster(t, "127.0.102.", 3)
	// A connection on which nothing is heard is given up after two thirds of the session's time, and leading after five sixths.
	flags := []string{"--zk-session-timeout=30s", "--log-level=debug", "--server_command=" + built(t).framework() + " standin --start-delay=1s"}
	const advertised = "http://quobyte.example/leader"
	first, leader := c.serveZK(t, "leader", zk, append(flags[:len(flags):len(flags)], "--advertise-url="+advertised+"/")...)
	first.find(leading.String())
	second, standby := c.serveZK(t, "standby", zk, flags...)
	second.find(`msg="standing by"`)
	eventually(t, "registry is being started", func() bool { return leader.begun("registry") })
	given := len(gaveUp.FindAllString(first.text(), -1))
	server.Signal(syscall.SIGSTOP)
	eventually(t, "the connections are given up", func() bool {
		return len(gaveUp.FindAllString(first.text(), -1)) > given && gaveUp.MatchString(second.text())
	})
	server.Signal(syscall.SIGCONT)
	eventually(t, "deploy is complete", func() bool { return leader.deploy().Status == plans.Complete })
	wantEachOnce(t, c)
	redirectsReaders(t, standby, api{t: t, url: advertised})
	if strings.Contains(first.text(), "standing down") || leading.MatchString(second.text()) || strings.Contains(second.text(), "joining anew") {
		t.Error("somebody has stood down, or lost its place")
	}
}

var gaveUp = regexp.MustCompile(`msg=zookeeper text="recv loop terminated.*timeout`)

// subscribedFirst waits until one of several instances is SUBSCRIBED as a framework, and returns it and how long after a moment it was.
func subscribedFirst(t *testing.T, framework string, since time.Time, all ...*process) (first *process, took time.Duration) {
	t.Helper()
	eventually(t, "one of them is SUBSCRIBED", func() bool {
		for _, p := range all {
			if id, at, ok := p.subscription(); ok {
				if id != framework {
					t.Fatalf("%s: SUBSCRIBED as %s, want %s", p.name, id, framework)
				}
				first, took = p, at.Sub(since)
				return true
			}
		}
		return false
	})
	return first, took
}
