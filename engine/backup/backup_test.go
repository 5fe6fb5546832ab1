package backup

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// Whatever records are written come back byte by byte, and the file is what encoding/json would write at once.
func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(
			rapid.SampledFrom([]string{`{"format":1,"value":{"a":[1,2.50,"ü\u003c"]}}`, `{"a": 1}`, `null`, `"x"`, `{"a":`, "\x00\xff", `{"a":"<"}`}),
			rapid.String(),
		)
		records := []machine.Record{}
		for _, key := range rapid.SliceOfNDistinct(rapid.StringN(1, 10, -1), 0, 5, rapid.ID).Draw(t, "keys") {
			r := machine.Record{Key: key}
			if text := value.Draw(t, "value"); text != "" {
				r.Value = []byte(text)
			}
			records = append(records, r)
		}
		f := New(Head{Service: "quobyte", ExportedAt: time.Unix(1e9, 0).UTC(), From: `a "b"`}, records)
		var out, want bytes.Buffer
		if err := f.Write(&out); err != nil {
			t.Fatal(err)
		}
		e := json.NewEncoder(&want)
		e.SetIndent("", "  ")
		if err := e.Encode(f); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), out.String()); diff != "" {
			t.Fatalf("file (-want +got)\n%s", diff)
		}
		back, err := Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		got, err := back.Records()
		if err != nil {
			t.Fatal(err)
		}
		if len(records) > 0 && !cmp.Equal(records, got) {
			t.Fatalf("records (-want +got)\n%s", cmp.Diff(records, got))
		}
	})
}

func TestFilesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:                          "not readable as what state export writes",
		`{"format":1,"records":[{`:  "not readable as what state export writes",
		`{}`:                        "is not what state export writes",
		`{"format":1}`:              "is not what state export writes",
		`{"format":2,"records":[]}`: "format 2 is newer than 1",
		`{"format":1,"records":[{"key":"a"},{"key":"a"}]}`: `record "a": its key is empty, or was there before`,
		`{"format":1,"records":[{}]}`:                      `record "": its key is empty, or was there before`,
	} {
		f, err := Read(strings.NewReader(text))
		if err == nil {
			_, err = f.Records()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"format":1,"service":"quobyte","records":[{"key":"a","value":{"b":1}},{"key":"c","bytes":"AA=="}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		records, err := file.Records()
		if err != nil {
			return
		}
		again, err := New(file.Head, records).Records()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(records, again); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
