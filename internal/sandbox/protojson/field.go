package protojson

import (
	"reflect"
	"strings"

	"github.com/gogo/protobuf/proto"
)

// field is what the protobuf tag of one struct field says.
type field struct {
	index    int
	name     string
	enum     string // registered name of the enum type, "" for other kinds
	required bool
	isMap    bool
	fallback string // value that it has if it is not set, "" for none, in the notation of the tag
}

// fieldsOf lists the message fields of a generated struct in the order of their declaration, which is the order in
// which a master writes them. Fields without a protobuf tag are not part of the message.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		spec, ok := tag.Lookup("protobuf")
		if !ok {
			continue
		}
		f := field{index: i, isMap: tag.Get("protobuf_key") != ""}
		for _, part := range strings.Split(spec, ",") {
			switch key, value, _ := strings.Cut(part, "="); key {
			case "req":
				f.required = true
			case "name":
				f.name = value
			case "enum":
				f.enum = value
			case "def":
				f.fallback = value
			}
		}
		if f.name == "role" { // deprecated in every message that has a default for it
			f.fallback = ""
		}
		fields = append(fields, f)
	}
	return fields
}

func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// newer are members of enums that Mesos has got since the schema that we have.
var newer = map[string]map[string]int32{
	"mesos.MasterInfo_Capability_Type": {"QUOTA_V2": 3},
}

// enumNumber is the number of a member of an enum.
func enumNumber(enum, name string) (int32, bool) {
	if number, known := proto.EnumValueMap(enum)[name]; known {
		return number, true
	}
	number, known := newer[enum][name]
	return number, known
}
