package plans

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-multierror"
)

// EncodeFact returns the fact as it is recorded, in JSON. Times are recorded in UTC; one outside the years 0 to 9999, which JSON does not
// have, as the nearest that it has. Text that is not valid UTF-8 does not come back as it was: names in valid definitions and arguments
// are.
func EncodeFact(f Fact) []byte {
	for _, t := range f.recordTimes() {
		*t.at = recordable(*t.at)
	}
	return encodeRecord(f)
}

// DecodeFact reads a recorded fact. What it returns is a fact that Evaluate understands: of anything else it tells all problems together.
// Fields that it does not know are ignored, as a newer program may have written them.
func DecodeFact(data []byte) (Fact, error) {
	var f Fact
	if err := decodeRecord("fact", data, &f); err != nil {
		return Fact{}, err
	}
	f.Steps = recordList(f.Steps)
	v := validator{prefix: "fact: "}
	v.timestamps(f.recordTimes())
	v.fact(&f)
	if err := v.problems.ErrorOrNil(); err != nil {
		return Fact{}, err
	}
	return f, nil
}

// EncodeRun returns the run as it is recorded, with times and texts as EncodeFact has them.
func EncodeRun(r Run) []byte {
	r.unshareTimes()
	for _, t := range r.recordTimes() {
		*t.at = recordable(*t.at)
	}
	return encodeRecord(r)
}

// DecodeRun reads a recorded run, as DecodeFact does a fact.
func DecodeRun(data []byte) (Run, error) {
	var r Run
	if err := decodeRecord("run", data, &r); err != nil {
		return Run{}, err
	}
	r.Arguments, r.Pardons, r.Batches = recordList(r.Arguments), recordList(r.Pardons), recordList(r.Batches)
	r.Stills, r.Durations = recordList(r.Stills), recordList(r.Durations)
	v := validator{prefix: fmt.Sprintf("run %d: ", r.Number)}
	v.timestamps(r.recordTimes())
	v.run(&r)
	if err := v.problems.ErrorOrNil(); err != nil {
		return Run{}, err
	}
	return r, nil
}

// Key returns the name under which the fact is stored: <plan>/<kind>[/<phase>[/<step>]], of a breakpoint with @<when>, and of an excepted
// pod pods/except/<pod>. Two facts have one key if one takes the place of the other: both are of one kind, and about one element.
func (f Fact) Key() string {
	if f.Kind == Excepted {
		return "pods/" + string(Excepted) + "/" + escapeKey(f.Pod)
	}
	key := escapeKey(f.Plan) + "/" + escapeKey(string(f.Kind))
	if f.Phase != "" || f.Step != "" {
		key += "/" + escapeKey(f.Phase)
	}
	if f.Step != "" {
		key += "/" + escapeKey(f.Step)
	}
	if f.Kind == Breakpoint {
		key += "@" + escapeKey(string(f.When))
	}
	return key
}

// escapeKey writes as %XX what has a meaning in keys, and control characters.
func escapeKey(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c < ' ' || c == 0x7f || strings.IndexByte("/%@", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// factRules says what a fact of a kind may have.
var factRules = []struct {
	kind  FactKind
	whens []When
	// inRun says that the fact belongs to a run. Others outlive runs.
	inRun bool
}{
	{kind: Paused, whens: []When{"", PauseNow, PauseAfterSteps, PauseAfterPhase}},
	{kind: Breakpoint, whens: []When{BeforePhase, AfterPhase, AfterBatch}},
	{kind: Released, whens: []When{""}, inRun: true},
	{kind: Restarted, whens: []When{""}, inRun: true},
	{kind: Forced, whens: []When{""}, inRun: true},
	{kind: Excepted, whens: []When{""}},
}

func (v *validator) fact(f *Fact) {
	v.factElement(f)
	validateNotNegative(v, "run", f.Run)
	validateNotNegative(v, "batches", f.Batches)
	validateNotNegative(v, "batch_run", f.BatchRun)
	for _, rule := range factRules {
		if rule.kind != f.Kind {
			continue
		}
		if rule.inRun && f.Run == 0 {
			v.problem("run is 0; %s facts belong to a run", f.Kind)
		}
		if !rule.inRun && f.Run > 0 {
			v.problem("run is %d; %s facts belong to none", f.Run, f.Kind)
		}
		v.factWhen(f, rule.whens)
		return
	}
	kinds := make([]FactKind, len(factRules))
	for i := range factRules {
		kinds[i] = factRules[i].kind
	}
	validateWord(v, "kind", f.Kind, kinds)
}

func (v *validator) factWhen(f *Fact, whens []When) {
	switch said := slices.DeleteFunc(slices.Clone(whens), func(w When) bool { return w == "" }); {
	case slices.Contains(whens, f.When):
	case len(said) == 0:
		v.problem("when is %q; %s facts have none", f.When, f.Kind)
	default:
		validateWord(v, "when", f.When, said)
	}
}

// factElement looks at what leads to the element that the fact is about.
func (v *validator) factElement(f *Fact) {
	if f.Kind == Excepted {
		if f.Pod == "" {
			v.problem("pod is empty; %s facts need one", f.Kind)
		}
		if f.Plan != "" || f.Phase != "" || f.Step != "" {
			v.problem("plan is %q, phase %q, step %q; %s facts have only a pod", f.Plan, f.Phase, f.Step, f.Kind)
		}
		return
	}
	if f.Pod != "" {
		v.problem("pod is %q; only %s facts have one", f.Pod, Excepted)
	}
	if f.Plan == "" {
		v.problem("plan is empty")
	}
	if f.Phase == "" && f.Step != "" {
		v.problem("phase is empty; step %q needs one", f.Step)
	}
	if f.Kind == Breakpoint && f.Phase == "" && f.Step == "" {
		v.problem("phase is empty; %s facts need one", f.Kind)
	}
	if f.Kind == Breakpoint && f.Step != "" {
		v.problem("step is %q; %s facts have none", f.Step, f.Kind)
	}
}

func (v *validator) run(r *Run) {
	validateNotNegative(v, "number", r.Number)
	validateNotNegative(v, "successor", r.Successor)
	validateNotNegative(v, "failures", r.Failures)
	if r.Outcome != "" {
		validateWord(v, "outcome", r.Outcome, []Outcome{Completed, Superseded, Stopped})
	}
	if r.Outcome != "" && r.CompletedAt.IsZero() {
		v.problem("completed_at is missing; the outcome is %q", r.Outcome)
	}
	v.notBefore("frozen_at", r.FrozenAt, "started_at", r.StartedAt)
	v.notBefore("completed_at", r.CompletedAt, "started_at", r.StartedAt)
	if r.Halt != nil {
		validateNotNegative(v, "halt: cause: count", r.Halt.Cause.Count)
	}
	v.uniqueNames("arguments: name", len(r.Arguments), func(i int) string { return r.Arguments[i].Name })
	for i := range r.Pardons {
		v.listed("pardons", i, func() { validateNotNegative(v, "attempts", r.Pardons[i].Attempts) })
	}
	v.batches(r.Batches)
	for i := range r.Stills {
		v.listed("stills", i, func() { v.notBefore("to", r.Stills[i].To, "from", r.Stills[i].From) })
	}
	for i := range r.Durations {
		v.listed("durations", i, func() { v.duration(&r.Durations[i]) })
	}
}

func (v *validator) batches(batches []BatchCursor) {
	v.uniqueNames("batches: phase", len(batches), func(i int) string { return batches[i].Phase })
	for i := range batches {
		v.listed("batches", i, func() {
			validateNotNegative(v, "done", batches[i].Done)
			validateNotNegative(v, "stops", batches[i].Stops)
		})
	}
}

func (v *validator) duration(d *Duration) {
	validateNotNegative(v, "steps", d.Steps)
	validateNotNegative(v, "p50", d.P50)
	validateNotNegative(v, "p90", d.P90)
	if d.P50 > d.P90 {
		v.problem("p50 is %v; use at most p90, %v", d.P50, d.P90)
	}
}

// listed looks at an item of a list, which is counted from 0 as JSON tools do.
func (v *validator) listed(list string, i int, look func()) {
	v.within(fmt.Sprintf("%s[%d]: ", list, i), look)
}

// uniqueNames refuses empty names and those that come again.
func (v *validator) uniqueNames(field string, n int, name func(int) string) {
	v.places(field, n, name)
	for i := range n {
		if name(i) == "" {
			v.problem("%s is empty", field)
		}
	}
}

// notBefore refuses a time that is known and before another.
func (v *validator) notBefore(field string, at time.Time, other string, earlier time.Time) {
	if !at.IsZero() && at.Before(earlier) {
		v.problem("%s is %s, before %s, %s", field, at.Format(time.RFC3339Nano), other, earlier.Format(time.RFC3339Nano))
	}
}

// timestamps refuses times that have no year of four digits in UTC, and brings the others there.
func (v *validator) timestamps(times []recordTime) {
	for _, t := range times {
		*t.at = t.at.UTC()
		if year := t.at.Year(); year < 0 || year > 9999 {
			v.problem("%s is in the year %d; use 0 to 9999, in UTC", t.field, year)
		}
	}
}

// recordTime is a field of a record that holds a time.
type recordTime struct {
	field string
	at    *time.Time
}

func (f *Fact) recordTimes() []recordTime { return []recordTime{{"at", &f.At}} }

func (r *Run) recordTimes() []recordTime {
	times := []recordTime{
		{"started_at", &r.StartedAt}, {"frozen_at", &r.FrozenAt}, {"completed_at", &r.CompletedAt}, {"continued_at", &r.ContinuedAt},
	}
	if r.Halt != nil {
		times = append(times, recordTime{"halt: at", &r.Halt.At},
			recordTime{"halt: cause: since", &r.Halt.Cause.Since}, recordTime{"halt: cause: until", &r.Halt.Cause.Until})
	}
	for i := range r.Pardons {
		times = append(times, recordTime{"pardons: at", &r.Pardons[i].At})
	}
	for i := range r.Batches {
		times = append(times, recordTime{"batches: settled_at", &r.Batches[i].SettledAt}, recordTime{"batches: unknown_since", &r.Batches[i].UnknownSince})
	}
	for i := range r.Stills {
		times = append(times, recordTime{"stills: from", &r.Stills[i].From}, recordTime{"stills: to", &r.Stills[i].To})
	}
	return times
}

// unshareTimes copies whatever of the run has times and may belong to somebody else.
func (r *Run) unshareTimes() {
	if r.Halt != nil {
		halt := *r.Halt
		r.Halt = &halt
	}
	r.Pardons, r.Batches, r.Stills = slices.Clone(r.Pardons), slices.Clone(r.Batches), slices.Clone(r.Stills)
}

// The first and the last time that JSON has.
var (
	firstRecordable = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	lastRecordable  = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
)

// recordable returns the time in UTC, without monotonic part, and such that JSON has it.
func recordable(at time.Time) time.Time {
	at = at.Round(0).UTC()
	switch {
	case at.Before(firstRecordable):
		return firstRecordable
	case at.After(lastRecordable):
		return lastRecordable
	}
	return at
}

func encodeRecord(record any) []byte {
	data, err := json.Marshal(record)
	if err != nil {
		panic(err) // records are made of what JSON has
	}
	return data
}

func decodeRecord(kind string, data []byte, record any) error {
	// The decoder would put replacement characters in their place, and with that change names.
	if !utf8.Valid(data) {
		return multierror.Append(nil, fmt.Errorf("%s: text is not valid UTF-8", kind))
	}
	if err := json.Unmarshal(data, record); err != nil {
		return multierror.Append(nil, fmt.Errorf("%s: %w", kind, err))
	}
	return nil
}

// recordList returns the list, or nil if it is empty: a record does not tell those apart.
func recordList[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}
