package mesos_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
)

// offerWithDisks is what an agent of a storage cluster offers: cpus, mem, disk, 6 ranges of ports, 12 MOUNT disks, 3 attributes, an
// address and a fault domain.
func offerWithDisks(i int) mesos.Offer {
	role := func() *mesos.Resource_AllocationInfo { return &mesos.Resource_AllocationInfo{Role: ptr("quobyte")} }
	scalar := func(name string, value float64) mesos.Resource {
		return mesos.Resource{Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: value}, AllocationInfo: role()}
	}
	o := mesos.Offer{
		ID:          mesos.OfferID{Value: fmt.Sprintf("f46c9e03-a331-4a74-989e-b55ec446bcec-O%d", i)},
		FrameworkID: mesos.FrameworkID{Value: "f46c9e03-a331-4a74-989e-b55ec446bcec-0000"},
		AgentID:     mesos.AgentID{Value: fmt.Sprintf("f46c9e03-a331-4a74-989e-b55ec446bcec-S%d", i)}, Hostname: fmt.Sprintf("host-%05d.storage.example.com", i),
		AllocationInfo: role(),
		URL: &mesos.URL{
			Scheme: "http", Path: ptr("/slave(1)"),
			Address: mesos.Address{IP: ptr("10.1.2.3"), Hostname: ptr(fmt.Sprintf("host-%05d.storage.example.com", i)), Port: 5051},
		},
		Domain: &mesos.DomainInfo{FaultDomain: &mesos.DomainInfo_FaultDomain{
			Region: mesos.DomainInfo_FaultDomain_RegionInfo{Name: "eu"}, Zone: mesos.DomainInfo_FaultDomain_ZoneInfo{Name: fmt.Sprintf("zone-%d", i%5)},
		}},
	}
	for _, name := range []string{"rack", "class", "row"} {
		o.Attributes = append(o.Attributes, mesos.Attribute{Name: name, Type: mesos.TEXT, Text: &mesos.Value_Text{Value: fmt.Sprintf("%s-%d", name, i%40)}})
	}
	ports := mesos.Resource{Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{}, AllocationInfo: role()}
	for k := range uint64(6) {
		ports.Ranges.Range = append(ports.Ranges.Range, mesos.Value_Range{Begin: 20000 + 1000*k, End: 20500 + 1000*k})
	}
	o.Resources = []mesos.Resource{scalar("cpus", 32), scalar("mem", 131072), scalar("disk", 500000), ports}
	for k := range 12 {
		disk := scalar("disk", 4e6)
		disk.Disk = &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{
			Type: mesos.Resource_DiskInfo_Source_MOUNT, Mount: &mesos.Resource_DiskInfo_Source_Mount{Root: ptr(fmt.Sprintf("/mnt/disk%02d", k))},
		}}
		o.Resources = append(o.Resources, disk)
	}
	return o
}

// BenchmarkIntake takes offers from a loopback connection: HTTP, framing, decoding, conversion. An operation is one offer; an event holds
// a thousand. The sending side only copies bytes. Run it with -cpu 1.
func BenchmarkIntake(b *testing.B) {
	const batch = 1000
	event := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{}}
	for i := range batch {
		event.Offers.Offers = append(event.Offers.Offers, offerWithDisks(i))
	}
	marshal := func(e *scheduler.Event) []byte {
		raw, err := e.Marshal()
		if err != nil {
			b.Fatal(err)
		}
		return recordio.Append(nil, raw)
	}
	record := marshal(event)
	welcome := marshal(&scheduler.Event{
		Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{FrameworkID: &mesos.FrameworkID{Value: "F"}},
	})
	ready := make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.Header().Set("Mesos-Stream-Id", "s")
		w.Write(welcome)
		w.(http.Flusher).Flush()
		<-ready
		for r.Context().Err() == nil {
			w.Write(record)
		}
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go server.Serve(l)
	defer server.Close()
	s, err := session.New(config(l.Addr().String()))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.SetBytes(int64(len(record) / batch))
	b.ReportAllocs()
	taken := 0
	err = s.Run(ctx, "", func(e machine.Event) {
		switch e := e.(type) {
		case machine.Subscribed:
			b.ResetTimer()
			close(ready)
		case machine.Offered:
			if taken += len(e.Offers); taken >= b.N {
				b.StopTimer()
				cancel()
			}
		}
	})
	if err != nil || taken < b.N {
		b.Fatalf("run = %v after %d offers", err, taken)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "offers/s")
}
