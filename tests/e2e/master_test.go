package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/quobyte/mesos-framework/internal/zktest"
	"github.com/quobyte/mesos-framework/plans"
)

// silent is a logger of ZooKeeper's client.
type silent struct{}

func (silent) Printf(string, ...any) {}

// contend makes a master's node below /mesos as Mesos does: it lasts as long as the session that is returned, and the master with the lowest number leads.
func contend(t *testing.T, server, id, master string) *zk.Conn {
	t.Helper()
	conn, _, err := zk.Connect([]string{server}, 10*time.Second, zk.WithLogger(silent{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	host, port, err := net.SplitHostPort(master)
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range []string{"/mesos", "/mesos/log_replicas"} { // that of the registry's log is beside those of the masters
		if _, err := conn.Create(node, nil, 0, zk.WorldACL(zk.PermAll)); err != nil && err != zk.ErrNodeExists {
			t.Fatal(err)
		}
	}
	info := fmt.Sprintf(`{"address":{"hostname":%q,"ip":%q,"port":%s},"capabilities":[{"type":"AGENT_UPDATE"}],"hostname":%q,"id":%q,"ip":16777343,"pid":"master@%s","port":%s,"version":"1.11.0"}`,
		"localhost", host, port, "localhost", id, master, port)
	if _, err := conn.Create("/mesos/json.info_", []byte(info), zk.FlagEphemeral|zk.FlagSequence, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// freeAddress is an address of this machine at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The master is found in ZooKeeper. In the middle of the deployment it falls, and with its session its node; the other one is found there, and the deployment
// completes with nothing launched twice.
func TestMasterIsFoundInZooKeeper(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t).Address
	standby := freeAddress(t)
	c := startClusterWith(t, "127.0.96.", 3, append([]string{"--standby=" + standby}, quickFaults...)...)
	leader, _, _ := strings.Cut(c.master, ",")
	c.master = leader
	first := contend(t, server, "M1", leader)
	contend(t, server, "M2", standby)

	at := *c
	at.master = "zk://" + server + "/mesos"
	serve, api := at.serve(t, "serve", "--expect=registry=3,metadata=3,data=3")
	serve.find(`msg=subscribed master=` + leader + ` `)
	eventually(t, "registry-0 is being launched", func() bool { return api.pod("registry-0").TaskID != "" })
	c.fault(t, "master-failover", "--for=400ms", "--delay=200ms", "--spread=200ms")
	first.Close()
	serve.find(`msg=masters .*leader="?` + standby + `[" ]`)
	c.master = standby
	serve.find(`msg=subscribed master=` + standby + ` `)
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
	wantEachOnce(t, c)
}
