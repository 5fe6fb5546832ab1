package plans

import (
	"reflect"
	"testing"
	"time"
)

// Equal must know every field: what it overlooks would be evaluated too late.
func TestEqualKnowsEveryField(t *testing.T) {
	everyField(t, func(a, b Observation) bool { return a.Equal(&b) })
	everyField(t, func(a, b Fact) bool { return a.Equal(&b) })
	everyField(t, func(a, b Ledger) bool { return a.Equal(&b) })
	everyField(t, func(a, b Budget) bool { return a.equal(b) })
	everyField(t, func(a, b Run) bool { return a.Same(&b) })
	everyField(t, func(a, b Run) bool { return a.Equal(b) })
}

// everyField compares a zero value with ones that differ from it in one field.
func everyField[T any](t *testing.T, equal func(a, b T) bool) {
	t.Helper()
	var zero T
	if !equal(zero, zero) {
		t.Errorf("%T: a value is not equal to itself", zero)
	}
	for f := range reflect.TypeFor[T]().Fields() {
		var other, alike T
		for _, v := range []*T{&other, &alike} {
			something(t, reflect.ValueOf(v).Elem().FieldByIndex(f.Index))
		}
		if equal(zero, other) || equal(other, zero) {
			t.Errorf("%T: nobody sees that %s differs", zero, f.Name)
		}
		if !equal(other, alike) {
			t.Errorf("%T: two values with the same %s differ", zero, f.Name)
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
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		something(t, v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(noon))
			return
		}
		something(t, v.Field(0))
	default:
		t.Fatalf("%s: not known to the test", v.Type())
	}
}
