package leader

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/internal/zktest"
)

// Servers of an ensemble are restarted one after the other, as in an upgrade of ZooKeeper: who leads goes on.
func TestServersAreRestarted(t *testing.T) {
	servers := zktest.StartEnsemble(t, 3)
	var addresses []string
	for _, s := range servers {
		addresses = append(addresses, s.Address)
	}
	all := strings.Join(addresses, ",")
	a := join(t, all, "a", 15*time.Second)
	await(t, a)
	b := join(t, all, "b", 15*time.Second)
	for i, s := range servers {
		s.Kill()
		eventually(t, fmt.Sprintf("both are there without server %d", i), func() bool {
			_, first := a.look()
			_, second := b.look()
			return first == nil && second == nil
		})
		if err := a.Leading(); err != nil {
			t.Fatalf("without server %d: %v", i, err)
		}
		s.Run()
	}
	follows(t, b, "a")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Await(over); err == nil {
		t.Error("both lead")
	}
	a.Leave()
	await(t, b)
}
