package mesos_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/internal/zktest"
)

func TestParseZooKeeper(t *testing.T) {
	type parsed struct {
		Servers              []string
		Path, User, Password string
	}
	for text, want := range map[string]parsed{
		"zk://h1:2181/mesos":             {Servers: []string{"h1:2181"}, Path: "/mesos"},
		"zk://h1,h2:2182,[::1]:2/a/b/":   {Servers: []string{"h1:2181", "h2:2182", "[::1]:2"}, Path: "/a/b"},
		"zk://u:p@h1/mesos":              {Servers: []string{"h1:2181"}, Path: "/mesos", User: "u", Password: "p"},
		"zk://u:p:with@signs@h1/mesos":   {Servers: []string{"h1:2181"}, Path: "/mesos", User: "u", Password: "p:with@signs"},
		"zk://10.0.0.1,10.0.0.2:99/m-1_": {Servers: []string{"10.0.0.1:2181", "10.0.0.2:99"}, Path: "/m-1_"},
	} {
		z, err := session.ParseZooKeeper(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, parsed{z.Address.Servers, z.Address.Path, z.Address.User, z.Address.Password}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if got := z.String(); strings.Contains(got, "p:with") {
			t.Errorf("the password is shown: %s", got)
		}
	}
	const allowed = "; allowed is zk://[user:password@]host[:port],…/path"
	for text, want := range map[string]string{
		"zk://h1:2181":             `master "zk://h1:2181": it has no path, such as /mesos` + allowed,
		"zk://h1/":                 `master "zk://h1/": it has no path, such as /mesos` + allowed,
		"zk:///mesos":              `master "zk:///mesos": servers: one is empty; give host:port,host:port,…` + allowed,
		"zk://u:secret@h1:x/mesos": `master "zk://…@h1:x/mesos": server "h1:x": "x" is not a port number, 1 to 65535` + allowed,
		"zk://secret@h1/mesos":     `master "zk://…@h1/mesos": credentials: must be user:password before the @` + allowed,
		"zk://a:b@h1/x,zk://h/y":   `master "zk://…@h1/x,zk://h/y": other masters are named beside it` + allowed,
		"zk://h1/me sos":           `master "zk://h1/me sos": path "/me sos": has a blank, or a byte that is not ASCII, in it` + allowed,
	} {
		_, err := session.ParseZooKeeper(text)
		if err == nil || err.Error() != want {
			t.Errorf("%s: error = %v\nwant %s", text, err, want)
		}
	}
}

func TestFirstContender(t *testing.T) {
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"log_replicas", "info_0000000001", "json.info_", "json.info_x", "json.info_-1"}, ""},
		{[]string{"json.info_0000000012", "json.info_0000000009", "json.info_0000000010", "log_replicas"}, "json.info_0000000009"},
		{[]string{"json.info_9999999999", "json.info_10000000000"}, "json.info_9999999999"},
	} {
		if got, ok := session.FirstContender(tt.names); got != tt.want || ok != (tt.want != "") {
			t.Errorf("of %v: %q, %v", tt.names, got, ok)
		}
	}
}

// masterInfo is what a master of 1.12 writes.
const masterInfo = `{"id":"52f","ip":16777343,"port":%[2]d,"pid":"master@%[3]s:%[2]d","hostname":"%[1]s","version":"1.12.0",` +
	`"address":{"hostname":"%[1]s","ip":"%[3]s","port":%[2]d},"capabilities":[{"type":"AGENT_UPDATE"}]}`

func TestMasterAddresses(t *testing.T) {
	for _, tt := range []struct {
		data     string
		hostname bool
		want     []string
		err      string
	}{
		{data: fmt.Sprintf(masterInfo, "m1", 5050, "10.0.0.1"), want: []string{"10.0.0.1:5050", "m1:5050"}},
		{data: fmt.Sprintf(masterInfo, "m1", 5050, "10.0.0.1"), hostname: true, want: []string{"m1:5050", "10.0.0.1:5050"}},
		{data: fmt.Sprintf(masterInfo, "10.0.0.1", 5050, "10.0.0.1"), want: []string{"10.0.0.1:5050"}},
		{data: `{"hostname":"m1","ip":1,"port":5051,"pid":"master@10.0.0.1:5050"}`, want: []string{"10.0.0.1:5051", "m1:5051"}},
		{data: `{"hostname":"m1","port":5051}`, want: []string{"m1:5051"}},
		{data: `{"address":{"ip":"::1","port":5050}}`, want: []string{"[::1]:5050"}},
		{data: `{"address":{"port":5050}}`, err: "the MasterInfo there names no address"},
		{data: `{"hostname":"m1"}`, err: `the MasterInfo there has a bad address: master "m1:0"`},
		{data: "\x0a\x03abc", err: "what stands there is no MasterInfo"},
	} {
		got, err := session.MasterAddresses([]byte(tt.data), tt.hostname)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.data, diff)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), tt.err) {
			t.Errorf("%s: error = %v", tt.data, err)
		}
	}
}

// silence is a logger of nothing.
type silence struct{}

func (silence) Printf(string, ...any) {}

// dialZooKeeper connects and waits for the server.
func dialZooKeeper(t *testing.T, address string) *zk.Conn {
	t.Helper()
	conn, events, err := zk.Connect([]string{address}, 4*time.Second, zk.WithLogger(silence{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	limit := time.After(60 * time.Second)
	for {
		select {
		case e := <-events:
			if e.State == zk.StateHasSession {
				return conn
			}
		case <-limit:
			t.Fatal("no session with zookeeper within 60 s")
		}
	}
}

func contend(t *testing.T, conn *zk.Conn, acl []zk.ACL, host string) string {
	t.Helper()
	path, err := conn.Create("/mesos/json.info_", fmt.Appendf(nil, masterInfo, host, 5050, "10.0.0.1"), zk.FlagEphemeral|zk.FlagSequence, acl)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// With a real server: the path is made, masters contend with an ACL, the leader goes, the server goes and comes back.
func TestZooKeeper(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t)
	address := server.Address
	conn := dialZooKeeper(t, address)
	z, err := session.ParseZooKeeper("zk://127.0.0.1:1," + address + "/mesos") // nobody listens at the first
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	reports, done := make(chan session.Candidates, 100), make(chan struct{})
	go func() {
		z.Watch(ctx, func(c session.Candidates) { reports <- c })
		close(done)
	}()
	want := func(addresses []string, reason string) {
		t.Helper()
		limit := time.After(60 * time.Second)
		var last session.Candidates
		for {
			select {
			case last = <-reports:
				if cmp.Equal(last.Addresses, addresses) && strings.Contains(last.Reason, reason) && last.Leader == (addresses != nil) {
					return
				}
			case <-limit:
				t.Fatalf("no report of %v %q; the last is %+v", addresses, reason, last)
			}
		}
	}
	want(nil, "there is no such path")
	open := zk.WorldACL(zk.PermAll)
	if _, err := conn.Create("/mesos", nil, 0, open); err != nil {
		t.Fatal(err)
	}
	want(nil, "no master leads")
	if _, err := conn.Create("/mesos/log_replicas", nil, 0, open); err != nil {
		t.Fatal(err)
	}
	first := contend(t, conn, open, "m1")
	want([]string{"10.0.0.1:5050", "m1:5050"}, "")
	contend(t, conn, open, "m2")
	if err := conn.Delete(first, -1); err != nil {
		t.Fatal(err)
	}
	want([]string{"10.0.0.1:5050", "m2:5050"}, "")
	server.Kill()
	server.Run()
	conn.Close() // m2 is gone, now or when its session has expired
	conn = dialZooKeeper(t, address)
	contend(t, conn, open, "m3")
	want([]string{"10.0.0.1:5050", "m3:5050"}, "")
	cancel()
	<-done
}

// Digest authentication: what a stranger may not read, who has the password may.
func TestZooKeeperDigest(t *testing.T) {
	t.Parallel()
	address := zktest.Start(t).Address
	conn := dialZooKeeper(t, address)
	if err := conn.AddAuth("digest", []byte("u:p")); err != nil {
		t.Fatal(err)
	}
	closed := zk.DigestACL(zk.PermAll, "u", "p")
	if _, err := conn.Create("/mesos", nil, 0, closed); err != nil {
		t.Fatal(err)
	}
	contend(t, conn, closed, "m1")
	for _, tt := range []struct {
		user, reason string
		addresses    []string
	}{
		{"u:p@", "", []string{"10.0.0.1:5050", "m1:5050"}},
		{"u:wrong@", "not allowed to read; are user and password right?", nil},
		{"", "not allowed to read", nil},
	} {
		z, err := session.ParseZooKeeper("zk://" + tt.user + address + "/mesos")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		met := false
		z.Watch(ctx, func(c session.Candidates) {
			if cmp.Equal(c.Addresses, tt.addresses) && strings.Contains(c.Reason, tt.reason) {
				met = true
				cancel()
			}
		})
		cancel()
		if !met {
			t.Errorf("with %q there was no report of %v %q", tt.user, tt.addresses, tt.reason)
		}
	}
}

// A server that takes connections and says nothing does not keep us from the others for long.
func TestSilentZooKeeper(t *testing.T) {
	t.Parallel()
	address := zktest.Start(t).Address
	conn := dialZooKeeper(t, address)
	open := zk.WorldACL(zk.PermAll)
	if _, err := conn.Create("/mesos", nil, 0, open); err != nil {
		t.Fatal(err)
	}
	contend(t, conn, open, "m1")
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes the connections, and nobody reads them
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	z, err := session.ParseZooKeeper("zk://" + silent.Addr().String() + "," + address + "/mesos")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	found := false
	z.Watch(ctx, func(c session.Candidates) {
		if len(c.Addresses) > 0 {
			found = true
			cancel()
		}
	})
	if !found {
		t.Error("the server beside the silent one was not asked within 40 s")
	}
}

// A server that is down is told in words, again and again until it is up.
func TestZooKeeperOutOfReach(t *testing.T) {
	t.Parallel()
	z, err := session.ParseZooKeeper("zk://127.0.0.1:1/mesos")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var last session.Candidates
	z.Watch(ctx, func(c session.Candidates) {
		if last = c; strings.Contains(c.Reason, "no session") {
			cancel()
		}
	})
	if want := "zookeeper zk://127.0.0.1:1/mesos: no session in 10s: no server can be reached, or they have no leader"; last.Reason != want {
		t.Errorf("reason = %q\nwant     %q", last.Reason, want)
	}
}

// A session follows the lead from one master to the other, through real sockets and a real ZooKeeper.
func TestSessionFollowsZooKeeper(t *testing.T) {
	t.Parallel()
	address := zktest.Start(t).Address
	conn := dialZooKeeper(t, address)
	open := zk.WorldACL(zk.PermAll)
	if _, err := conn.Create("/mesos", nil, 0, open); err != nil {
		t.Fatal(err)
	}
	lead := func() (m *fakeMaster, path string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		m = &fakeMaster{t: t, heartbeat: 15}
		m.serve(l)
		t.Cleanup(func() { m.server.Close() })
		info := fmt.Appendf(nil, masterInfo, "nowhere.invalid", l.Addr().(*net.TCPAddr).Port, "127.0.0.1")
		path, err = conn.Create("/mesos/json.info_", info, zk.FlagEphemeral|zk.FlagSequence, open)
		if err != nil {
			t.Fatal(err)
		}
		return m, path
	}
	cfg := config(strings.Split("zk://127.0.0.1:1,"+address+"/mesos", ",")...) // as a flag with a list splits it
	cfg.MinBackoff, cfg.MaxBackoff = time.Millisecond, time.Millisecond
	s, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	events, done := make(chan machine.Event, 1000), make(chan error, 1)
	go func() { done <- s.Run(ctx, "", func(e machine.Event) { events <- e }) }()
	wait := func(met func(machine.Event) bool) {
		t.Helper()
		for {
			select {
			case e := <-events:
				if met(e) {
					return
				}
			case <-ctx.Done():
				t.Fatal("not in time")
			}
		}
	}
	subscribed := func(e machine.Event) bool { _, ok := e.(machine.Subscribed); return ok }
	first, path := lead()
	wait(subscribed)
	second, _ := lead()
	if err := conn.Delete(path, -1); err != nil {
		t.Fatal(err)
	}
	wait(func(e machine.Event) bool {
		d, ok := e.(machine.Disconnected)
		return ok && strings.Contains(d.Err, "leads no more")
	})
	wait(subscribed)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run = %v", err)
	}
	if first.attempts() != 1 || second.attempts() != 1 {
		t.Errorf("SUBSCRIBEs: %d to the first, %d to the second", first.attempts(), second.attempts())
	}
}
