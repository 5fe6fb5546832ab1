package mesos_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/mesostest"
	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
)

// BenchmarkIntake takes offers from a loopback connection: HTTP, framing, decoding, conversion. An operation is one offer; an event holds
// a thousand. The sending side only copies bytes. Run it with -cpu 1.
func BenchmarkIntake(b *testing.B) {
	const batch = 1000
	event := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{}}
	for i := range batch {
		event.Offers.Offers = append(event.Offers.Offers, mesostest.StorageOffer(i))
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
		if r.URL.Path != "/api/v1/scheduler" {
			http.NotFound(w, r)
			return
		}
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
