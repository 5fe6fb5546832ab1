package machine

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What Mesos was told is in the record of the framework, as soon and as long as it is certain; records of older programs say nothing of it.
func TestRegistrationIsKept(t *testing.T) {
	first := &Registration{User: "root", Name: "n", Roles: []string{"a"}, FailoverTimeout: time.Hour, Checkpoint: true}
	second := &Registration{User: "root", Name: "renamed", Roles: []string{"a", "b"}, Principal: "p", FailoverTimeout: time.Minute, Checkpoint: true}
	const plain = `{"format":1,"value":{"id":"F"}}`
	const full = `{"format":1,"value":{"id":"F","registration":{"user":"root","name":"n","roles":["a"],"failover_timeout":3600000000000,"checkpoint":true}}}`
	for _, test := range []struct {
		name   string
		before string // record; empty: there is none
		event  Subscribed
		after  string // record; empty: it is not written
		want   *Registration
	}{
		{"a new framework", "", Subscribed{FrameworkID: "F", Registration: first}, full, first},
		{"a new framework of which nothing is certain", "", Subscribed{FrameworkID: "F"}, plain, nil},
		{"an old record", plain, Subscribed{FrameworkID: "F", Registration: first}, full, first},
		{"an old record, and nothing is certain", plain, Subscribed{FrameworkID: "F"}, "", nil},
		{"nothing has changed", full, Subscribed{FrameworkID: "F", Registration: first}, "", first},
		{"nothing is certain any more", full, Subscribed{FrameworkID: "F"}, "", first},
		{"other settings", full, Subscribed{FrameworkID: "F", Registration: second}, strings.NewReplacer(`"n"`, `"renamed"`, `["a"]`, `["a","b"],"principal":"p"`, "3600000000000", "60000000000").Replace(full), second},
		{"another framework of which nothing is certain", full, Subscribed{FrameworkID: "G"}, strings.Replace(plain, "F", "G", 1), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var records []Record
			if test.before != "" {
				records = append(records, Record{Key: "framework", Value: []byte(test.before)})
			}
			now := time.Unix(1e9, 0)
			m, err := New(Config{}, toy{}, records, Boot{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			m.Decide(now, [16]byte{})
			m.Take(now, test.event)
			written := ""
			for _, g := range m.Decide(now, [16]byte{}).Groups {
				for _, r := range g.Puts {
					if r.Key == "framework" {
						written = string(r.Value)
					}
				}
			}
			if written != test.after {
				t.Errorf("record = %s\nwant     %s", written, test.after)
			}
			if diff := cmp.Diff(test.want, m.Registration()); diff != "" {
				t.Errorf("registration (-want +got):\n%s", diff)
			}
			if test.after != "" {
				if diff := cmp.Diff(test.want, ReadRegistration([]Record{{Key: "target"}, {Key: "framework", Value: []byte(test.after)}})); diff != "" {
					t.Errorf("read (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// The framework's record of a newer program is refused like any other.
func TestRegistrationOfANewerFormat(t *testing.T) {
	newer := []Record{{Key: "framework", Value: []byte(`{"format":2,"value":{"id":"F","registration":{}}}`)}}
	if r := ReadRegistration(newer); r != nil {
		t.Errorf("read: %v", r)
	}
	_, err := New(Config{}, toy{}, newer, Boot{})
	if err == nil || !strings.Contains(err.Error(), "record framework: format 2 is newer than 1") {
		t.Errorf("error = %v", err)
	}
}

// For whom something is reserved is read from the records of the pods alone: of what was proven, of what was tried, and of what the last task was
// launched with.
func TestReadClaims(t *testing.T) {
	pod := func(p Pod) Record { return Record{Key: "pods/" + p.Name, Value: encode(p)} }
	got := ReadClaims([]Record{
		{Key: "framework", Value: []byte(`{"format":1,"value":{"id":"F"}}`)},
		{Key: "pods/newer", Value: []byte(`{"format":2,"value":{"name":"newer","claim":{"role":"r"}}}`)},
		pod(Pod{Name: "data-1", Claim: &PodClaim{ID: "1", Role: "r"}}),
		pod(Pod{Name: "data-0", Claim: &PodClaim{ID: "0", Role: "r"}, Task: &PodTask{ID: "t", Claim: &PodClaim{ID: "0", Role: "r"}}}),
		pod(Pod{Name: "data-2", Claim: &PodClaim{ID: "2", Role: "s"}, Task: &PodTask{ID: "u", Claim: &PodClaim{ID: "3", Role: "r"}}}),
		pod(Pod{Name: "data-3", Claim: &PodClaim{ID: "4"}}),
		pod(Pod{Name: "api-0", Task: &PodTask{ID: "v"}}),
	})
	want := map[string][]string{"": {"data-3"}, "r": {"data-0", "data-1", "data-2"}, "s": {"data-2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}
