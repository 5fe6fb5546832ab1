package wire_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
	"github.com/quobyte/mesos-framework/offers"
)

// byMesosGo decodes an event by way of mesos-go's messages alone. It says whether they can be decoded, and nil offers of any other event.
func byMesosGo(d wire.Decoder, record []byte) (list []offers.Offer, ok bool) {
	defer func() {
		if recover() != nil {
			list, ok = nil, false
		}
	}()
	var e scheduler.Event
	if err := e.Unmarshal(record); err != nil {
		return nil, false
	}
	if e.Type != scheduler.Event_OFFERS || e.Offers == nil {
		return nil, true
	}
	list = make([]offers.Offer, 0, len(e.Offers.Offers))
	for i := range e.Offers.Offers {
		list = append(list, d.Offer(&e.Offers.Offers[i]))
	}
	return list, true
}

// agree says how decoding an event differs from decoding it by mesos-go's messages.
func agree(d wire.Decoder, record []byte) string {
	want, ok := byMesosGo(d, bytes.Clone(record))
	got, err := d.Event(record)
	if (err == nil) != ok {
		return fmt.Sprintf("error = %v; mesos-go can decode it: %v", err, ok)
	}
	var list []offers.Offer
	if len(got.Events) == 1 {
		if o, ok := got.Events[0].(machine.Offered); ok {
			list = o.Offers
		}
	}
	return cmp.Diff(want, list)
}

// odd draws an offer with everything that agents may say, and much that they don't.
func odd(t *rapid.T) mesos.Offer {
	word := rapid.SampledFrom([]string{"", "a", "b", "*", "quobyte", "disk", "/mnt/disk01"})
	draw := func(name string) string { return word.Draw(t, name) }
	maybe := func(name string) bool { return rapid.IntRange(0, 3).Draw(t, name) == 0 }
	some := func(name string) *string {
		if maybe(name) {
			return nil
		}
		return ptr(draw(name))
	}
	labels := func() *mesos.Labels {
		if maybe("labels") {
			return nil
		}
		return &mesos.Labels{Labels: []mesos.Label{{Key: draw("key"), Value: some("value")}}}
	}
	reservation := func() mesos.Resource_ReservationInfo {
		return mesos.Resource_ReservationInfo{
			Type: rapid.SampledFrom([]mesos.Resource_ReservationInfo_Type{0, 1, 2, 7}).Draw(t, "reservation").Enum(),
			Role: some("role"), Principal: some("principal"), Labels: labels(),
		}
	}
	ranges := func() *mesos.Value_Ranges {
		out := &mesos.Value_Ranges{}
		for range rapid.IntRange(0, 3).Draw(t, "ranges") {
			out.Range = append(out.Range, mesos.Value_Range{Begin: rapid.Uint64Range(0, 300).Draw(t, "begin"), End: rapid.Uint64Range(0, 300).Draw(t, "end")})
		}
		return out
	}
	amount := rapid.SampledFrom([]float64{0, 1, 0.1, -1, 0.0004, 131072, 1e13, math.NaN(), math.Inf(1)})
	resource := func() mesos.Resource {
		r := mesos.Resource{
			Name: rapid.SampledFrom([]string{"cpus", "mem", "disk", "ports", "gpus", ""}).Draw(t, "name"),
			Type: rapid.SampledFrom([]mesos.Value_Type{0, 1, 2, 3, 9}).Draw(t, "type").Enum(),
		}
		if !maybe("no scalar") {
			r.Scalar = &mesos.Value_Scalar{Value: amount.Draw(t, "scalar")}
		}
		if r.Name == "ports" || maybe("ranges of others") {
			r.Ranges = ranges()
		}
		if maybe("allocated") {
			r.AllocationInfo = &mesos.Resource_AllocationInfo{Role: some("allocated to")}
		}
		switch rapid.IntRange(0, 11).Draw(t, "what") {
		case 0:
			r.Set = &mesos.Value_Set{Item: []string{draw("item"), draw("item")}}
		case 1:
			r.Role = some("role")
		case 2:
			r.Role, r.Reservation = some("role"), ptr(reservation())
		case 3:
			r.Reservations = []mesos.Resource_ReservationInfo{reservation(), reservation()}
		case 4:
			r.Revocable = &mesos.Resource_RevocableInfo{}
		case 5:
			r.Shared = &mesos.Resource_SharedInfo{}
		case 6:
			r.ProviderID = &mesos.ResourceProviderID{Value: draw("provider")}
		}
		if r.Name == "disk" && !maybe("root disk") || maybe("disk of others") {
			r.Disk = &mesos.Resource_DiskInfo{}
			if !maybe("no source") {
				s := &mesos.Resource_DiskInfo_Source{Type: rapid.SampledFrom([]mesos.Resource_DiskInfo_Source_Type{2, 2, 2, 2, 0, 1, 3, 4, 8}).Draw(t, "source")}
				if !maybe("no mount") {
					s.Mount = &mesos.Resource_DiskInfo_Source_Mount{Root: some("root")}
				}
				if maybe("path") {
					s.Path = &mesos.Resource_DiskInfo_Source_Path{Root: some("root")}
				}
				if maybe("provided") {
					s.ID, s.Vendor, s.Profile, s.Metadata = some("id"), some("vendor"), some("profile"), labels()
				}
				r.Disk.Source = s
			}
			if maybe("persistent") {
				r.Disk.Persistence = &mesos.Resource_DiskInfo_Persistence{ID: draw("persistence"), Principal: some("principal")}
			}
			if maybe("volume") {
				r.Disk.Volume = &mesos.Volume{Mode: mesos.RW.Enum(), ContainerPath: draw("container path")}
			}
		}
		return r
	}
	o := mesos.Offer{
		ID: mesos.OfferID{Value: draw("id")}, FrameworkID: mesos.FrameworkID{Value: draw("framework")}, AgentID: mesos.AgentID{Value: draw("agent")},
		Hostname: draw("hostname"),
	}
	for range rapid.IntRange(0, 6).Draw(t, "resources") {
		o.Resources = append(o.Resources, resource())
	}
	for range rapid.IntRange(0, 3).Draw(t, "attributes") {
		a := mesos.Attribute{Name: draw("attribute"), Type: rapid.SampledFrom([]mesos.Value_Type{3, 3, 3, 0, 1, 2, 9}).Draw(t, "type")}
		if !maybe("no text") {
			a.Text = &mesos.Value_Text{Value: draw("text")}
		}
		if maybe("scalar") {
			a.Scalar = &mesos.Value_Scalar{Value: amount.Draw(t, "scalar")}
		}
		if maybe("ranges") {
			a.Ranges = ranges()
		}
		if maybe("set") {
			a.Set = &mesos.Value_Set{Item: []string{draw("item")}}
		}
		o.Attributes = append(o.Attributes, a)
	}
	if maybe("executors") {
		o.ExecutorIDs = []mesos.ExecutorID{{Value: "e"}, {Value: ""}}
	}
	if !maybe("no url") {
		o.URL = &mesos.URL{Scheme: "http", Address: mesos.Address{Hostname: some("hostname"), IP: some("ip"), Port: rapid.Int32().Draw(t, "port")}, Path: some("path")}
		if maybe("query") {
			o.URL.Query = []mesos.Parameter{{Key: "k", Value: "v"}}
		}
	}
	if maybe("unavailable") {
		o.Unavailability = &mesos.Unavailability{Start: mesos.TimeInfo{Nanoseconds: rapid.Int64().Draw(t, "start")}}
		if maybe("duration") {
			o.Unavailability.Duration = &mesos.DurationInfo{Nanoseconds: rapid.Int64().Draw(t, "duration")}
		}
	}
	if !maybe("not allocated") {
		o.AllocationInfo = &mesos.Resource_AllocationInfo{Role: some("allocated to")}
	}
	if maybe("domain") {
		o.Domain = &mesos.DomainInfo{}
		if !maybe("no fault domain") {
			o.Domain.FaultDomain = &mesos.DomainInfo_FaultDomain{
				Region: mesos.DomainInfo_FaultDomain_RegionInfo{Name: draw("region")}, Zone: mesos.DomainInfo_FaultDomain_ZoneInfo{Name: draw("zone")},
			}
		}
	}
	return o
}

func marshalOffers(t interface{ Fatal(...any) }, list ...mesos.Offer) []byte {
	e := scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: list}}
	b, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Offers that are read from the bytes are the same as by way of mesos-go's messages, whatever is in them.
func TestOffersFromBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := wire.Decoder{HostKeyAttribute: rapid.SampledFrom([]string{"", "a"}).Draw(t, "key")}
		var list []mesos.Offer
		for range rapid.IntRange(0, 3).Draw(t, "offers") {
			list = append(list, odd(t))
		}
		if diff := agree(d, marshalOffers(t, list...)); diff != "" {
			t.Fatalf("(-mesos-go +bytes)\n%s", diff)
		}
	})
}

// They are also the same, or refused alike, when the bytes are damaged: cut, changed, repeated, or with fields that nobody knows.
func TestDamagedOffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		record := marshalOffers(t, odd(t))
		seed := rapid.Uint64().Draw(t, "seed")
		random := rand.New(rand.NewPCG(seed, 0))
		for range 20 {
			damaged := damage(random, bytes.Clone(record))
			if diff := agree(wire.Decoder{}, damaged); diff != "" {
				t.Fatalf("%x (-mesos-go +bytes)\n%s", damaged, diff)
			}
		}
	})
}

// damage does one or several bad things to a record.
func damage(random *rand.Rand, b []byte) []byte {
	for range 1 + random.IntN(3) {
		if len(b) == 0 {
			return b
		}
		i := random.IntN(len(b))
		j := i + random.IntN(len(b)-i)
		switch random.IntN(6) {
		case 0:
			b = b[:i]
		case 1:
			b[i] = byte(random.Uint32())
		case 2:
			b[i] ^= 1 << random.IntN(8)
		case 3:
			b = append(b[:j:j], b[i:]...)
		case 4:
			b = append(b[:i:i], b[j:]...)
		case 5:
			unknown := [][]byte{{0xf8, 0x01, 0x05}, {0xfa, 0x01, 0x01, 'x'}, {0xfd, 0x01, 1, 2, 3, 4}, {0xf9, 0x01, 1, 2, 3, 4, 5, 6, 7, 8}, {0xfb, 0x01, 0xfc, 0x01}}
			b = append(b[:i:i], append(bytes.Clone(unknown[random.IntN(len(unknown))]), b[i:]...)...)
		}
	}
	return b
}

// Fields that nobody knows may stand anywhere.
func TestUnknownFieldsOfOffers(t *testing.T) {
	record := marshalOffers(t, offerWithDisks(1))
	want, _ := byMesosGo(wire.Decoder{}, record)
	inner := bytes.Clone(record[2:]) // behind type, the field with the offers
	for _, unknown := range [][]byte{{0xf8, 0x01, 0x05}, {0xfa, 0x01, 0x01, 'x'}, {0xfd, 0x01, 1, 2, 3, 4}, {0xf9, 0x01, 1, 2, 3, 4, 5, 6, 7, 8}} {
		got, err := wire.Decoder{}.Event(append(append(bytes.Clone(unknown), 0x08, 0x02), inner...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]machine.Event{machine.Offered{Offers: want}}, got.Events); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func FuzzOffers(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x08, 0x02, 0x1a, 0x00})
	f.Add(marshalOffers(f, offerWithDisks(1), offerWithDisks(2)))
	for i := range 20 {
		f.Add(marshalOffers(f, rapid.Custom(odd).Example(i)))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		if diff := agree(wire.Decoder{HostKeyAttribute: "rack"}, record); diff != "" {
			t.Errorf("(-mesos-go +bytes)\n%s", diff)
		}
	})
}

// What agents of a storage cluster offer is read without a doubt: mesos-go's messages of it would be some 200 allocations.
func TestReadingOffersAllocatesLittle(t *testing.T) {
	list := make([]mesos.Offer, 100)
	for i := range list {
		list[i] = offerWithDisks(i)
	}
	record := marshalOffers(t, list...)
	allocs := testing.AllocsPerRun(10, func() {
		if _, err := (wire.Decoder{}).Event(record); err != nil {
			t.Error(err)
		}
	})
	if allocs/100 > 15 {
		t.Errorf("%.1f allocations for an offer", allocs/100)
	}
}
