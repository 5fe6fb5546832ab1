package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// Format is the version of the file that is written, and the newest that is read.
const Format = 1

// Head says whose state a file has.
type Head struct {
	Format     int       `json:"format"`
	Service    string    `json:"service"`
	ExportedAt time.Time `json:"exported_at"`
	// From is where the state was, and Version that of the program that exported it: for people.
	From    string `json:"from"`
	Version string `json:"version"`
}

// File is a state as a file.
type File struct {
	Head
	Entries []Entry `json:"records"`
}

// Entry is a record, with its value as JSON, as the machine's are, or else as bytes.
type Entry struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value,omitempty"`
	Bytes []byte          `json:"bytes,omitempty"`
}

// New makes a file of records. The head's format is the package's.
func New(head Head, records []machine.Record) File {
	head.Format = Format
	f := File{Head: head, Entries: make([]Entry, 0, len(records))}
	for _, r := range records {
		f.Entries = append(f.Entries, NewEntry(r))
	}
	return f
}

// NewEntry makes an entry of a record.
func NewEntry(r machine.Record) Entry {
	// What would not come back byte by byte is written as bytes.
	if compact, err := json.Marshal(json.RawMessage(r.Value)); err == nil && string(compact) == string(r.Value) {
		return Entry{Key: r.Key, Value: r.Value}
	}
	return Entry{Key: r.Key, Bytes: r.Value}
}

// Write writes the file, an entry at a time.
func (f File) Write(w io.Writer) error {
	head, err := json.MarshalIndent(f.Head, "", "  ")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\n  \"records\": [", bytes.TrimSuffix(head, []byte("\n}"))); err != nil {
		return err
	}
	end := "]\n}\n"
	for i, e := range f.Entries {
		text, err := json.MarshalIndent(e, "    ", "  ")
		if err != nil {
			return fmt.Errorf("record %q: %w", e.Key, err)
		}
		if i > 0 {
			io.WriteString(w, ",") // an error of w comes again
		}
		if _, err := fmt.Fprintf(w, "\n    %s", text); err != nil {
			return err
		}
		end = "\n  ]\n}\n"
	}
	_, err = io.WriteString(w, end)
	return err
}

// Read reads a file, to its end.
func Read(r io.Reader) (File, error) {
	var f File
	if err := json.NewDecoder(r).Decode(&f); err != nil {
		return File{}, fmt.Errorf("not readable as what state export writes: %w", err)
	}
	switch {
	case f.Format > Format:
		return File{}, fmt.Errorf("format %d is newer than %d, the newest that this program reads; use the version that wrote it", f.Format, Format)
	case f.Format < 1 || f.Entries == nil:
		return File{}, errors.New("is not what state export writes")
	}
	return f, nil
}

// Records returns the records. It refuses keys that are empty, or come twice.
func (f File) Records() ([]machine.Record, error) {
	var out []machine.Record
	seen := map[string]bool{}
	for _, e := range f.Entries {
		r, err := e.record()
		if err == nil && (r.Key == "" || seen[r.Key]) {
			err = errors.New("its key is empty, or was there before")
		}
		if err != nil {
			return nil, fmt.Errorf("record %q: %w", e.Key, err)
		}
		seen[r.Key] = true
		out = append(out, r)
	}
	return out, nil
}

func (e Entry) record() (machine.Record, error) {
	if len(e.Value) == 0 {
		return machine.Record{Key: e.Key, Value: e.Bytes}, nil
	}
	value, err := json.Marshal(e.Value)
	return machine.Record{Key: e.Key, Value: value}, err
}
