package plans

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shareNoon is the time of the tests of Share.
var shareNoon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// fill makes every field of a value, also below pointers and in slices, something other than zero.
func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(shareNoon))
		return
	case ElementID:
		v.Set(reflect.ValueOf(ID("quobyte", "deploy", "", "")))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8:
		v.SetUint(1)
	default:
		panic("the test does not know how to fill a " + v.Type().String())
	}
}

// eachChange changes a value in every way, one at a time, and calls do each time.
func eachChange(v reflect.Value, path string, do func(path string)) {
	try := func(path string, changed any) {
		was := reflect.New(v.Type()).Elem()
		was.Set(v)
		v.Set(reflect.ValueOf(changed).Convert(v.Type()))
		do(path)
		v.Set(was)
	}
	switch is := v.Interface().(type) {
	case time.Time:
		try(path, is.Add(1))
		try(path+" in another zone", is.In(time.FixedZone("", 3600)))
		return
	case ElementID:
		try(path, ID("quobyte", "another", "", ""))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			eachChange(v.Field(i), path+"."+v.Type().Field(i).Name, do)
		}
	case reflect.Array:
		for i := range v.Len() {
			eachChange(v.Index(i), fmt.Sprintf("%s[%d]", path, i), do)
		}
	case reflect.Slice:
		eachChange(v.Index(v.Len()-1), path+"[last]", do)
		try(path+" shorter", v.Slice(0, 1).Interface())
		try(path+" empty", v.Slice(0, 0).Interface())
		try(path+" nil", reflect.Zero(v.Type()).Interface())
	case reflect.Pointer:
		eachChange(v.Elem(), path+"*", do)
		try(path+" nil", reflect.Zero(v.Type()).Interface())
	case reflect.String:
		try(path, v.String()+"x")
	case reflect.Bool:
		try(path, !v.Bool())
	case reflect.Int, reflect.Int64:
		try(path, v.Int()+1)
	case reflect.Uint8:
		try(path, v.Uint()+1)
	default:
		panic("the test does not know how to change a " + v.Type().String())
	}
}

// fullView has something in every field.
func fullView() View {
	var v View
	fill(reflect.ValueOf(&v).Elem())
	for i := range v.Phases {
		v.Phases[i].ID = ID("quobyte", "deploy", fmt.Sprint(i), "")
	}
	return v
}

func inJSON(t *testing.T, v View) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNothingThatChangedIsForgotten changes every field of a view in turn. A field that a comparison leaves out shows in that the result
// has its old value.
func TestNothingThatChangedIsForgotten(t *testing.T) {
	before, after := fullView(), fullView()
	changes := 0
	eachChange(reflect.ValueOf(&after).Elem(), "View", func(path string) {
		changes++
		got := Share(before, after)
		if diff := cmp.Diff(after, got); diff != "" {
			t.Errorf("%s changed, and the result has not (-after +got):\n%s", path, diff)
		}
		if want, got := inJSON(t, after), inJSON(t, got); want != got {
			t.Fatalf("%s changed, and the result is written as\n%s\nwant\n%s", path, got, want)
		}
	})
	if changes < 100 {
		t.Errorf("only %d changes were tried", changes)
	}
	if diff := cmp.Diff(fullView(), before); diff != "" {
		t.Errorf("before was modified:\n%s", diff)
	}
	if diff := cmp.Diff(fullView(), after); diff != "" {
		t.Errorf("after was modified:\n%s", diff)
	}
}

// TestEveryFieldOfAStepIsCompared looks at the comparison itself.
func TestEveryFieldOfAStepIsCompared(t *testing.T) {
	var a, b StepView
	fill(reflect.ValueOf(&a).Elem())
	fill(reflect.ValueOf(&b).Elem())
	if !equalStep(&a, &b) {
		t.Error("two equal steps are told to differ")
	}
	eachChange(reflect.ValueOf(&b).Elem(), "StepView", func(path string) {
		if equalStep(&a, &b) {
			t.Errorf("%s differs, and the steps are told to be equal", path)
		}
	})
}

func TestShare(t *testing.T) {
	other := func(i int) PhaseView {
		p := fullView().Phases[0]
		p.ID = ID("quobyte", "deploy", fmt.Sprint("other", i), "")
		return p
	}
	type shared struct{ phases, steps0, steps1 bool }
	for _, c := range []struct {
		name   string
		change func(v *View)
		want   shared
	}{
		{"equal", func(*View) {}, shared{true, true, true}},
		{"equal but for the plan itself", func(v *View) { v.Status, v.Holds = Error, nil }, shared{true, true, true}},
		{"a phase's own status", func(v *View) { v.Phases[0].Status = Error }, shared{false, true, true}},
		{"a step", func(v *View) { v.Phases[0].Steps[1].Status = Error }, shared{false, false, true}},
		{"a step more", func(v *View) { v.Phases[0].Steps = append(v.Phases[0].Steps, StepView{}) }, shared{false, false, true}},
		{"a phase before", func(v *View) { v.Phases = append([]PhaseView{other(0)}, v.Phases...) }, shared{}},
		{"a phase after", func(v *View) { v.Phases = append(v.Phases, other(0)) }, shared{false, true, true}},
		{"other phases", func(v *View) { v.Phases = []PhaseView{other(0), other(1)} }, shared{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := fullView(), fullView()
			c.change(&after)
			got := Share(before, after)
			if diff := cmp.Diff(after, got); diff != "" {
				t.Errorf("the result is not after (-after +got):\n%s", diff)
			}
			is := shared{&got.Phases[0] == &before.Phases[0], SameSteps(got.Phases[0].Steps, before.Phases[0].Steps),
				SameSteps(got.Phases[1].Steps, before.Phases[1].Steps)}
			if is != c.want {
				t.Errorf("shared %+v, want %+v", is, c.want)
			}
		})
	}
}

func TestSharedPhasesAreFoundByTheirID(t *testing.T) {
	before, after := fullView(), fullView()
	after.Phases[0], after.Phases[1] = after.Phases[1], after.Phases[0]
	got := Share(before, after)
	if diff := cmp.Diff(after, got); diff != "" {
		t.Errorf("the result is not after (-after +got):\n%s", diff)
	}
	if &got.Phases[0].Steps[0] != &before.Phases[1].Steps[0] || &got.Phases[1].Steps[0] != &before.Phases[0].Steps[0] {
		t.Error("phases that changed places do not share their steps")
	}
}

func TestSameSteps(t *testing.T) {
	a, b := make([]StepView, 3), make([]StepView, 3)
	for _, c := range []struct {
		name string
		a, b []StepView
		want bool
	}{
		{"one slice", a, a, true},
		{"equal slices", a, b, false},
		{"a part", a, a[:2], false},
		{"another part", a[:2], a[1:], false},
		{"both empty", nil, a[:0], true},
		{"one empty", nil, a, false},
	} {
		if got := SameSteps(c.a, c.b); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// drawShareView draws views of which many are equal in parts.
func drawShareView(t *rapid.T, name string) View {
	v := View{Status: Status(rapid.IntRange(0, 1).Draw(t, name))}
	for range rapid.IntRange(0, 3).Draw(t, name+" phases") {
		p := PhaseView{
			ID: ID("quobyte", "deploy", fmt.Sprint(rapid.IntRange(0, 2).Draw(t, name+" id")), ""), StepsDone: rapid.IntRange(0, 1).Draw(t, name+" done"),
		}
		for range rapid.IntRange(0, 2).Draw(t, name+" steps") {
			p.Steps = append(p.Steps, StepView{Status: Status(rapid.IntRange(0, 1).Draw(t, name+" status"))})
		}
		if rapid.Bool().Draw(t, name+" estimate") {
			p.Estimate = &Estimate{Steps: 1}
		}
		v.Phases = append(v.Phases, p)
	}
	return v
}

func TestShareIsEqualToAfter(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		before, after := drawShareView(t, "before"), drawShareView(t, "after")
		if diff := cmp.Diff(after, Share(before, after)); diff != "" {
			t.Fatalf("the result is not after (-after +got):\n%s", diff)
		}
		if got := Share(after, after); len(after.Phases) > 0 && &got.Phases[0] != &after.Phases[0] {
			t.Fatal("a view does not share all its phases with itself")
		}
	})
}

// shareSteps makes a view of 30,000 steps.
func shareSteps() View {
	var v View
	for i := range 3 {
		p := PhaseView{ID: ID("quobyte", "deploy", fmt.Sprint(i), "")}
		for j := range 10_000 {
			p.Steps = append(p.Steps, StepView{
				ID: ID("quobyte", "deploy", fmt.Sprint(i), fmt.Sprint(j)), Name: fmt.Sprintf("data-%d:[server]", j), Kind: Launch, Status: Started, Since: shareNoon,
				Message: fmt.Sprintf("STARTED: data-%d is not ready", j), Pod: fmt.Sprintf("data-%d", j), Host: "host",
				Holds: []Hold{{Code: CodeUnhealthy, Text: "not ready", Since: shareNoon}},
			})
		}
		v.Phases = append(v.Phases, p)
	}
	return v
}

func BenchmarkShare(b *testing.B) {
	before := shareSteps()
	for _, c := range []struct {
		name  string
		after View
	}{{"30000-equal-steps", shareSteps()}, {"30000-shared-steps", Share(before, shareSteps())}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Share(before, c.after)
			}
		})
	}
}
