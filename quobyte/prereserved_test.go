package quobyte

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// setAside is what an operator has set aside on a host for a role.
func setAside(role string) offers.Offer {
	site := offers.Site{Host: "public", Hostname: "public"}
	o := offers.Offer{ID: "O-" + role, AgentID: "S1", Role: role, Address: "10.0.0.1", Site: site}
	for _, r := range []offers.Resource{
		{Name: "cpus", Scalar: 8000}, {Name: "mem", Scalar: 32_000_000}, {Name: "disk", Scalar: 100_000_000},
		{Name: "ports", Type: offers.Ranges, Ranges: []offers.Range{{Begin: 80, End: 60000}}},
	} {
		r.Role, r.Reservations = role, []offers.Reservation{{Role: role}}
		o.Rest = append(o.Rest, r)
	}
	return o
}

// A pod with a pre-reserved role takes all from what is set aside for that, and never from what others use; the other pods never take it.
func TestPodsOnWhatIsSetAsideForAnotherRole(t *testing.T) {
	s := dockerSettings()
	s.Role, s.PreReservedRoles[S3] = "quobyte", "slave_public"
	service := newService(t, s)
	site := offers.Site{Host: "h1", Hostname: "h1"}
	free := offers.Quantities{CPUs: 8000, Mem: 32_000_000, Disk: 100_000_000, Ports: []offers.Range{{Begin: 80, End: 60000}}}
	common := offers.Offer{ID: "O-quobyte", AgentID: "S0", Role: "quobyte", Address: "10.0.0.2", Site: site, Free: free}
	unreserved := offers.Offer{ID: "O-unreserved", AgentID: "S0", Role: "slave_public", Address: "10.0.0.2", Site: site, Free: free}
	need := []offers.Requirement{
		service.Requirement(machine.Pod{Name: "s3-0", Type: S3}), service.Requirement(machine.Pod{Name: "api-0", Type: API}),
	}
	placed := func(all ...offers.Offer) []string {
		var out []string
		for _, r := range offers.Place(offers.Round{Requirements: need, Offers: all}) {
			if r.Placement == nil {
				out = append(out, "nowhere")
				continue
			}
			out = append(out, strings.Join(r.Placement.OfferIDs, " ")+" "+r.Placement.Role)
		}
		return out
	}
	for _, test := range []struct {
		offers []offers.Offer
		want   []string // s3-0, api-0
	}{
		{[]offers.Offer{common, setAside("slave_public")}, []string{"O-slave_public slave_public", "O-quobyte quobyte"}},
		{[]offers.Offer{setAside("slave_public")}, []string{"O-slave_public slave_public", "nowhere"}},
		{[]offers.Offer{common}, []string{"nowhere", "O-quobyte quobyte"}},
		{[]offers.Offer{common, unreserved}, []string{"nowhere", "O-quobyte quobyte"}},
		{[]offers.Offer{common, setAside("other")}, []string{"nowhere", "O-quobyte quobyte"}},
	} {
		if diff := cmp.Diff(test.want, placed(test.offers...)); diff != "" {
			t.Errorf("s3-0 and api-0 (-want +got)\n%s", diff)
		}
	}
}

func TestPreReservedRolesThatAreRefused(t *testing.T) {
	s := dockerSettings()
	s.PreReservedRoles = map[string]string{API: "a b", S3: "*", Data: "slave_public"}
	_, err := New(s)
	for _, want := range []string{
		`--api-pre-reserved-role: "a b" contains white space or a control character`,
		`--s3-pre-reserved-role: "*": nothing is set aside for it; use a role, or leave it out`,
		`--data-pre-reserved-role: "slave_public": only pods of api, webconsole and s3 can be put on what is set aside for another role`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}
