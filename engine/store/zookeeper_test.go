package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
	"github.com/quobyte/mesos-framework/internal/zktest"
)

// place is a store's place on a server, which may have user:password@ before it.
func place(server, path string) ZooKeeper {
	a, err := zookeeper.ParseAddress(server + "/" + path)
	if err != nil {
		panic(err)
	}
	return ZooKeeper{Config: zookeeper.Config{Address: a, SessionTimeout: 10 * time.Second}, Owner: "test"}
}

func openZoo(t testing.TB, at ZooKeeper) Store {
	t.Helper()
	s, err := OpenZooKeeper(context.Background(), at)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// client does something behind the store's back.
func client(t *testing.T, at ZooKeeper, do func(z *zk.Conn) error) {
	t.Helper()
	c, err := zookeeper.Connect(t.Context(), at.Config)
	must(t, err)
	defer c.Close()
	must(t, c.Do(do))
}

// The connection breaks in a commit, and another opens the state before it is there again: the group is durable if it was carried out before
// that, otherwise it never is, and its owner is deposed.
func TestDeposedWhileTheConnectionIsBroken(t *testing.T) {
	server := zktest.Start(t)
	for _, test := range []struct {
		name  string
		fault zktest.Fault
		want  string
	}{
		{"before", zktest.CutBefore, "1"},
		{"after", zktest.CutAfter, "2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			proxy := zktest.NewProxy(t, server.Address)
			s := openZoo(t, place(proxy.Address, test.name))
			must(t, s.Commit(t.Context(), put("a", "1")))
			tried := 0
			held := make(chan bool, 1)
			proxy.Judge(func(operation int32) zktest.Fault {
				if operation != zktest.OpMulti {
					return zktest.Pass
				}
				if tried++; tried == 1 {
					return test.fault
				}
				held <- true // the second attempt has left the store, and waits here
				<-held
				return zktest.Pass
			})
			ended := make(chan error, 1)
			go func() { ended <- s.Commit(t.Context(), put("a", "2")) }()
			<-held
			next := openZoo(t, place(server.Address, test.name))
			held <- true
			if err := <-ended; !errors.Is(err, ErrDeposed) {
				t.Errorf("commit: %v, want %v", err, ErrDeposed)
			}
			wantLoaded(t, next, "a="+test.want)
			must(t, next.Commit(t.Context(), put("a", "3")))
			wantLoaded(t, next, "a=3")
		})
	}
}

// ZooKeeper can't be reached any more in the middle of a commit, or every connection breaks with it. The store fails for good, and when it is
// opened anew all of the group is there, or nothing.
func TestCommitsThatNeverGetThrough(t *testing.T) {
	server := zktest.Start(t)
	for _, test := range []struct {
		name  string
		judge func(p *zktest.Proxy) zktest.Fault
		text  string
		want  string
	}{
		{"down", func(p *zktest.Proxy) zktest.Fault { go p.Down(true); return zktest.CutAfter }, "carried out", "2"},
		{"refused", func(*zktest.Proxy) zktest.Fault { return zktest.CutBefore }, "connection closed", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			proxy := zktest.NewProxy(t, server.Address)
			at := place(proxy.Address, test.name)
			at.SessionTimeout = 400 * time.Millisecond
			s := openZoo(t, at)
			must(t, s.Commit(t.Context(), put("a/1", "1", "b/1", "1")))
			proxy.Judge(func(operation int32) zktest.Fault {
				if operation != zktest.OpMulti {
					return zktest.Pass
				}
				return test.judge(proxy)
			})
			err := s.Commit(t.Context(), put("a/1", "2", "b/1", "2"))
			if err == nil || !strings.Contains(err.Error(), "it is not known whether it was carried out") || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("commit: %v", err)
			}
			if again := s.Commit(t.Context(), put("c", "3")); !errors.Is(again, err) {
				t.Errorf("the store goes on: %v", again)
			}
			if _, again := s.Load(t.Context()); !errors.Is(again, err) {
				t.Errorf("the store can be read: %v", again)
			}
			must(t, s.Close())
			s = openZoo(t, place(server.Address, test.name))
			wantLoaded(t, s, "a/1="+test.want, "b/1="+test.want)
		})
	}
}

// Who is told to end does not wait for ZooKeeper to come back.
func TestACommitThatIsGivenUp(t *testing.T) {
	proxy := zktest.NewProxy(t, zktest.Start(t).Address)
	s := openZoo(t, place(proxy.Address, "state"))
	ctx, cancel := context.WithCancel(t.Context())
	proxy.Judge(func(operation int32) zktest.Fault {
		if operation == zktest.OpMulti {
			cancel()
			return zktest.CutBefore
		}
		return zktest.Pass
	})
	err := s.Commit(ctx, put("a", "1"))
	if !errors.As(err, new(unclearError)) {
		t.Errorf("commit: %v", err)
	}
}

// Connections break at random moments, from outside: a part of a group is never seen, and none is lost.
func TestCutAtAnyMoment(t *testing.T) {
	proxy := zktest.NewProxy(t, zktest.Start(t).Address)
	at := place(proxy.Address, "state")
	s := openZoo(t, at)
	ctx, cancel := context.WithCancel(t.Context())
	var cutting sync.WaitGroup
	cutting.Go(func() {
		tick := time.NewTicker(7 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			proxy.Cut()
		}
	})
	for n := range 200 {
		text := fmt.Sprint(n)
		must(t, s.Commit(t.Context(), put("a/n", text, "b/n", text, "log/"+text, "x")))
	}
	cancel()
	cutting.Wait()
	records, err := s.Load(t.Context())
	must(t, err)
	must(t, halves(records))
	if len(records) != 202 || number(records) != 199 {
		t.Errorf("%d records, the last group %d", len(records), number(records))
	}
}

// Between two commits nothing is lost with a connection.
func TestConnectionsThatBreakBetweenCommits(t *testing.T) {
	proxy := zktest.NewProxy(t, zktest.Start(t).Address)
	s := openZoo(t, place(proxy.Address, "state"))
	for n := range 5 {
		must(t, s.Commit(t.Context(), put("a", fmt.Sprint(n))))
		proxy.Cut()
		wantLoaded(t, s, fmt.Sprintf("a=%d", n))
	}
}

// Sessions end, and the store goes on with another: it is the epoch that fences it.
func TestSessionsThatExpire(t *testing.T) {
	server := zktest.Start(t)
	proxy := zktest.NewProxy(t, server.Address)
	at := place(proxy.Address, "state")
	at.SessionTimeout = 400 * time.Millisecond
	s, err := openZooKeeper(t.Context(), at)
	must(t, err)
	defer s.Close()
	must(t, s.Commit(t.Context(), put("a", "1")))
	gone := sessionEnds(t, server.Address, s, "/here")
	proxy.Down(true)
	<-gone
	proxy.Down(false)
	wantLoaded(t, s, "a=1")
	must(t, s.Commit(t.Context(), put("a", "2")))
	wantLoaded(t, s, "a=2")
}

func TestTheServerIsRestarted(t *testing.T) {
	server := zktest.Start(t)
	s := openZoo(t, place(server.Address, "state"))
	must(t, s.Commit(t.Context(), put("a", "1")))
	server.Kill()
	server.Run()
	wantLoaded(t, s, "a=1")
	must(t, s.Commit(t.Context(), put("a", "2")))
	must(t, s.Close())
	wantLoaded(t, openZoo(t, place(server.Address, "state")), "a=2")
}

func TestKeysAreNodes(t *testing.T) {
	for key, want := range map[string]string{
		"framework":                  "/framework",
		"pods/registry-0":            "/pods/registry-0",
		"facts/deploy/break/a@after": "/facts/deploy/break/a@after",
		"a b%":                       "/a%20b%25",
		".":                          "/%2E",
		"../..a":                     "/%2E%2E/..a",
		"/a//":                       "/%/a/%/%",
		"ü\x00\x7f":                  "/%C3%BC%00%7F",
	} {
		got := nodeOf(key)
		back, err := keyOf(got)
		if got != want || back != key || err != nil {
			t.Errorf("key %q: node %s, want %s; back %q, %v", key, got, want, back, err)
		}
	}
}

// Nothing is left of records that were deleted, and nodes that are needed stay.
func TestNodesGoWithTheirRecords(t *testing.T) {
	at := place(zktest.Start(t).Address, "state")
	s := openZoo(t, at)
	must(t, s.Commit(t.Context(), put("a/b/c", "1", "a", "2", "a/d", "3", "e/f", "4")))
	must(t, s.Commit(t.Context(), machine.Group{Deletes: []string{"a", "e/f"}}))
	wantLoaded(t, s, "a/b/c=1", "a/d=3")
	must(t, s.Commit(t.Context(), machine.Group{Deletes: []string{"a/b/c", "a/b", "a/d"}, Puts: put("g", "5").Puts}))
	wantLoaded(t, s, "g=5")
	client(t, at, func(z *zk.Conn) error {
		names, _, err := z.Children("/state/records")
		if diff := cmp.Diff([]string{"g"}, names); diff != "" {
			t.Errorf("nodes (-want +got)\n%s", diff)
		}
		return err
	})
}

// Many small records make a request that is much larger than they are.
func TestGroupsThatMakeTooLargeARequest(t *testing.T) {
	at := place("ann:secret@"+zktest.Start(t).Address, "some/longer/path/of/the/state")
	s := openZoo(t, at)
	var g machine.Group
	for i := range 20_000 {
		g.Puts = append(g.Puts, machine.Record{Key: fmt.Sprint(i), Value: []byte("x")})
	}
	err := s.Commit(t.Context(), g)
	var refused *GroupError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "with it the request to ZooKeeper has") {
		t.Fatalf("commit: %v", err)
	}
	wantLoaded(t, s)
	// What is not refused passes, up to the last record.
	fits := 0
	for _, r := range g.Puts {
		if r.Key == refused.Key {
			break
		}
		fits++
	}
	must(t, s.Commit(t.Context(), machine.Group{Puts: g.Puts[:fits]}))
	t.Logf("%d records in one group", fits)
}

func TestNodesThatAreNotOurs(t *testing.T) {
	server := zktest.Start(t)
	set := func(path, data string) func(z *zk.Conn) error {
		return func(z *zk.Conn) error { _, err := z.Set(path, []byte(data), -1); return err }
	}
	for _, test := range []struct {
		name string
		edit func(z *zk.Conn) error
		want string
	}{
		{"newer", set("/newer", `{"format":2}`), "its format is 2, and this quobyte-mesos knows formats up to 1; use the newer one that wrote it"},
		{"nonsense", set("/nonsense", `x`), "the node is not a state file of quobyte-mesos; give another path"},
		{"data", set("/data", ``), "the node is not a state file of quobyte-mesos; give another path"},
		{"epoch", set("/epoch/epoch", `x`), "the node is not a state file of quobyte-mesos; give another path"},
		{"emptied", func(z *zk.Conn) error {
			return errors.Join(z.Delete("/emptied/records/a", -1), z.Delete("/emptied/records", -1))
		}, "the nodes below are empty: their content was lost, and to start without it would be to forget the tasks that run"},
		{"strange", func(z *zk.Conn) error {
			_, err := z.Create("/strange/records/%2x", []byte("x"), 0, zk.WorldACL(zk.PermAll))
			return err
		}, "node /strange/records/%2x: not a state file of quobyte-mesos"},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := place(server.Address, test.name)
			s := openZoo(t, at)
			must(t, s.Commit(t.Context(), put("a", "1")))
			must(t, s.Close())
			client(t, at, test.edit)
			_, err := OpenZooKeeper(t.Context(), at)
			if err == nil || !strings.HasPrefix(err.Error(), "state in zk://"+server.Address+"/"+test.name+": ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("open: %v, want %q in it", err, test.want)
			}
			if _, _, err := ReadZooKeeper(t.Context(), at); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("read: %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestNodesOfAnotherUser(t *testing.T) {
	server := zktest.Start(t).Address
	s := openZoo(t, place("ann:secret@"+server, "q/state"))
	must(t, s.Commit(t.Context(), put("a/b", "1")))
	for _, who := range []string{"", "bob:secret@", "ann:wrong@"} {
		at := place(who+server, "q/state")
		if _, err := OpenZooKeeper(t.Context(), at); !errors.Is(err, zk.ErrNoAuth) || !strings.Contains(err.Error(), "belong to another user") {
			t.Errorf("%q opens: %v", who, err)
		}
		if _, _, err := ReadZooKeeper(t.Context(), at); !errors.Is(err, zk.ErrNoAuth) {
			t.Errorf("%q reads: %v", who, err)
		}
	}
	must(t, s.Commit(t.Context(), put("a/b", "2")))
	wantLoaded(t, openZoo(t, place("ann:secret@"+server, "q/state")), "a/b=2")
}

// A reader sees the state of one moment, and its owner does not notice.
func TestReadersDoNotDepose(t *testing.T) {
	at := place(zktest.Start(t).Address, "state")
	if _, _, err := ReadZooKeeper(t.Context(), at); !errors.Is(err, ErrMissing) {
		t.Errorf("read of what is not there: %v, want %v", err, ErrMissing)
	}
	s := openZoo(t, at)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for n := 1; ctx.Err() == nil; n++ {
			text := fmt.Sprint(n)
			if err := s.Commit(context.Background(), put("a/n", text, "b/n", text)); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	for range 20 {
		records, owner, err := ReadZooKeeper(t.Context(), at)
		if errors.Is(err, errBusy) {
			continue
		}
		must(t, err)
		must(t, halves(records))
		if owner != "test" {
			t.Errorf("owner %q", owner)
		}
	}
	cancel()
	must(t, <-ended)
	records, _, err := ReadZooKeeper(t.Context(), at)
	must(t, err)
	if number(records) == 0 {
		t.Errorf("records %v", records)
	}
}

// Servers of an ensemble die one after the other, the leading one among them, while groups are committed: what was said to be durable is there.
func TestServersThatDie(t *testing.T) {
	servers := zktest.StartEnsemble(t, 3)
	at := place(servers[0].Address+","+servers[1].Address+","+servers[2].Address, "state")
	s := openZoo(t, at)
	said := 0
	commit := func() {
		text := fmt.Sprint(said + 1)
		must(t, s.Commit(t.Context(), put("a/n", text, "b/n", text, "log/"+text, "x")))
		said++
	}
	for _, server := range servers {
		for range 20 {
			commit()
		}
		var killed sync.WaitGroup
		killed.Go(server.Kill)
		for range 100 {
			commit()
		}
		killed.Wait()
		server.Run()
	}
	records, err := s.Load(t.Context())
	must(t, err)
	if number(records) != said {
		t.Errorf("%d groups were said to be durable, and %d are there", said, number(records))
	}
	must(t, halves(records))
}
