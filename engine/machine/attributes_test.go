package machine

import (
	"strings"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/offers"
)

// An agent whose attributes are too long for a record must not end the framework.
func TestLongAttributesAreLeftOut(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	site := offers.Site{Host: "h1", Hostname: "h1", Attributes: []offers.Attribute{
		{Name: "rack", Value: "r1"}, {Name: "essay", Value: strings.Repeat("x", 300<<10)}, {Name: "zone", Value: "z1"},
	}}
	m, err := New(Config{}, toy{}, nil, Boot{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	m.Take(now, Subscribed{FrameworkID: "f"})
	m.Take(now, Offered{Offers: []offers.Offer{{ID: "o1", AgentID: "a1", Site: site}}})
	for _, g := range m.Decide(now, [16]byte{}).Groups {
		for _, r := range g.Puts {
			if len(r.Value) > groupBytes {
				t.Errorf("record %s has %d bytes", r.Key, len(r.Value))
			}
		}
	}
	h := m.hosts["h1"]
	if len(h.Attributes) != 1 || h.Attributes[0].Value != "r1" || h.Unkept != len("essay")+300<<10+len("zone")+len("z1") {
		t.Errorf("attributes %d, %d bytes unkept", len(h.Attributes), h.Unkept)
	}
	if w := m.longAttributes(); len(w) != 1 || !strings.Contains(w[0].Text, "host h1: ") {
		t.Errorf("warnings: %v", w)
	}
}

// Nor must one whose attributes become longer by being encoded, and whose host carries as much as can be kept.
func TestHostRecordsFitAGroup(t *testing.T) {
	h := Host{Key: strings.Repeat("h", 255), Facts: make([]byte, maxFacts)}
	h.become("a1", identify(offers.Offer{Site: offers.Site{Hostname: h.Key, Attributes: []offers.Attribute{{Name: "n", Value: strings.Repeat("<", maxAttributes-1)}}}}))
	if n := len(encode(h)); h.Unkept != 0 || n > 256<<10 {
		t.Errorf("%d bytes unkept, the record has %d", h.Unkept, n)
	}
}

// Nor must an executor whose last words are too long for one.
func TestLongMessagesAreCut(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	m, err := New(Config{}, toy{}, nil, Boot{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	m.Take(now, Subscribed{FrameworkID: "f"})
	m.Take(now, Offered{Offers: []offers.Offer{{ID: "o1", AgentID: "a1", Site: offers.Site{Host: "h1", Hostname: "h1"}, Role: "r", Free: offers.Quantities{CPUs: 4000, Mem: 4096}}}})
	m.Decide(now, [16]byte{1})
	scout := m.scouts["h1"]
	if scout == nil || scout.Task == nil {
		t.Fatal("no scout was launched")
	}
	message := strings.Repeat("é", 300<<10)
	m.Take(now, Updated{Status: TaskStatus{TaskID: scout.Task.ID, AgentID: "a1", State: Failed, Message: message, UUID: make([]byte, 16)}})
	puts := 0
	for _, g := range m.Decide(now, [16]byte{2}).Groups {
		for _, r := range g.Puts {
			puts++
			if len(r.Value) > 3*maxMessage {
				t.Errorf("record %s has %d bytes", r.Key, len(r.Value))
			}
		}
	}
	kept, cut := strings.CutSuffix(scout.Task.Message, "…")
	if puts == 0 || !cut || !strings.HasPrefix(message, kept) || len(kept) < maxMessage-1 {
		t.Errorf("%d records put, %d bytes kept", puts, len(scout.Task.Message))
	}
}

// Nor must a master that says at length why it gives nothing back.
func TestLongRefusalsOfReleasesAreCut(t *testing.T) {
	m, err := New(Config{}, toy{}, nil, Boot{})
	if err != nil {
		t.Fatal(err)
	}
	r := &Release{Claim: "c1"}
	m.putRelease(r)
	m.takeReleased(time.Time{}, r, OperationStatus{OperationID: "o1", State: "FAILED", Message: strings.Repeat("x", 300<<10)})
	if n := len(encode(r)); n > 2*maxMessage || r.Refused == "" {
		t.Errorf("the record has %d bytes", n)
	}
}
