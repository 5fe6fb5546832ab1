package cluster_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// recordedCalls are those of all recordings, with the ids that a story's cluster gives.
type recordedCalls struct {
	schedulers, operators, executors []json.RawMessage
}

var recordedIDs = []struct {
	was *regexp.Regexp
	is  string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-S\d+`), "M-S0"},
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-O\d+`), "M-O1"},
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-\d{4}`), "M-0000"},
}

func readRecordedCalls(t *testing.T) *recordedCalls {
	t.Helper()
	calls := &recordedCalls{}
	names, err := filepath.Glob("../testdata/traces/*.jsonl")
	if err != nil || len(names) == 0 {
		t.Fatalf("recordings: %v, %v", names, err)
	}
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			calls.take(lines.Text())
		}
		file.Close()
	}
	return calls
}

func (calls *recordedCalls) take(text string) {
	for _, id := range recordedIDs {
		text = id.was.ReplaceAllString(text, id.is)
	}
	var line struct {
		Dir, Who string

		HTTP struct{ Path string }
		Body json.RawMessage
	}
	if json.Unmarshal([]byte(text), &line) != nil || line.Dir != "->call" || len(line.Body) == 0 || line.Body[0] != '{' {
		return
	}
	switch {
	case strings.HasPrefix(line.Who, "executor"):
		calls.executors = append(calls.executors, line.Body)
	case strings.HasSuffix(line.HTTP.Path, "/api/v1"):
		calls.operators = append(calls.operators, line.Body)
	default:
		calls.schedulers = append(calls.schedulers, line.Body)
	}
}

// mutator changes messages in places that it draws, to values that are wrong in the ways that values are.
type mutator struct{ t *rapid.T }

func (m mutator) draw(n int, what string) int { return rapid.IntRange(0, n-1).Draw(m.t, what) }

// mutate changes one place of a message.
func (m mutator) mutate(message any) {
	places := placesOf(reflect.ValueOf(message).Elem(), nil, 0)
	if len(places) > 0 {
		m.change(places[m.draw(len(places), "place")], 0)
	}
}

func placesOf(v reflect.Value, places []reflect.Value, depth int) []reflect.Value {
	if depth > 12 {
		return places
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && !strings.HasPrefix(v.Type().Field(i).Name, "XXX") {
				places = placesOf(f, append(places, f), depth+1)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			places = placesOf(v.Elem(), places, depth+1)
		}
	case reflect.Slice:
		for i := range v.Len() {
			places = placesOf(v.Index(i), places, depth+1)
		}
	}
	return places
}

var (
	oddStrings = []string{"", "M-S0", "M-O1", "M-0000", "used", "dev", "*", "dev/sub", "a/b", "..", "/etc", "v1", "data", "p1", "op", "cpus", "mem", "disk", "ports", "ü\x00", strings.Repeat("x", 300)}
	oddFloats  = []float64{0, -1, 1, 0.001, 0.0001, 3.9, 64, 1e18, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64}
	oddInts    = []int64{0, -1, 1, 5, 15, 1000, 31000, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64}
)

func (m mutator) change(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && m.draw(2, "unset") == 0 {
			v.SetZero()
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		m.change(v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && depth < 6 && !strings.HasPrefix(v.Type().Field(i).Name, "XXX") && m.draw(2, "set") == 0 {
				m.change(f, depth+1)
			}
		}
	case reflect.Slice:
		m.resize(v, depth)
	case reflect.String:
		v.SetString(oddStrings[m.draw(len(oddStrings), "string")])
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Float64, reflect.Float32:
		v.SetFloat(oddFloats[m.draw(len(oddFloats), "float")])
	case reflect.Int32, reflect.Int64:
		v.SetInt(oddInts[m.draw(len(oddInts), "int")])
	case reflect.Uint32, reflect.Uint64, reflect.Uint8:
		v.SetUint(uint64(oddInts[m.draw(len(oddInts), "uint")]))
	}
}

func (m mutator) resize(v reflect.Value, depth int) {
	switch m.draw(3, "list") {
	case 0:
		v.SetZero()
	case 1:
		if v.Len() > 0 { // once more what is there
			v.Set(reflect.Append(v, v.Index(m.draw(v.Len(), "item"))))
		}
	default:
		if depth < 6 {
			item := reflect.New(v.Type().Elem()).Elem()
			m.change(item, depth+1)
			v.Set(reflect.Append(v, item))
		}
	}
}

// TestAnyCalls: whatever is called, nothing breaks, no resource is used or offered twice, and the state can be shown.
func TestAnyCalls(t *testing.T) {
	calls := readRecordedCalls(t)
	cluster.CheckDrawn(t, func(rt *rapid.T) {
		r, _ := refusingStory(t)
		m := mutator{rt}
		for range rapid.IntRange(1, 12).Draw(rt, "calls") {
			switch m.draw(8, "who") {
			case 0:
				m.operate(r.story, calls.operators)
			case 1:
				m.execute(r.story, calls.executors)
			default:
				m.schedule(r.story, calls.schedulers)
			}
			if span := m.draw(3, "span"); span > 0 {
				m.pass(r.story, []time.Duration{time.Second, time.Minute}[span-1])
			}
			m.check(r.story)
		}
	})
}

func drawCall[T any, M interface {
	*T
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}](m mutator, recorded []json.RawMessage) M {
	call := M(new(T))
	if protojson.Unmarshal(recorded[m.draw(len(recorded), "call")], call) != nil {
		return new(T) // recordings have calls that can't be read
	}
	for range m.draw(4, "mutations") {
		m.mutate(call)
	}
	text, err := call.Marshal()
	sent := M(new(T))
	if err != nil || sent.Unmarshal(text) != nil {
		return new(T) // what must be set is not: no call comes that far
	}
	return sent
}

func (m mutator) schedule(s *story, recorded []json.RawMessage) {
	call := drawCall[scheduler.Call](m, recorded)
	offers := s.c.State().GetFrameworks.Frameworks
	if call.Accept != nil && len(offers) > 0 && len(offers[0].Offers) > 0 {
		call.Accept.OfferIDs = []mesos.OfferID{offers[0].Offers[0].ID}
	}
	if last := s.last["used"]; call.Acknowledge != nil && last != nil {
		call.Acknowledge.TaskID, call.Acknowledge.UUID = last.TaskID, last.UUID
	}
	if cluster.Validate(call) != nil {
		return
	}
	if call.Type != scheduler.Call_SUBSCRIBE {
		answer, effects := s.c.Call(s.now, s.streams["A"], call)
		s.show(effects)
		if answer.Status < 200 || answer.Status > 599 {
			m.t.Fatalf("%v: status %d", call.Type, answer.Status)
		}
		return
	}
	stream, effects := s.c.Subscribe(s.now, call)
	if call.Subscribe.FrameworkInfo.GetID().GetValue() == "M-0000" {
		s.streams["A"] = stream
	}
	s.show(effects)
}

func (m mutator) operate(s *story, recorded []json.RawMessage) {
	call := drawCall[master.Call](m, recorded)
	if call.Type == master.Call_SUBSCRIBE || cluster.ValidateOperatorCall(call) != nil {
		return
	}
	answer, effects := s.c.Operate(s.now, call)
	s.show(effects)
	if answer.Response != nil {
		if _, err := protojson.Marshal(answer.Response); err != nil {
			m.t.Fatalf("%v: %v", call.Type, err)
		}
	}
}

func (m mutator) execute(s *story, recorded []json.RawMessage) {
	call := drawCall[executor.Call](m, recorded)
	if cluster.ValidateExecutorCall(call) != nil {
		return
	}
	if call.Type == executor.Call_SUBSCRIBE {
		_, _, effects := s.c.ExecutorSubscribe(s.now, "M-S0", call)
		s.show(effects)
		return
	}
	_, effects := s.c.ExecutorCall(s.now, "M-S0", call)
	s.show(effects)
}

// pass lets time pass. The clock must get ahead: a cluster that is always due would never let its caller do anything else.
func (m mutator) pass(s *story, span time.Duration) {
	until := s.now.Add(span)
	for n := 0; ; n++ {
		next := s.c.NextWake()
		if next.IsZero() || next.After(until) {
			break
		}
		if next.After(s.now) {
			s.now = next
		}
		s.show(s.c.Tick(s.now))
		if n > 10000 {
			m.t.Fatalf("10000 ticks within %v", span)
		}
	}
	s.now = until
}

func (m mutator) check(s *story) {
	for _, a := range s.c.Snapshot().Agents {
		for _, name := range []string{"cpus", "mem", "disk"} {
			if have, use := a.Total.Scalar(name), a.Used.Scalar(name)+a.Offered.Scalar(name); use > have+0.0005 {
				m.t.Fatalf("%s of %s: %v are used or offered of %v\n%s", name, a.ID, use, have, s.out.String())
			}
		}
	}
	if _, err := protojson.Marshal(s.c.State()); err != nil {
		m.t.Fatal(err)
	}
	if counters := fmt.Sprint(s.c.Counters(), s.c.FrameworksCounters()); strings.Contains(counters, "NaN") {
		m.t.Fatal(counters)
	}
}
