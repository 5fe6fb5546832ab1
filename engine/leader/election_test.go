package leader

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/quobyte/mesos-framework/engine/zookeeper"
	"github.com/quobyte/mesos-framework/internal/zktest"
)

func join(t *testing.T, server, id string, timeout time.Duration) *Election {
	t.Helper()
	a, err := zookeeper.ParseAddress(server + "/some/service/election")
	if err != nil {
		t.Fatal(err)
	}
	e, err := Join(t.Context(), Config{
		Config: zookeeper.Config{Address: a, SessionTimeout: timeout}, ID: id, Candidate: Candidate{URL: "http://" + id},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Leave)
	return e
}

func await(t *testing.T, e *Election) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := e.Await(ctx); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("%s: not so", what)
		}
	}
}

func follows(t *testing.T, e *Election, leader string) {
	t.Helper()
	eventually(t, "the leader is "+leader, func() bool {
		c, known := e.Leader()
		return known && c.URL == "http://"+leader
	})
}

func TestOneLeadsAndTheOthersStandBy(t *testing.T) {
	server := zktest.Start(t).Address
	a := join(t, server, "a", 10*time.Second)
	await(t, a)
	b, c := join(t, server, "b", 10*time.Second), join(t, server, "c", 10*time.Second)
	for _, e := range []*Election{a, b, c} {
		follows(t, e, "a")
	}
	if err := b.Leading(); !errors.Is(err, ErrLost) {
		t.Errorf("b leads: %v", err)
	}
	begun := time.Now()
	a.Leave()
	await(t, b)
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("the next one led after %s, long before the end of a session", d)
	}
	follows(t, c, "b")
	if err := b.Leading(); err != nil {
		t.Error(err)
	}
	c.Leave()
	b.Leave()
}

func TestALeaderThatIsCutOff(t *testing.T) {
	server := zktest.Start(t).Address
	proxy := zktest.NewProxy(t, server)
	const timeout = 4 * time.Second
	a := join(t, proxy.Address, "a", timeout)
	await(t, a)
	b := join(t, server, "b", timeout)
	follows(t, b, "a")
	proxy.Cut() // once is harmless
	eventually(t, "a leads on", func() bool { return a.Leading() == nil })
	proxy.Down(true)
	begun := time.Now()
	eventually(t, "a does not lead any more", func() bool { return a.Leading() != nil })
	alone := time.Since(begun)
	await(t, b)
	takeover := time.Since(begun)
	t.Logf("a gave up after %s, b took over after %s", alone, takeover)
	if alone > takeover {
		t.Errorf("for %s both led", alone-takeover)
	}
	if takeover > timeout+2*time.Second {
		t.Errorf("the takeover took %s", takeover)
	}
	proxy.Down(false)
	<-a.Lost()
	if err := a.Leading(); !errors.Is(err, ErrLost) {
		t.Errorf("a leads again: %v", err)
	}
	if err := b.Leading(); err != nil {
		t.Error(err)
	}
}

func TestANodeThatIsRemoved(t *testing.T) {
	server := zktest.Start(t).Address
	a := join(t, server, "a", time.Second)
	await(t, a)
	err := a.conn.Do(func(z *zk.Conn) error { return z.Delete("/some/service/election/"+a.own, -1) })
	if err != nil {
		t.Fatal(err)
	}
	<-a.Lost()
	if err := a.Leading(); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "the candidate's node was removed") {
		t.Errorf("leading: %v", err)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	server := zktest.Start(t).Address
	await(t, join(t, server, "a", 10*time.Second))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := join(t, server, "b", 10*time.Second).Await(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("await: %v", err)
	}
}
