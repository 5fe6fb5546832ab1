package wire_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
	"github.com/quobyte/mesos-framework/offers"
)

func ptr[T any](v T) *T { return &v }

func decode(t interface {
	Helper()
	Fatal(...any)
}, d wire.Decoder, e *scheduler.Event) wire.Decoded {
	t.Helper()
	b, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Event(b)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func scalar(name string, v float64, change ...func(*mesos.Resource)) mesos.Resource {
	r := mesos.Resource{Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: v}}
	for _, c := range change {
		c(&r)
	}
	return r
}

func ports(ranges ...mesos.Value_Range) mesos.Resource {
	return mesos.Resource{Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: ranges}}
}

// offerOf decodes an offer of the resources.
func offerOf(t interface {
	Helper()
	Fatal(...any)
}, d wire.Decoder, change func(*mesos.Offer), resources ...mesos.Resource) offers.Offer {
	t.Helper()
	o := mesos.Offer{ID: mesos.OfferID{Value: "O"}, AgentID: mesos.AgentID{Value: "S"}, Hostname: "h1", Resources: resources}
	if change != nil {
		change(&o)
	}
	e := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: []mesos.Offer{o}}}
	return decode(t, d, e).Events[0].(machine.Offered).Offers[0]
}

func TestFreeResources(t *testing.T) {
	tests := []struct {
		name string
		in   []mesos.Resource
		want offers.Quantities
	}{
		{"nothing", nil, offers.Quantities{}},
		{"parts add up", []mesos.Resource{scalar("cpus", 0.1), scalar("cpus", 0.2), scalar("mem", 32)},
			offers.Quantities{CPUs: 300, Mem: 32000}},
		{"rounded to three decimals", []mesos.Resource{scalar("cpus", 1.0004999), scalar("mem", 0.9995001)},
			offers.Quantities{CPUs: 1000, Mem: 1000}},
		{"no amounts", []mesos.Resource{scalar("cpus", math.NaN()), scalar("mem", math.Inf(1)), scalar("disk", -1)},
			offers.Quantities{}},
		{"other names", []mesos.Resource{scalar("gpus", 4)}, offers.Quantities{}},
		{"ports are sorted and joined", []mesos.Resource{
			ports(mesos.Value_Range{Begin: 20, End: 29}, mesos.Value_Range{Begin: 10, End: 14}),
			ports(mesos.Value_Range{Begin: 15, End: 19}, mesos.Value_Range{Begin: 40, End: 30}, mesos.Value_Range{Begin: 31, End: 31}),
		}, offers.Quantities{Ports: []offers.Range{{Begin: 10, End: 29}, {Begin: 31, End: 31}}}},
		{"the old way to say unreserved", []mesos.Resource{scalar("cpus", 1, func(r *mesos.Resource) { r.Role = ptr("*") })},
			offers.Quantities{CPUs: 1000}},
		{"left alone", []mesos.Resource{
			scalar("cpus", 1, func(r *mesos.Resource) { r.Role = ptr("static") }),
			scalar("cpus", 2, func(r *mesos.Resource) { r.Reservation = &mesos.Resource_ReservationInfo{} }),
			scalar("cpus", 4, func(r *mesos.Resource) { r.Reservations = []mesos.Resource_ReservationInfo{{Role: ptr("a")}} }),
			scalar("cpus", 8, func(r *mesos.Resource) { r.Revocable = &mesos.Resource_RevocableInfo{} }),
			scalar("disk", 16, func(r *mesos.Resource) { r.Shared = &mesos.Resource_SharedInfo{} }),
			scalar("disk", 32, func(r *mesos.Resource) { r.ProviderID = &mesos.ResourceProviderID{Value: "p"} }),
			scalar("disk", 64, func(r *mesos.Resource) {
				r.Disk = &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{Type: mesos.Resource_DiskInfo_Source_MOUNT}}
			}),
			scalar("disk", 128, func(r *mesos.Resource) {
				r.Disk = &mesos.Resource_DiskInfo{Persistence: &mesos.Resource_DiskInfo_Persistence{ID: "v"}}
			}),
			scalar("disk", 256),
		}, offers.Quantities{Disk: 256000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, offerOf(t, wire.Decoder{}, nil, tt.in...).Free); diff != "" {
				t.Errorf("free (-want +got):\n%s", diff)
			}
		})
	}
}

// Ports on offer are the same set of numbers before and after, sorted, and no two ranges touch.
func TestPortsKeepTheirNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := make(map[uint64]bool)
		var in []mesos.Value_Range
		for range rapid.IntRange(0, 12).Draw(t, "ranges") {
			r := mesos.Value_Range{
				Begin: rapid.Uint64Range(0, 60).Draw(t, "begin"),
				End:   rapid.Uint64Range(0, 60).Draw(t, "end"),
			}
			in = append(in, r)
			for p := r.Begin; p <= r.End; p++ {
				want[p] = true
			}
		}
		in = append(in, mesos.Value_Range{Begin: math.MaxUint64, End: math.MaxUint64})
		want[math.MaxUint64] = true
		free := offerOf(t, wire.Decoder{}, nil, ports(in...)).Free.Ports
		got := make(map[uint64]bool)
		for i, r := range free {
			if r.Begin > r.End || (i > 0 && r.Begin <= free[i-1].End+1) {
				t.Fatalf("ranges are sorted, not inverted and do not touch: %v", free)
			}
			for p := r.Begin; ; p++ {
				got[p] = true
				if p == r.End {
					break
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("no port is lost or won (-want +got):\n%s", diff)
		}
	})
}

func TestHostOfAnOffer(t *testing.T) {
	rack := func(values ...string) func(*mesos.Offer) {
		return func(o *mesos.Offer) {
			for _, v := range values {
				o.Attributes = append(o.Attributes, mesos.Attribute{Name: "rack", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: v}})
			}
		}
	}
	address := func(a mesos.Address) func(*mesos.Offer) {
		return func(o *mesos.Offer) { o.URL = &mesos.URL{Scheme: "http", Address: a} }
	}
	tests := []struct {
		name          string
		attribute     string
		change        func(*mesos.Offer)
		host, address string
	}{
		{"hostname", "", rack("r1"), "h1", "h1"},
		{"attribute", "rack", rack("r1"), "r1", "h1"},
		{"first of several", "rack", rack("r1", "r2"), "r1", "h1"},
		{"attribute without a value", "rack", rack(""), "h1", "h1"},
		{"attribute that is too long for a key", "rack", rack(strings.Repeat("x", 256)), "h1", "h1"},
		{"attribute that is not UTF-8", "rack", rack("r\xff"), "h1", "h1"},
		{"attribute that is not there", "zone", rack("r1"), "h1", "h1"},
		{"address", "", address(mesos.Address{IP: ptr("10.0.0.1"), Hostname: ptr("x")}), "h1", "10.0.0.1"},
		{"address without an ip", "", address(mesos.Address{Hostname: ptr("x")}), "h1", "h1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := offerOf(t, wire.Decoder{HostKeyAttribute: tt.attribute}, tt.change)
			if got.Host != tt.host || got.Address != tt.address {
				t.Errorf("host %q at %q, want %q at %q", got.Host, got.Address, tt.host, tt.address)
			}
		})
	}
}

// What a newer master may send is never an error.
func TestUnknownThings(t *testing.T) {
	tests := []struct {
		name string
		in   *scheduler.Event
		want wire.Decoded
	}{
		{"event type", &scheduler.Event{Type: 77}, wire.Decoded{Note: "skipped event 77"}},
		{"no type", &scheduler.Event{}, wire.Decoded{Note: "skipped event UNKNOWN"}},
		{"no body", &scheduler.Event{Type: scheduler.Event_OFFERS}, wire.Decoded{Note: "skipped event OFFERS: it has no body"}},
		{"error without a text", &scheduler.Event{Type: scheduler.Event_ERROR}, wire.Decoded{Error: "the master gave no reason"}},
		{"state, source and reason", &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: mesos.TaskStatus{
			TaskID: mesos.TaskID{Value: "t"}, State: ptr(mesos.TaskState(55)), Source: ptr(mesos.TaskStatus_Source(66)),
			Reason: ptr(mesos.TaskStatus_Reason(77)), Timestamp: ptr(math.Inf(1)), UUID: []byte{},
		}}}, wire.Decoded{Events: []machine.Event{machine.Updated{Status: machine.TaskStatus{TaskID: "t", State: "55", Source: "66", Reason: "77"}}}}},
		{"no heartbeat", &scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
			FrameworkID: &mesos.FrameworkID{Value: "F"}, HeartbeatIntervalSeconds: ptr(math.NaN()),
		}}, wire.Decoded{Events: []machine.Event{machine.Subscribed{FrameworkID: "F"}}}},
		{"master without an address", &scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
			FrameworkID: &mesos.FrameworkID{Value: "F"}, HeartbeatIntervalSeconds: ptr(0.5),
			MasterInfo: &mesos.MasterInfo{ID: "M", Hostname: ptr("::1"), Port: ptr(uint32(5051))},
		}}, wire.Decoded{Events: []machine.Event{machine.Subscribed{FrameworkID: "F", Heartbeat: 500 * time.Millisecond,
			Master: machine.Master{ID: "M", Address: "[::1]:5051", Hostname: "::1"}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, decode(t, wire.Decoder{}, tt.in)); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFrameworkTellsAll(t *testing.T) {
	f := wire.Framework{Roles: []string{"a", "a", "", "a/", "-x", "a/../b", "a b", "*"}, FailoverTimeout: -1}
	err := f.Validate()
	for _, want := range []string{
		"framework user is empty", "framework name is empty", "failover timeout -1ns is negative", `role "a" is given twice`,
		`role "" is empty`, `role "a/" is empty or has an empty part`, `role "-x" has the part "-x", which starts with a dash`,
		`role "a/../b" has the part ".."`, `role "a b" contains white space`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
	if err := (wire.Framework{User: "u", Name: "n", Roles: []string{"*", "a/b-c"}}).Validate(); err != nil {
		t.Errorf("a good framework: %v", err)
	}
	if err := (wire.Framework{User: "u", Name: "n"}).Validate(); err == nil || !strings.Contains(err.Error(), "roles are empty") {
		t.Errorf("without roles: %v", err)
	}
}

func TestValidateID(t *testing.T) {
	for _, id := range []string{"a", "a b", strings.Repeat("x", 255), "registry-0-server__1", "..."} {
		if err := wire.ValidateID("task id", id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", ".", "..", "a/b", `a\b`, "a\nb", strings.Repeat("x", 256)} {
		if err := wire.ValidateID("task id", id); err == nil || !strings.HasPrefix(err.Error(), "task id ") {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestCallNeedsAFramework(t *testing.T) {
	if _, err := wire.Call(machine.Revive{}, ""); err == nil || !strings.Contains(err.Error(), "framework id is empty") {
		t.Errorf("error = %v", err)
	}
}

// Whatever a master sends is an event or an error, never a panic.
func FuzzEvent(f *testing.F) {
	for _, e := range []*scheduler.Event{
		{Type: scheduler.Event_HEARTBEAT},
		{Type: scheduler.Event_RESCIND, Rescind: &scheduler.Event_Rescind{OfferID: mesos.OfferID{Value: "O"}}},
		{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: []mesos.Offer{{
			Resources: []mesos.Resource{scalar("cpus", 1), ports(mesos.Value_Range{Begin: 1, End: 2})},
		}}}},
	} {
		b, err := e.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	// A skipped field whose length overflows: the generated decoder indexes out of range.
	f.Add([]byte{0x08, 0x08, 0xfa, 0x01, 0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := wire.Decoder{HostKeyAttribute: "rack"}.Event(b)
		if err != nil && (len(d.Events) > 0 || d.Error != "" || d.Note != "") {
			t.Errorf("an error and something besides: %+v, %v", d, err)
		}
	})
}

// What a newer master may say is no failure: states, reasons and kinds that have no name here keep their numbers, and fields are passed over.
func TestWhatANewerMasterSays(t *testing.T) {
	e := scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: "t"}, State: mesos.TaskState(77).Enum(), Reason: mesos.TaskStatus_Reason(88).Enum(), Source: mesos.TaskStatus_Source(99).Enum(),
	}}}
	record, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	record = append(record, 0xfa, 0x3f, 0x03, 'n', 'e', 'w') // field 1023
	got, err := wire.Decoder{}.Event(record)
	want := machine.Updated{Status: machine.TaskStatus{TaskID: "t", State: "77", Reason: "88", Source: "99"}}
	if diff := cmp.Diff([]machine.Event{want}, got.Events); diff != "" || err != nil {
		t.Errorf("error %v, events (-want +got):\n%s", err, diff)
	}
	e = scheduler.Event{Type: scheduler.Event_UPDATE_OPERATION_STATUS, UpdateOperationStatus: &scheduler.Event_UpdateOperationStatus{Status: mesos.OperationStatus{
		OperationID: &mesos.OperationID{Value: "o"}, State: mesos.OperationState(66),
	}}}
	if record, err = e.Marshal(); err != nil {
		t.Fatal(err)
	}
	got, err = wire.Decoder{}.Event(record)
	operation := machine.OperationUpdated{Status: machine.OperationStatus{OperationID: "o", State: "66"}}
	if diff := cmp.Diff([]machine.Event{operation}, got.Events); diff != "" || err != nil {
		t.Errorf("error %v, operation (-want +got):\n%s", err, diff)
	}
}
