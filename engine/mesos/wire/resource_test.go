package wire_test

import (
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
	"github.com/quobyte/mesos-framework/offers"
)

// What a real master offered comes back as it was: a resource that differs in anything is not the one on offer.
func TestResourcesComeBackAsTheyWere(t *testing.T) {
	b, err := os.ReadFile("testdata/reserved.json")
	if err != nil {
		t.Fatal(err)
	}
	var e scheduler.Event
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	offer := e.Offers.Offers[0]
	decoded := wire.Decoder{}.Offer(&offer)
	// An operation carries them to the master; which one does not matter.
	body, err := wire.Call(machine.Accept{OfferIDs: []string{"O"}, Operations: []offers.Operation{
		{Type: offers.Unreserve, Resources: decoded.Resources()},
	}}, "F")
	if err != nil {
		t.Fatal(err)
	}
	var c scheduler.Call
	if err := c.Unmarshal(body); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(texts(t, offer.Resources), texts(t, c.Accept.Operations[0].Unreserve.Resources)); diff != "" {
		t.Errorf("resources (-offered +sent):\n%s", diff)
	}
	if len(decoded.Mounts) != 1 || len(decoded.Rest) != 6 {
		t.Errorf("%d MOUNT disks and %d other resources that are not plain", len(decoded.Mounts), len(decoded.Rest))
	}
}

// texts are values as JSON without nulls, sorted.
func texts[T any](t *testing.T, list []T) []string {
	t.Helper()
	var out []string
	for _, r := range list {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		if b, err = json.Marshal(prune(v)); err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}
