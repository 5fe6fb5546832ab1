package cluster

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// debugText prints a message as the C++ of Mesos does in its messages: fields by their number, no commas.
func debugText(message any) string {
	var b strings.Builder
	debugFields(&b, "", reflect.Indirect(reflect.ValueOf(message)))
	return b.String()
}

// debugField is one field of a generated message, as its tag describes it.
type debugField struct {
	number   int
	name     string
	required bool
	value    reflect.Value
}

func debugFields(b *strings.Builder, indent string, message reflect.Value) {
	var fields []debugField
	for i := range message.NumField() {
		if field, ok := parseTag(message.Type().Field(i).Tag.Get("protobuf")); ok {
			field.value = message.Field(i)
			fields = append(fields, field)
		}
	}
	slices.SortFunc(fields, func(a, b debugField) int { return a.number - b.number })
	for _, field := range fields {
		value := field.value
		if value.Kind() == reflect.Slice && value.Type().Elem().Kind() != reflect.Uint8 {
			for i := range value.Len() {
				debugValue(b, indent, field.name, value.Index(i))
			}
			continue
		}
		if field.required || !value.IsZero() {
			debugValue(b, indent, field.name, value)
		}
	}
}

// parseTag reads "varint,15,opt,name=type,enum=...".
func parseTag(tag string) (debugField, bool) {
	parts := strings.Split(tag, ",")
	if len(parts) < 4 {
		return debugField{}, false
	}
	field := debugField{required: parts[2] == "req"}
	field.number, _ = strconv.Atoi(parts[1])
	for _, part := range parts[3:] {
		if name, ok := strings.CutPrefix(part, "name="); ok {
			field.name = name
		}
	}
	return field, field.name != ""
}

func debugValue(b *strings.Builder, indent, name string, value reflect.Value) {
	value = reflect.Indirect(value)
	switch {
	case !value.IsValid():
	case value.Kind() == reflect.Struct:
		fmt.Fprintf(b, "%s%s {\n", indent, name)
		debugFields(b, indent+"  ", value)
		fmt.Fprintf(b, "%s}\n", indent)
	case value.Kind() == reflect.String, value.Kind() == reflect.Slice:
		fmt.Fprintf(b, "%s%s: %q\n", indent, name, value)
	default: // enums print their names
		fmt.Fprintf(b, "%s%s: %v\n", indent, name, value)
	}
}
