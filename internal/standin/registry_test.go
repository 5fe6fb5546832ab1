package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReplicaSetGrowsLosesItsMajorityAndRegainsIt(t *testing.T) {
	r := newRig(t)
	// The bootstrap device has the highest id, so that the role of primary has to move.
	zero := r.registryHost(10, "serial-z", true)
	one := r.registryHost(11, "serial-a", false)
	two := r.registryHost(12, "serial-b", false)
	all := []host{zero, one, two}

	r.start(Config{}, zero.environment("registry", zero))
	r.untilHealthy(zero)
	r.primaryIs(zero)

	first := r.start(Config{}, one.environment("registry", zero, one))
	r.untilHealthy(zero, one)
	r.primaryIs(one)

	// It knows only the backup, which sends it on to the primary.
	second := r.start(Config{}, two.environment("registry", zero))
	r.untilHealthy(all...)
	want := []string{one.rpc, two.rpc, zero.rpc}
	for _, h := range all {
		r.until(h.ip+" has stored the set of three", func() (string, bool) {
			set := r.storedSet(h)
			return fmt.Sprint(set), slices.Equal(set.addresses(), want)
		})
	}
	version := r.storedSet(zero).Version

	r.stop(second)
	r.until("one member down", func() (string, bool) { return r.fact(zero, "members up", "2") })
	r.untilHealthy(zero, one)
	r.stop(first)
	r.untilUnhealthy(zero, "replica set has no majority: 1 of 3 up")
	r.until("no majority, no primary", func() (string, bool) { return r.fact(zero, "is_primary", "false") })

	r.start(Config{}, two.environment("registry", zero, one))
	r.untilHealthy(zero, two)
	r.primaryIs(two)
	r.start(Config{}, one.environment("registry", zero))
	r.untilHealthy(all...)
	r.primaryIs(one)
	for _, h := range all {
		if set := r.storedSet(h); set.Version != version {
			t.Errorf("replica set of %s has version %d after restarts, want %d still", h.ip, set.Version, version)
		}
	}
}

func TestJoinersAndServicesWaitForTheMajority(t *testing.T) {
	r := newRig(t)
	zero := r.registryHost(20, "serial-0", true)
	one := r.registryHost(21, "serial-1", false)
	two := r.registryHost(22, "serial-2", false)
	r.start(Config{}, zero.environment("registry", zero))
	first := r.start(Config{}, one.environment("registry", zero))
	r.untilHealthy(zero, one)
	r.stop(first)
	r.untilUnhealthy(zero, "replica set has no majority: 1 of 2 up")

	meta := r.host(23)
	r.device(meta, "m0", "device.serial=serial-m0", "device.type=METADATA_DEVICE")
	r.start(Config{}, meta.environment("metadata", zero))
	r.untilUnhealthy(meta, "no healthy registry: "+zero.rpc+": replica set has no majority: 1 of 2 up")
	r.start(Config{}, two.environment("registry", zero))
	r.untilUnhealthy(two, "not in a replica set yet: "+zero.rpc+": replica set has no majority: 1 of 2 up")
	if set := r.storedSet(two); !set.empty() {
		t.Errorf("a refused joiner has stored %v", set)
	}
	r.start(Config{}, one.environment("registry", zero))
	r.untilHealthy(zero, one, two, meta)
}

func TestRegistryMovesWithItsDevice(t *testing.T) {
	r := newRig(t)
	zero := r.registryHost(30, "serial-0", true)
	one := r.registryHost(31, "serial-1", false)
	elsewhere := r.host(32)
	elsewhere.devices = zero.devices
	primary := r.start(Config{}, zero.environment("registry"))
	r.start(Config{}, one.environment("registry", zero, elsewhere))
	r.untilHealthy(zero, one)
	r.stop(primary)
	r.untilUnhealthy(one, "1 of 2 up")

	r.start(Config{}, elsewhere.environment("registry", one))
	r.untilHealthy(elsewhere, one)
	r.until("the new address is known to all", func() (string, bool) {
		set := r.storedSet(one)
		return fmt.Sprint(set), slices.Equal(set.addresses(), []string{elsewhere.rpc, one.rpc})
	})
}

func TestRegistryWithoutPeersAndWithoutBootstrapSaysSo(t *testing.T) {
	r := newRig(t)
	h := r.registryHost(35, "serial-0", false)
	r.start(Config{}, h.environment("registry", h))
	r.untilUnhealthy(h, "QUOBYTE_REGISTRY names no other registry")
}

func TestTwoBootstrapDevicesNeverMix(t *testing.T) {
	r := newRig(t)
	zero, one := r.registryHost(36, "serial-0", true), r.registryHost(37, "serial-1", true)
	r.start(Config{}, zero.environment("registry", zero, one))
	r.start(Config{}, one.environment("registry", zero, one))
	r.untilHealthy(zero, one)
	for _, h := range []host{zero, one} {
		if set := r.storedSet(h); len(set.Members) != 1 {
			t.Errorf("%s has the replica set %v, want its own alone", h.ip, set.addresses())
		}
	}
}

func TestDamagedReplicaSetFileIsNeverReplaced(t *testing.T) {
	r := newRig(t)
	h := r.registryHost(38, "serial-0", true)
	path := filepath.Join(h.devices, "reg", replicaSetFileName)
	r.write(path, `{"format": 2}`)
	err := Run(t.Context(), Config{Getenv: lookup(h.environment("registry"))})
	want := "registry: replica set file " + path + ": format 2: want 1; it was written by another release"
	if err == nil || err.Error() != want {
		t.Errorf("Run: %v\nwant: %s", err, want)
	}
}

func TestRegistriesThatStartTogetherAllJoin(t *testing.T) {
	r := newRig(t)
	var hosts []host
	for i := range 5 {
		hosts = append(hosts, r.registryHost(40+i, fmt.Sprintf("serial-%d", 9-i), i == 0))
	}
	for _, h := range hosts {
		r.start(Config{}, h.environment("registry", hosts...))
	}
	r.untilHealthy(hosts...)
	for _, h := range hosts {
		r.until(h.ip+" has stored the set of five", func() (string, bool) {
			set := r.storedSet(h)
			return fmt.Sprint(set), len(set.Members) == 5 && cmp.Equal(set, r.storedSet(hosts[0]))
		})
	}
	r.primaryIs(hosts[4])
}

// lone is a registry without ports, as its handlers see it.
func lone(t *testing.T, set replicaSet, self member) *registry {
	return &registry{
		self: self, dir: t.TempDir(), set: set, judged: true, seen: map[string]sighting{}, services: map[string]serviceView{},
		strayed: map[string]bool{}, interval: testInterval, rpc: newRPCClient(testInterval), log: slog.New(slog.DiscardHandler),
	}
}

// A joiner may die between the primary's decision and its own copy of the set; then it is the one that is missing.
func TestJoinIsAnsweredAgainWithoutMajority(t *testing.T) {
	self, joiner := member{"a", 1, "127.0.2.1:1"}, member{"b", 2, "127.0.2.2:1"}
	r := lone(t, bootstrapSet(self).with(joiner), self)
	set, err := r.onJoin(t.Context(), joinRequest{joiner})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.set, set); diff != "" {
		t.Errorf("answer to a known joiner (-want +got):\n%s", diff)
	}
	if _, err := r.onJoin(t.Context(), joinRequest{member{"c", 3, "127.0.2.3:1"}}); err == nil || !strings.Contains(err.Error(), "no majority") {
		t.Errorf("a newcomer was answered %v, want a refusal for want of a majority", err)
	}
}

func TestSetStaysHealthyWhileItGrows(t *testing.T) {
	self := member{"a", 1, "127.0.2.1:1"}
	r := lone(t, bootstrapSet(self), self)
	set, err := r.onJoin(t.Context(), joinRequest{member{"b", 2, "127.0.2.2:1"}})
	if err != nil || len(set.Members) != 2 {
		t.Fatalf("join: %v %v", set, err)
	}
	if reason := r.health(); reason != "" {
		t.Errorf("after a join the registry is unhealthy: %s", reason)
	}
	stored, err := loadReplicaSet(r.dir)
	if diff := cmp.Diff(set, stored); err != nil || diff != "" {
		t.Errorf("stored set: %v (-answered +stored):\n%s", err, diff)
	}
}

func TestBackupSendsJoinersToThePrimary(t *testing.T) {
	self, primary := member{"b", 2, "127.0.2.2:1"}, member{"a", 1, "127.0.2.1:1"}
	r := lone(t, bootstrapSet(self).with(primary), self)
	r.seen["a"] = sighting{at: time.Now()}
	_, err := r.onJoin(t.Context(), joinRequest{member{"c", 3, "127.0.2.3:1"}})
	if elsewhere, ok := errors.AsType[*redirectError](err); !ok || elsewhere.address != primary.Address {
		t.Errorf("join at a backup: %v, want a redirect to %s", err, primary.Address)
	}
}

func TestSetsOfOtherInstallationsAndOlderOnesAreNotAdopted(t *testing.T) {
	self := member{"a", 1, "127.0.2.1:1"}
	mine := bootstrapSet(self).with(member{"b", 2, "127.0.2.2:1"})
	r := lone(t, mine, self)
	for name, c := range map[string]struct {
		set   replicaSet
		fails bool
	}{
		"older":                {bootstrapSet(self), false},
		"another installation": {bootstrapSet(member{"c", 3, "127.0.2.3:1"}).with(self).with(member{"d", 4, "127.0.2.4:1"}), true},
		"damaged":              {replicaSet{Format: replicaSetFormat, Cluster: mine.Cluster, Version: 9}, true},
	} {
		if _, err := r.onReplicas(t.Context(), c.set); (err != nil) != c.fails {
			t.Errorf("%s set: error %v, want an error: %v", name, err, c.fails)
		}
		if !cmp.Equal(r.set, mine) {
			t.Errorf("%s set was adopted: %v", name, r.set)
		}
	}
}

func (r *rig) primaryIs(h host) {
	r.Helper()
	r.until(h.ip+" is primary", func() (string, bool) { return r.fact(h, "is_primary", "true") })
}

// fact looks at /rpc/status.
func (r *rig) fact(h host, label, want string) (string, bool) {
	r.Helper()
	code, body := r.get("http://" + h.rpc + "/rpc/status")
	var status rpcStatus
	if code != http.StatusOK || json.Unmarshal([]byte(body), &status) != nil {
		return body, false
	}
	return body, status.Facts[label] == want
}
