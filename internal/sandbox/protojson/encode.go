package protojson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/gogo/protobuf/proto"
)

// Marshal writes message, a pointer to a generated struct, as a master would. It fails only for types that no
// Mesos message contains.
func Marshal(message any) ([]byte, error) { return marshal(message, encoder{}) }

// MarshalSet is Marshal, but writes nothing that is not set. Unmarshal makes the same message of it.
func MarshalSet(message any) ([]byte, error) { return marshal(message, encoder{exact: true}) }

// An Addition gives one more field of a message, for what the generated types have no place for: its name, "" for none,
// and its value: a bool, or a pointer to a struct with tags like those of generated ones. It is asked for every message, with a
// pointer to it.
type Addition func(message any) (name string, value any)

// MarshalLists is Marshal, but writes a list that is empty and not nil, as []. The read-only calls of the operator API
// give some of their lists in that way and omit others. add may be nil.
func MarshalLists(message any, add Addition) ([]byte, error) {
	return marshal(message, encoder{emptyLists: true, add: add})
}

// encoder is what is written so far.
type encoder struct {
	bytes.Buffer
	emptyLists bool
	add        Addition
	exact      bool // fields that are not set are not written, whatever they are taken for
}

func marshal(message any, b encoder) ([]byte, error) {
	v := reflect.ValueOf(message)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("message %T: want a non-nil pointer to a message struct", message)
	}
	if err := writeMessage(&b, v.Elem()); err != nil {
		return nil, fmt.Errorf("message %T: %w", message, err)
	}
	return b.Bytes(), nil
}

func writeMessage(b *encoder, v reflect.Value) error {
	b.WriteByte('{')
	first := true
	for _, f := range fieldsOf(v.Type()) {
		fv := v.Field(f.index)
		set := b.isSet(f, fv)
		if !set && (b.exact || f.fallback == "" || fv.Kind() != reflect.Pointer) {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		writeString(b, f.name)
		b.WriteByte(':')
		if !set {
			writeFallback(b, f, fv.Type().Elem())
			continue
		}
		if err := writeValue(b, f, fv); err != nil {
			return fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	if err := b.addition(v, first); err != nil {
		return err
	}
	b.WriteByte('}')
	return nil
}

// writeFallback writes what an unset field is taken for: a master writes that too, unless the field is deprecated.
func writeFallback(b *encoder, f field, kind reflect.Type) {
	number, _ := strconv.ParseFloat(f.fallback, 64)
	v := reflect.New(kind).Elem()
	switch kind.Kind() {
	case reflect.Bool:
		v.SetBool(number != 0)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(number))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(number))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(number)
	default:
		v.SetString(f.fallback)
	}
	_ = writeValue(b, f, v) // all of these kinds have a JSON form
}

func (b *encoder) addition(v reflect.Value, first bool) error {
	if b.add == nil || !v.CanAddr() {
		return nil
	}
	name, value := b.add(v.Addr().Interface())
	if name == "" {
		return nil
	}
	if !first {
		b.WriteByte(',')
	}
	writeString(b, name)
	b.WriteByte(':')
	return writeValue(b, field{name: name}, reflect.ValueOf(value))
}

// isSet tells whether a master would write the field. An optional enum that the generated code holds by value has no
// presence; there zero is always the "unknown" member.
func (b *encoder) isSet(f field, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && (f.enum == "" || enumName(f, v.Elem()) != "")
	case reflect.Slice:
		if isBytes(v.Type()) {
			return !v.IsNil() || f.required
		}
		return v.Len() > 0 || b.emptyLists && !v.IsNil()
	case reflect.Map:
		return v.Len() > 0
	}
	if f.enum != "" {
		return enumName(f, v) != "" && (f.required || v.Int() != 0)
	}
	return true
}

func writeValue(b *encoder, f field, v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Pointer:
		return writeValue(b, f, v.Elem())
	case isBytes(v.Type()):
		writeString(b, base64.StdEncoding.EncodeToString(v.Bytes()))
		return nil
	case f.enum != "" && v.Kind() == reflect.Int32:
		writeString(b, enumName(f, v))
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return writeMessage(b, v)
	case reflect.Slice:
		return writeList(b, f, v)
	case reflect.Map:
		return writeMap(b, f, v)
	case reflect.String:
		writeString(b, v.String())
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int32, reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint32, reflect.Uint64:
		b.WriteString(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		writeDouble(b, v.Float())
	default:
		return fmt.Errorf("kind %s has no JSON form", v.Kind())
	}
	return nil
}

func writeList(b *encoder, f field, v reflect.Value) error {
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeValue(b, f, v.Index(i)); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

func writeMap(b *encoder, f field, v reflect.Value) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int {
		return bytes.Compare([]byte(x.String()), []byte(y.String()))
	})
	b.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		writeString(b, key.String())
		b.WriteByte(':')
		if err := writeValue(b, f, v.MapIndex(key)); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func writeDouble(b *encoder, x float64) {
	switch {
	case math.IsNaN(x):
		b.WriteString(`"NaN"`)
	case math.IsInf(x, 1):
		b.WriteString(`"Infinity"`)
	case math.IsInf(x, -1):
		b.WriteString(`"-Infinity"`)
	case x == math.Trunc(x) && math.Abs(x) < 1e15:
		b.WriteString(strconv.FormatFloat(x, 'f', 1, 64))
	default:
		b.WriteString(strconv.FormatFloat(x, 'g', -1, 64))
	}
}

func writeString(b *encoder, s string) {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s)   // a string always has a JSON form, and a buffer never fails
	b.Truncate(b.Len() - 1) // the encoder ends every value with a newline
}

// enumName is the name of an enum value, or "" if the schema that we know has none.
func enumName(f field, v reflect.Value) string {
	for _, members := range []map[string]int32{proto.EnumValueMap(f.enum), newer[f.enum]} {
		for name, number := range members {
			if int64(number) == v.Int() {
				return name
			}
		}
	}
	return ""
}
