package wire_test

import (
	"fmt"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
	"github.com/quobyte/mesos-framework/offers"
)

// offerWithDisks is what an agent of a storage cluster offers: cpus, mem, disk, 6 ranges of ports, 12 MOUNT disks, 3 attributes, an
// address and a fault domain.
func offerWithDisks(i int) mesos.Offer {
	role := func() *mesos.Resource_AllocationInfo { return &mesos.Resource_AllocationInfo{Role: ptr("quobyte")} }
	host := fmt.Sprintf("host-%05d.storage.example.com", i)
	o := mesos.Offer{
		ID:      mesos.OfferID{Value: fmt.Sprintf("f46c9e03-a331-4a74-989e-b55ec446bcec-O%d", i)},
		AgentID: mesos.AgentID{Value: fmt.Sprintf("f46c9e03-a331-4a74-989e-b55ec446bcec-S%d", i)}, Hostname: host, AllocationInfo: role(),
		URL: &mesos.URL{Scheme: "http", Address: mesos.Address{IP: ptr("10.1.2.3"), Port: 5051}},
		Domain: &mesos.DomainInfo{FaultDomain: &mesos.DomainInfo_FaultDomain{
			Region: mesos.DomainInfo_FaultDomain_RegionInfo{Name: "eu"}, Zone: mesos.DomainInfo_FaultDomain_ZoneInfo{Name: fmt.Sprintf("zone-%d", i%5)},
		}},
	}
	for _, name := range []string{"rack", "class", "row"} {
		o.Attributes = append(o.Attributes, mesos.Attribute{Name: name, Type: mesos.TEXT, Text: &mesos.Value_Text{Value: fmt.Sprintf("%s-%d", name, i%40)}})
	}
	var ranges []mesos.Value_Range
	for k := range uint64(6) {
		ranges = append(ranges, mesos.Value_Range{Begin: 20000 + 1000*k, End: 20500 + 1000*k})
	}
	o.Resources = []mesos.Resource{scalar("cpus", 32), scalar("mem", 131072), scalar("disk", 500000), ports(ranges...)}
	for k := range 12 {
		o.Resources = append(o.Resources, scalar("disk", 4e6, func(r *mesos.Resource) {
			r.Disk = &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{
				Type: mesos.Resource_DiskInfo_Source_MOUNT, Mount: &mesos.Resource_DiskInfo_Source_Mount{Root: ptr(fmt.Sprintf("/mnt/disk%02d", k))},
			}}
		}))
	}
	for k := range o.Resources {
		o.Resources[k].AllocationInfo = role()
	}
	return o
}

// BenchmarkOffer converts decoded offers into the compact form. An operation is one offer.
func BenchmarkOffer(b *testing.B) {
	list := make([]mesos.Offer, 1000)
	for i := range list {
		list[i] = offerWithDisks(i)
	}
	d := wire.Decoder{HostKeyAttribute: ""}
	out := make([]offers.Offer, len(list))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		k := i % len(list)
		out[k] = d.Offer(&list[k])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "offers/s")
}

// BenchmarkEvent decodes an OFFERS event: as the session does it, and by way of mesos-go's messages, which is how any other event is
// decoded. An operation is one offer.
func BenchmarkEvent(b *testing.B) {
	const batch = 1000
	event := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{}}
	for i := range batch {
		event.Offers.Offers = append(event.Offers.Offers, offerWithDisks(i))
	}
	record, err := event.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	for name, decode := range map[string]func() int{
		"session": func() int {
			d, err := wire.Decoder{}.Event(record)
			if err != nil {
				b.Fatal(err)
			}
			return len(d.Events[0].(machine.Offered).Offers)
		},
		"mesos-go": func() int {
			var e scheduler.Event
			if err := e.Unmarshal(record); err != nil {
				b.Fatal(err)
			}
			out := make([]offers.Offer, 0, len(e.Offers.Offers))
			for i := range e.Offers.Offers {
				out = append(out, wire.Decoder{}.Offer(&e.Offers.Offers[i]))
			}
			return len(out)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; n < b.N; {
				n += decode()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "offers/s")
		})
	}
}
