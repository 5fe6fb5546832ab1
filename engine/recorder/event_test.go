package recorder

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// everyEvent has each type of events and of calls, with all that an offer may carry.
func everyEvent() []machine.Event {
	at := time.Date(2026, 11, 25, 10, 0, 0, 123456789, time.UTC)
	disk := offers.Resource{
		Name: "disk", Scalar: 5000, Role: "r",
		Reservations: []offers.Reservation{{Dynamic: true, Role: "r", Principal: "p", Labels: []offers.Label{{Key: "k", Value: "v"}}}},
		Disk: &offers.Disk{
			Source:      offers.Source{Type: offers.MountDisk, Root: "/d", Provided: &offers.Provided{ID: "i", Metadata: []offers.Label{{Key: "a"}}}},
			Persistence: &offers.Persistence{ID: "v", Principal: "p"}, Volume: &offers.DiskVolume{ContainerPath: "data"},
		},
	}
	offer := offers.Offer{
		ID: "O", AgentID: "S", Role: "r", Address: "10.0.0.1",
		Site:   offers.Site{Host: "h", Hostname: "h.x", Region: "eu", Zone: "a", Attributes: []offers.Attribute{{Name: "rack", Value: "[1-2]"}}},
		Free:   offers.Quantities{CPUs: 1, Mem: 2, Disk: 3, Ports: []offers.Range{{Begin: 1, End: 1<<64 - 1}}},
		Mounts: []offers.Mount{{Size: 1, Root: "/m", Provider: "p"}},
		Rest: []offers.Resource{
			disk, {Name: "set", Type: offers.Set, Set: []string{"a"}},
			{Name: "x", Type: offers.Ranges, Ranges: []offers.Range{{Begin: 1, End: 2}}, Shared: true},
		},
		Unavailability: &offers.Unavailability{Start: at, Duration: time.Hour},
	}
	status := machine.TaskStatus{TaskID: "t", State: machine.Running, Message: "<&>\u2028\\ufffd", UUID: []byte{0, 255}, Data: []byte{}, Timestamp: at}
	notText, late := status, status
	notText.Message, notText.Data = "\xff\xfe", nil
	late.Timestamp, late.Data = time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC), nil
	accept := machine.Accept{
		OfferIDs: []string{"O"}, Refuse: time.Second,
		Operations: []offers.Operation{
			{Type: offers.GrowVolume, Volume: disk, Addition: disk},
			{Type: offers.Launch, Tasks: []offers.Task{{ID: "t", Name: "n", AgentID: "S", Resources: offers.Resources{disk}}}},
		},
	}
	events := []machine.Event{
		machine.Subscribed{
			FrameworkID: "F", Heartbeat: time.Second, Master: machine.Master{ID: "M", Version: "1.11.0", Address: "m:5050", Hostname: "m"},
		},
		machine.Subscribed{FrameworkID: "F", Registration: &machine.Registration{
			User: "root", Name: "n", Roles: []string{"a", "b"}, Principal: "p", FailoverTimeout: time.Hour, Checkpoint: true,
		}},
		machine.Disconnected{Err: "x", Fatal: true},
		machine.Offered{Offers: []offers.Offer{offer, {}}}, machine.Offered{}, machine.Rescinded{OfferID: "O"},
		machine.Updated{Status: status}, machine.Updated{Status: notText}, machine.Updated{Status: late},
		machine.Failure{AgentID: "S", ExecutorID: "E", Status: 9},
		machine.Verb{
			ID: 1<<64 - 1, Kind: machine.Pause, Plan: "deploy", Phase: "p", Step: "s", Pod: "d", Task: "t", When: "now",
			Force: true, Actor: "a", Reason: "r", Revision: "7",
		},
		machine.CallFailed{Err: "none"},
	}
	for _, c := range []machine.Call{
		accept, machine.Decline{OfferIDs: []string{"O"}, Refuse: time.Hour}, machine.Kill{TaskID: "t", AgentID: "S", Grace: time.Second},
		machine.Acknowledge{TaskID: "t", AgentID: "S", UUID: []byte{1}},
		machine.Reconcile{Tasks: []machine.TaskRef{{TaskID: "t", AgentID: "S"}}}, machine.Reconcile{},
		machine.ReconcileOperations{Operations: []machine.OperationRef{{OperationID: "o", AgentID: "S"}}}, machine.ExcludeHosts{Hosts: []string{"h"}},
		machine.Revive{}, machine.Message{AgentID: "S", ExecutorID: "E", Data: []byte("d")}, machine.Kill{TaskID: "\xff"},
	} {
		events = append(events, machine.CallFailed{Call: c, Err: "400", Ambiguous: true})
	}
	return events
}

// Events come back to the byte; also those that JSON could not carry.
func TestEventsComeBack(t *testing.T) {
	for _, e := range everyEvent() {
		text, err := encodeEvent(e)
		if err != nil {
			t.Errorf("%T: %v", e, err)
			continue
		}
		got, err := decodeEvent(text)
		if err != nil {
			t.Errorf("%T: %v", e, err)
			continue
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("%T (-recorded +read):\n%s", e, diff)
		}
	}
}

// A subscription as older programs recorded it says nothing of what Mesos was told, and is recorded again as it was.
func TestSubscribedOfOlderPrograms(t *testing.T) {
	const old = `{"FrameworkID":"F","Heartbeat":15000000000,"Master":{"id":"M","version":"1.11.0","address":"m:5050","hostname":"m"}}`
	e, err := decodeEvent(encoded{Type: "subscribed", Value: []byte(old)})
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := e.(machine.Subscribed); !ok || s.FrameworkID != "F" || s.Registration != nil {
		t.Errorf("event = %v", e)
	}
	if again, err := encodeEvent(e); err != nil || string(again.Value) != old {
		t.Errorf("recorded again: %s, %v", again.Value, err)
	}
}

// What a service renders is left out of calls, and nothing else.
func TestRedactCall(t *testing.T) {
	task := offers.Task{
		ID: "t", Name: "n", AgentID: "S", Command: offers.Command{Value: secret}, Container: &offers.Container{}, Executor: &offers.Executor{},
		Data: []byte(secret), Labels: []offers.Label{{Key: secret}},
	}
	accept := machine.Accept{OfferIDs: []string{"O"}, Operations: []offers.Operation{{Type: offers.Launch, Tasks: []offers.Task{task}}}}
	got := redactCall(accept).(machine.Accept)
	if diff := cmp.Diff([]offers.Task{{ID: "t", Name: "n", AgentID: "S"}}, got.Launches()); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	if accept.Launches()[0].Command.Value != secret {
		t.Error("the call itself was changed")
	}
}

// Whatever is in a file, replay ends with an error or without, and does not panic itself.
func FuzzReplay(f *testing.F) {
	r := newRun(f, f.TempDir(), Config{StateEvery: 2})
	r.start()
	r.deploy()
	r.stop()
	text, err := os.ReadFile(r.files()[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add([]byte(`{"segment":{"format":1,"boot":{}}}` + "\n" + `{"begin":{}}` + "\n"))
	f.Add([]byte(`{"segment":{"format":1}}` + "\n" + `{"part":{"name":"tries","value":{"a":null}}}` + "\n" + `{"begin":{}}` + "\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(dir, "r.jsonl")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = replayAll(t, []string{file}, time.Time{}) // any error will do
	})
}

// A line that no version writes is refused with its place.
func TestLinesThatMakeNoSense(t *testing.T) {
	head := `{"segment":{"format":1,"version":"v","boot":{"Now":"2026-11-25T10:00:00Z"}}}` + "\n"
	for _, test := range []struct{ name, text, want string }{
		{"not JSON", head + "{\n", "line 2: not readable"},
		{"two keys", head + `{"begin":{},"end":{}}` + "\n", "line 2: not readable: 2 known keys, want 1"},
		{"unknown key", head + `{"weather":{}}` + "\n", "line 2: not readable: 0 known keys, want 1"},
		{"event in a snapshot", head + `{"take":{}}` + "\n", "line 2: does not belong into a snapshot"},
	} {
		t.Run(test.name, func(t *testing.T) {
			refused(t, test.text, test.want)
		})
	}
}

// Every type of events and calls that the machine knows can be recorded: one that is added must get a name here.
func TestEveryTypeHasAName(t *testing.T) {
	fset := token.NewFileSet()
	files, err := filepath.Glob(filepath.Join("..", "machine", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{} // by marker method: event, call
	for _, file := range files {
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "event" && fn.Name.Name != "call" {
				continue
			}
			if receiver, ok := fn.Recv.List[0].Type.(*ast.Ident); ok {
				found[fn.Name.Name] = append(found[fn.Name.Name], receiver.Name)
			}
		}
	}
	var events, calls []string
	for _, c := range eventCodecs {
		events = append(events, c.of)
	}
	for _, c := range callCodecs {
		calls = append(calls, c.of)
	}
	for _, test := range []struct {
		kind      string
		have, all []string
	}{{"event", append(events, "CallFailed"), found["event"]}, {"call", calls, found["call"]}} {
		slices.Sort(test.have)
		slices.Sort(test.all)
		if diff := cmp.Diff(test.all, test.have); diff != "" {
			t.Errorf("%ss of the machine (-there are +have a name in event.go):\n%s", test.kind, diff)
		}
	}
}
