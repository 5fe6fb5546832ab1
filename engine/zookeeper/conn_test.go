package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/quobyte/mesos-framework/internal/zktest"
)

func connect(t *testing.T, address string, timeout time.Duration) *Conn {
	t.Helper()
	a, err := ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Connect(t.Context(), Config{Address: a, SessionTimeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestTheServerChoosesTheSessionTimeout(t *testing.T) {
	server := zktest.Start(t)
	if got := connect(t, server.Address, 100*time.Millisecond).SessionTimeout(); got != 400*time.Millisecond {
		t.Errorf("session timeout %s, want the least that the server allows, 400ms", got)
	}
	if got := connect(t, server.Address, 3*time.Second).SessionTimeout(); got != 3*time.Second {
		t.Errorf("session timeout %s, want what was asked for, 3s", got)
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	for _, test := range []struct {
		err               error
		certain, answered bool
	}{
		{zk.ErrNoAuth, true, true},
		{zk.ErrNoNode, true, true},
		{zk.ErrNoServer, true, false}, // nobody was there to be asked
		{zk.ErrConnectionClosed, false, false},
		{zk.ErrSessionExpired, false, false},
	} {
		wrapped := fmt.Errorf("create /q: %w", test.err)
		if certain, answered := Certain(wrapped), Answered(wrapped); certain != test.certain || answered != test.answered {
			t.Errorf("%v: certain %t, answered %t, want %t and %t", test.err, certain, answered, test.certain, test.answered)
		}
	}
}

func TestASessionOutlivesItsConnection(t *testing.T) {
	proxy := zktest.NewProxy(t, zktest.Start(t).Address)
	c := connect(t, proxy.Address, 5*time.Second)
	id := c.zk.SessionID()
	for range 3 {
		proxy.Cut()
		// What is asked just when the connection breaks may fail; then it goes on.
		for until := time.Now().Add(10 * time.Second); ; {
			if err := c.Do(func(z *zk.Conn) error { _, _, err := z.Exists("/"); return err }); err == nil {
				break
			} else if time.Now().After(until) {
				t.Fatal(err)
			}
		}
	}
	if c.zk.SessionID() != id {
		t.Error("another session")
	}
	select {
	case <-c.Expired():
		t.Error("the session is said to be over")
	default:
	}
}

func TestTheEndOfASessionIsTold(t *testing.T) {
	server := zktest.Start(t)
	proxy := zktest.NewProxy(t, server.Address)
	c := connect(t, proxy.Address, 400*time.Millisecond)
	watch := connect(t, server.Address, 5*time.Second)
	var gone <-chan zk.Event
	for _, err := range []error{
		c.Do(func(z *zk.Conn) error { _, err := z.Create("/here", nil, zk.FlagEphemeral, c.ACL()); return err }),
		watch.Do(func(z *zk.Conn) (err error) { _, _, gone, err = z.ExistsW("/here"); return err }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	proxy.Down(true)
	if e := <-gone; e.Type != zk.EventNodeDeleted {
		t.Fatalf("the node: %v", e)
	}
	proxy.Down(false)
	<-c.Expired()
	if err := c.Do(func(z *zk.Conn) error { _, _, err := z.Exists("/"); return err }); err != nil && Certain(err) {
		t.Errorf("in a new session: %v", err)
	}
}

func TestSilenceIsNotWaitedFor(t *testing.T) {
	server := zktest.Start(t)
	c := connect(t, server.Address, time.Second)
	server.Signal(syscall.SIGSTOP)
	begun := time.Now()
	err := c.Do(func(z *zk.Conn) error { _, _, err := z.Exists("/"); return err })
	if err == nil || Certain(err) {
		t.Errorf("%v, want an uncertain error", err)
	}
	if d := time.Since(begun); d > 10*time.Second {
		t.Errorf("it took %s", d)
	}
	c.Close()
	begun = time.Now()
	a, _ := ParseAddress(server.Address)
	if _, err := Connect(t.Context(), Config{Address: a, SessionTimeout: time.Second}); err == nil || !strings.Contains(err.Error(), "no session in 4s") {
		t.Errorf("connect: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Connect(ctx, Config{Address: a, SessionTimeout: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("connect: %v", err)
	}
	if d := time.Since(begun); d > 20*time.Second {
		t.Errorf("it took %s", d)
	}
}

// Whose context ends in the middle of an operation gets the answer that is on its way, and waits for none that is not.
func TestWhoHasToGoDoesNotWait(t *testing.T) {
	proxy := zktest.NewProxy(t, zktest.Start(t).Address)
	ask := func(t *testing.T, fault zktest.Fault) (c *Conn, took time.Duration, err error) {
		c = connect(t, proxy.Address, 40*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		proxy.Judge(func(operation int32) zktest.Fault {
			if operation != zktest.OpSync {
				return zktest.Pass
			}
			cancel()
			return fault
		})
		begun := time.Now()
		err = c.Repeat(ctx, func(z *zk.Conn) error { _, err := z.Sync("/"); return err })
		return c, time.Since(begun), err
	}
	t.Run("answered", func(t *testing.T) {
		var err error
		for range 5 { // a machine that has a lot to do may take more than a second now and then
			var c *Conn
			if c, _, err = ask(t, zktest.Pass); err == nil {
				if c.closed() {
					t.Error("it was answered, and the connection is closed")
				}
				return
			}
		}
		t.Errorf("the answer was on its way: %v", err)
	})
	t.Run("not answered", func(t *testing.T) {
		c, took, err := ask(t, zktest.Swallow)
		if !errors.Is(err, ErrTimeout) || !c.closed() {
			t.Errorf("%v, and the connection is closed: %t; want %v, and that it is", err, c.closed(), ErrTimeout)
		}
		if took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestWhoIsNobodyHasNoAccess(t *testing.T) {
	server := zktest.Start(t)
	ann := connect(t, "zk://ann:secret@"+server.Address, 5*time.Second)
	err := ann.Do(func(z *zk.Conn) error { _, err := z.Create("/q", []byte("x"), 0, ann.ACL()); return err })
	if err != nil {
		t.Fatal(err)
	}
	read := func(z *zk.Conn) error { _, _, err := z.Get("/q"); return err }
	for _, who := range []string{"", "ann:wrong@", "bob:secret@"} {
		if err := connect(t, "zk://"+who+server.Address, 5*time.Second).Do(read); !errors.Is(err, zk.ErrNoAuth) || !Certain(err) {
			t.Errorf("%q reads: %v, want %v", who, err, zk.ErrNoAuth)
		}
	}
	if err := connect(t, "zk://ann:secret@"+server.Address, 5*time.Second).Do(read); err != nil {
		t.Errorf("ann reads: %v", err)
	}
}

func TestAClosedConnection(t *testing.T) {
	c := connect(t, zktest.Start(t).Address, time.Second)
	c.Close()
	c.Close()
	if err := c.Do(func(z *zk.Conn) error { _, _, err := z.Exists("/"); return err }); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want %v", err, ErrClosed)
	}
}
