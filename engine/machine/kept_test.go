package machine

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/plans"
)

// outdatedParts compares what a machine keeps to save time with the same made anew, after a decision that gave a view or none (nil). It says what is not
// as it should be; nothing if all is.
func outdatedParts(now time.Time, m *Machine, view *View) string {
	wake := m.wake
	defer func() { m.wake = wake }()
	if view != nil {
		kept, compared := m.shown, m.compared
		m.shown, m.compared = shown{}, comparison{}
		anew := []any{m.podViews(), m.hostViews(), m.warnings()}
		m.shown, m.compared = kept, compared
		if diff := different(anew, []any{view.Pods, view.Hosts, view.Warnings}); diff != "" {
			return "the view is not as it would be (-made anew +published):\n" + diff
		}
	}
	var fresh inputs
	var ledger plans.Ledger
	m.inputs.read(now, m)
	fresh.read(now, m)
	if fresh.stops {
		ledger = m.ledger(now)
	}
	if diff := different(fresh.evaluate(now, ledger, fresh.all(now)), m.inputs.evaluate(now, ledger, m.inputs.all(now))); diff != "" {
		return "the plans are not as they would be (-made anew +kept):\n" + diff
	}
	return ""
}

func different(a, b any) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return "unequal in memory\n" + cmp.Diff(a, b)
}

// What shows that a row has changed must know every field of it.
func TestRowsKnowEveryField(t *testing.T) {
	everyField(t, (*PodView).equal)
	everyField(t, (*HostView).equal)
}

// everyField compares a zero value with ones that differ from it in one field.
func everyField[T any](t *testing.T, equal func(a, b *T) bool) {
	t.Helper()
	var zero, alike T
	if !equal(&zero, &alike) {
		t.Errorf("%T: a value is not equal to itself", zero)
	}
	for f := range reflect.TypeFor[T]().Fields() {
		var other T
		something(t, reflect.ValueOf(&other).Elem().FieldByIndex(f.Index))
		if equal(&zero, &other) || equal(&other, &zero) {
			t.Errorf("%T: nobody sees that %s differs", zero, f.Name)
		}
	}
}

// something sets a value to one that is not zero.
func something(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct:
		if v.Type() != reflect.TypeFor[time.Time]() {
			t.Fatalf("%s: not known to the test", v.Type())
		}
		v.Set(reflect.ValueOf(time.Unix(1, 0)))
	default:
		t.Fatalf("%s: not known to the test", v.Type())
	}
}
