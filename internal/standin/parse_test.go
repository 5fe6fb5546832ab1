package standin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestParse runs the transcripts: an environment, a device file, a device id file or a replica set, and what is made
// of it.
func TestParse(t *testing.T) {
	datadriven.Walk(t, "testdata/parse", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "environment":
				env := map[string]string{}
				for _, line := range strings.Split(d.Input, "\n") {
					name, value, _ := strings.Cut(line, "=")
					env[name] = value
				}
				s, err := ParseSettings(lookup(env))
				if err != nil {
					return err.Error() + "\n"
				}
				return fmt.Sprintf("%s rpc=%s http=%s front=%s registry=%s devices=%s mount=%s\n", s.Service,
					s.rpcAddress(), s.httpAddress(), s.frontAddress(), strings.Join(s.Registry, ","), s.DeviceDir, s.MountPoint)
			case "device":
				dev, err := parseDevice([]byte(d.Input))
				if err != nil {
					return err.Error() + "\n"
				}
				return fmt.Sprintf("serial=%s model=%s type=%s bootstrap=%v\n", dev.serial, dev.model, dev.kind, dev.bootstrap)
			case "device-id":
				id, err := parseDeviceID([]byte(d.Input))
				if err != nil {
					return err.Error() + "\n"
				}
				return fmt.Sprintln(id)
			case "replica-set":
				set, err := parseReplicaSet([]byte(d.Input))
				if err != nil {
					return err.Error() + "\n"
				}
				return fmt.Sprintf("cluster=%s version=%d members=%s\n", set.Cluster, set.Version, strings.Join(set.addresses(), ","))
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func FuzzParseDevice(f *testing.F) {
	f.Add([]byte("# Quobyte device identifier file\n# Created today\n# Hostname: h\ndevice.serial=abc12\ndevice.model=unknown\ndevice.bootstrap=true\ndevice.type=DIR_DEVICE\n"))
	f.Add([]byte("device.type=DATA_DEVICE"))
	f.Add([]byte("=\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := parseDevice(content)
		if err != nil {
			return
		}
		if d.serial == "" || strings.ContainsAny(d.serial, "\n\r") {
			t.Errorf("a device was accepted with the serial %q", d.serial)
		}
		if d.kind != "" && d.kind.contentType() == "" {
			t.Errorf("a device was accepted with the unknown type %q", d.kind)
		}
		if m := (member{d.serial, 1, "127.0.2.1:7861"}); m.check() != nil {
			t.Errorf("a device was accepted whose registry no replica set takes: %v", m.check())
		}
	})
}

func FuzzParseReplicaSet(f *testing.F) {
	one := bootstrapSet(member{"serial-a", 7, "127.0.2.1:7861"})
	f.Add(one.encode())
	f.Add(one.with(member{"serial-b", 8, "[::1]:7861"}).encode())
	f.Add([]byte(`{"format":1,"members":null}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		set, err := parseReplicaSet(content)
		if err != nil {
			return
		}
		again, err := parseReplicaSet(set.encode())
		if err != nil {
			t.Fatalf("an accepted set is refused after encoding: %v", err)
		}
		if diff := cmp.Diff(set, again); diff != "" {
			t.Errorf("encoding changed the set (-before +after):\n%s", diff)
		}
	})
}

func FuzzParseDeviceID(f *testing.F) {
	f.Add([]byte("device.id=12\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if id, err := parseDeviceID(content); err == nil && id == 0 {
			t.Error("device id 0 was accepted")
		}
	})
}

func FuzzRegistryAddress(f *testing.F) {
	for _, seed := range []string{"10.0.0.1", "10.0.0.1:7861", "[::1]:1", "::1", "registry.quobyte:80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		address, err := registryAddress(entry)
		if err != nil {
			return
		}
		if again, err := registryAddress(address); err != nil || again != address {
			t.Errorf("%q became %q, which becomes %q, %v", entry, address, again, err)
		}
	})
}

func drawMember(t *rapid.T) member {
	n := rapid.IntRange(1, 9).Draw(t, "member")
	return member{fmt.Sprintf("serial-%d", n), uint64(n), fmt.Sprintf("127.0.2.%d:%d", n, rapid.IntRange(1, 3).Draw(t, "port"))}
}

func drawSet(t *rapid.T) replicaSet {
	set := bootstrapSet(member{"serial-5", 5, "127.0.2.5:1"})
	for range rapid.IntRange(0, 8).Draw(t, "changes") {
		set = set.with(drawMember(t))
	}
	return set
}

func TestReplicaSetProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := drawSet(t)
		if err := set.check(); err != nil {
			t.Fatalf("a set that grew by joins must be valid: %v", err)
		}
		again, err := parseReplicaSet(set.encode())
		if diff := cmp.Diff(set, again); err != nil || diff != "" {
			t.Fatalf("a set must survive its file: %v\n%s", err, diff)
		}

		live := map[string]bool{}
		for _, m := range set.Members {
			live[m.ID] = rapid.Bool().Draw(t, m.ID)
		}
		here := set.standing(func(id string) bool { return live[id] })
		there := set.standing(func(id string) bool { return !live[id] })
		if here.healthy && there.healthy {
			t.Fatal("two halves of a replica set must never both have a majority")
		}
		if here.healthy != (here.primary != "") || here.primary != "" && !live[here.primary] {
			t.Fatal("a primary must be live, and there is one exactly with a majority")
		}

		m := drawMember(t)
		next := set.with(m)
		known, in := set.member(m.ID)
		switch {
		case in && known == m && cmp.Diff(set, next) != "":
			t.Fatal("a member that joins again unchanged must change nothing")
		case !(in && known == m) && (next.Version != set.Version+1 || !next.supersedes(set) || set.supersedes(next)):
			t.Fatal("a change must supersede the set that it was made from")
		}
		if err := set.check(); err != nil || !slices.Equal(again.Members, set.Members) {
			t.Fatal("a change must leave the older set as it was")
		}

		other := drawSet(t)
		if same := cmp.Equal(set, other); same == (set.supersedes(other) || other.supersedes(set)) || set.supersedes(other) && other.supersedes(set) {
			t.Fatal("of two different sets exactly one must supersede the other")
		}
	})
}
