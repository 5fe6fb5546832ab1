package protojson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A SyntaxError says that a body is not JSON. Its text is what a master puts behind "Failed to parse body into JSON: ".
type SyntaxError struct {
	Line int    // from 1
	Near string // the rest of the body from the offending place on
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("syntax error at line %d near: %s", e.Line, e.Near)
}

// Unmarshal reads one JSON object into message, a pointer to a generated struct. The error is a *SyntaxError if data
// is not JSON; any other error is what a master puts behind "Failed to convert JSON into Call protobuf: ".
func Unmarshal(data []byte, message any) error {
	tree, err := parse(data)
	if err != nil {
		return err
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return errors.New("Expecting a JSON object")
	}
	v := reflect.ValueOf(message)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("message %T: want a non-nil pointer to a message struct", message)
	}
	var d decoder
	if err := d.message(object, v.Elem(), ""); err != nil {
		return err
	}
	if len(d.missing) > 0 {
		return fmt.Errorf("Missing required fields: %s", strings.Join(d.missing, ", "))
	}
	return nil
}

func parse(data []byte) (any, error) {
	var tree any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err := dec.Decode(&tree)
	if err == nil {
		offset := dec.InputOffset()
		if _, err = dec.Token(); err == io.EOF {
			return tree, nil
		}
		return nil, syntaxError(data, offset)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, syntaxError(data, wordStart(data, syntax.Offset-1))
	}
	return nil, syntaxError(data, int64(len(data)))
}

// wordStart steps back to where the word begins whose letter at offset is wrong.
func wordStart(data []byte, offset int64) int64 {
	for offset > 0 && offset <= int64(len(data)) && data[offset-1] >= 'a' && data[offset-1] <= 'z' {
		offset--
	}
	return offset
}

func syntaxError(data []byte, offset int64) *SyntaxError {
	offset = max(0, min(offset, int64(len(data))))
	return &SyntaxError{
		Line: 1 + bytes.Count(data[:offset], []byte("\n")),
		Near: string(bytes.TrimSpace(data[offset:])),
	}
}

// decoder collects the paths of required fields that were not there, so that all can be told at once.
type decoder struct {
	missing []string
}

func (d *decoder) message(object map[string]any, v reflect.Value, path string) error {
	for _, f := range fieldsOf(v.Type()) {
		where := f.name
		if path != "" {
			where = path + "." + f.name
		}
		value, present := object[f.name]
		if present && value != nil {
			set, err := d.value(f, value, v.Field(f.index), where)
			if err != nil {
				return err
			}
			present = set
		}
		if f.required && (!present || value == nil) {
			d.missing = append(d.missing, where)
		}
	}
	return nil
}

// value decodes into v and tells whether it did: an unknown enum name leaves the field unset.
func (d *decoder) value(f field, value any, v reflect.Value, path string) (bool, error) {
	switch {
	case v.Kind() == reflect.Pointer:
		target := reflect.New(v.Type().Elem())
		set, err := d.value(f, value, target.Elem(), path)
		if set {
			v.Set(target)
		}
		return set, err
	case isBytes(v.Type()):
		return true, setBytes(f, value, v)
	case f.enum != "" && v.Kind() == reflect.Int32:
		return setEnum(f, value, v)
	}
	switch v.Kind() {
	case reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			return false, unexpected(f, value)
		}
		return true, d.message(object, v, path)
	case reflect.Slice:
		return true, d.list(f, value, v, path)
	case reflect.Map:
		return true, d.mapping(f, value, v, path)
	}
	return true, setScalar(f, value, v)
}

func (d *decoder) list(f field, value any, v reflect.Value, path string) error {
	items, ok := value.([]any)
	if !ok {
		return unexpected(f, value)
	}
	for i, item := range items {
		target := reflect.New(v.Type().Elem()).Elem()
		if item == nil {
			return unexpected(f, item)
		}
		set, err := d.value(f, item, target, path+"["+strconv.Itoa(i)+"]")
		if err != nil {
			return err
		}
		if set {
			v.Set(reflect.Append(v, target))
		}
	}
	return nil
}

func (d *decoder) mapping(f field, value any, v reflect.Value, path string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return unexpected(f, value)
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		item := object[key]
		target := reflect.New(v.Type().Elem()).Elem()
		if _, err := d.value(f, item, target, path+"["+key+"]"); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), target)
	}
	return nil
}

func setBytes(f field, value any, v reflect.Value) error {
	text, ok := value.(string)
	if !ok {
		return unexpected(f, value)
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("Failed to base64 decode bytes field '%s': %s", f.name, base64Problem(text))
	}
	v.SetBytes(data)
	return nil
}

func base64Problem(text string) string {
	for _, c := range text {
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && c != '+' && c != '/' && c != '=' {
			return "Invalid character '" + string(c) + "'"
		}
	}
	return "Invalid length or padding"
}

func setEnum(f field, value any, v reflect.Value) (bool, error) {
	name, ok := value.(string)
	if !ok {
		return false, unexpected(f, value)
	}
	number, known := enumNumber(f.enum, name)
	if known {
		v.SetInt(int64(number))
	}
	return known, nil
}

func setScalar(f field, value any, v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		text, ok := value.(string)
		if !ok {
			return unexpected(f, value)
		}
		v.SetString(text)
		return nil
	case reflect.Bool:
		truth, ok := value.(bool)
		if !ok {
			return unexpected(f, value)
		}
		v.SetBool(truth)
		return nil
	}
	var text string
	switch number := value.(type) {
	case json.Number:
		text = number.String()
	case string:
		text = number
	default:
		return unexpected(f, value)
	}
	if err := setNumber(text, v); err != nil {
		return fmt.Errorf("Failed to parse '%s' as a number for field '%s'", text, f.name)
	}
	return nil
}

func setNumber(text string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			x, fail := wholeNumber(text)
			if fail != nil || v.OverflowInt(int64(x)) {
				return err
			}
			n = int64(x)
		}
		v.SetInt(n)
	case reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			x, fail := wholeNumber(text)
			if fail != nil || x < 0 || v.OverflowUint(uint64(x)) {
				return err
			}
			n = uint64(x)
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		x, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil {
			return err
		}
		v.SetFloat(x)
	default:
		return fmt.Errorf("kind %s is not a number", v.Kind())
	}
	return nil
}

// wholeNumber reads what a JSON writer may make of a whole number: 7.0 or 1e3.
func wholeNumber(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, errors.New("not a whole number")
	}
	return x, nil
}

func unexpected(f field, value any) error {
	kind := "object"
	switch value.(type) {
	case nil:
		kind = "null"
	case bool:
		kind = "boolean"
	case string:
		kind = "string"
	case json.Number:
		kind = "number"
	case []any:
		kind = "array"
	}
	return fmt.Errorf("Not expecting a JSON %s for field '%s'", kind, f.name)
}
