package plans

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// shownBy reads from an evaluation what the plain twin says, too.
func shownBy(e Evaluation) plainResult {
	r := plainResult{Status: e.View.Status, Candidates: e.Candidates, Questions: e.Questions, Halted: e.Run.halted() && e.View.Status != Complete}
	for _, phase := range e.View.Phases {
		p := plainPhase{Status: phase.Status}
		for _, step := range phase.Steps {
			p.Steps = append(p.Steps, step.Status)
		}
		r.Phases = append(r.Phases, p)
	}
	return r
}

func compareWithTwin(t *testing.T, of func(plainResult) any) {
	checkDrawn(t, func(t *rapid.T) {
		in := drawInput(t)
		want, got := plainEvaluate(in, plainOthers{}), shownBy(Evaluate(in))
		if diff := cmp.Diff(of(want), of(got), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the twin (-) and Evaluate (+) differ:\n%s\n%s", diff, show(reflect.ValueOf(in)))
		}
	})
}

func TestCandidatesAreExactlyThoseOfThePlainTwin(t *testing.T) {
	compareWithTwin(t, func(r plainResult) any { return r.Candidates })
}

func TestEveryStatusIsThePlainTwins(t *testing.T) {
	compareWithTwin(t, func(r plainResult) any {
		return struct {
			Status Status
			Phases []plainPhase
		}{r.Status, r.Phases}
	})
}

func TestQuestionsAreThePlainTwins(t *testing.T) {
	compareWithTwin(t, func(r plainResult) any { return r.Questions })
}

func TestHaltedLikeThePlainTwin(t *testing.T) {
	compareWithTwin(t, func(r plainResult) any { return r.Halted })
}

// All of it for several plans.
func TestCoordinateIsThePlainTwins(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		ledger, ins := drawWorld(t)
		want := plainCoordinate(ledger, ins)
		for k, e := range Coordinate(ledger, ins) {
			got := shownBy(e)
			want[k].stops, want[k].late = nil, false
			if diff := cmp.Diff(want[k], got, cmp.AllowUnexported(plainResult{}), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s: the twin (-) and Coordinate (+) differ:\n%s\n%s\n%s", ins[k].Definition.Name, diff, show(reflect.ValueOf(ins)), show(reflect.ValueOf(ledger)))
			}
		}
	})
}

// show writes a drawn value down without what is zero, and times as the distance to noon: what a failure is understood from.
func show(v reflect.Value) string {
	if t, ok := v.Interface().(time.Time); ok {
		if t.IsZero() {
			return ""
		}
		return t.Sub(noon).String()
	}
	if st, ok := v.Interface().(Status); ok {
		return st.String()
	}
	if st, ok := v.Interface().(time.Duration); ok {
		return st.String()
	}
	switch v.Kind() {
	case reflect.Struct:
		var parts []string
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				continue
			}
			parts = append(parts, v.Type().Field(i).Name+":"+show(v.Field(i)))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case reflect.Slice:
		var parts []string
		for i := range v.Len() {
			parts = append(parts, show(v.Index(i)))
		}
		return "[" + strings.Join(parts, "\n      ") + "]"
	case reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		return "&" + show(v.Elem())
	}
	return fmt.Sprint(v.Interface())
}
