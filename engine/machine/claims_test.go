package machine

import (
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/offers"
)

// What is given back must not be waited for when the launch behind it fails: it is taken off the record before Mesos hears of it.
func TestWhatIsGivenBackIsNotRecordedAnyLonger(t *testing.T) {
	held := offers.Quantities{CPUs: 2000, Ports: []offers.Range{{Begin: 7000, End: 7001}}}
	before := &PodClaim{ID: "c", Held: held, Volumes: []PodVolume{{Name: "data", ID: "v"}}}
	p := &Pod{Name: "db-0", Claim: before}
	r := offers.Requirement{Subject: "db-0", CPUs: 1000, Ports: []offers.Port{{Name: "api", Number: 7000}}, Claim: &offers.Claim{
		Service: "toy", Framework: "f", ID: "c", Held: held,
	}}
	stack := []offers.Reservation{{Dynamic: true, Role: "r", Labels: []offers.Label{
		{Key: "service", Value: "toy"}, {Key: "pod", Value: "db-0"}, {Key: "resource_id", Value: "c"},
	}}}
	offer := offers.Offer{ID: "O1", AgentID: "S1", Role: "r", Site: offers.Site{Host: "h1"}, Rest: []offers.Resource{
		{Name: "cpus", Scalar: held.CPUs, Role: "r", Reservations: stack},
		{Name: "ports", Type: offers.Ranges, Ranges: held.Ports, Role: "r", Reservations: stack},
	}}
	results := offers.Place(offers.Round{Requirements: []offers.Requirement{r}, Offers: []offers.Offer{offer}})
	if results[0].Placement == nil {
		t.Fatal(offers.Explain(r, results[0]))
	}
	m, err := New(Config{}, toy{expect: 1}, nil, Boot{Now: time.Unix(1e9, 0)})
	if err != nil {
		t.Fatal(err)
	}
	m.claim(p, r, *results[0].Placement)
	want := offers.Quantities{CPUs: 1000, Ports: []offers.Range{{Begin: 7000, End: 7000}}}
	if !p.Claim.Held.Equal(want) || p.Claim.ID != "c" || len(p.Claim.Volumes) != 1 {
		t.Errorf("recorded is %+v, want %s", p.Claim, want)
	}
	if !before.Held.Equal(held) {
		t.Errorf("the record before has changed: %+v", before)
	}
}
