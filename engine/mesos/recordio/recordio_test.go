package recordio_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
)

// readAll returns copies of all records and the error that ended them.
func readAll(r *recordio.Reader) ([]string, error) {
	var out []string
	for {
		rec, err := r.Next()
		if err != nil {
			return out, err
		}
		out = append(out, string(rec))
	}
}

func TestReader(t *testing.T) {
	tests := []struct {
		name, in string
		max      int
		want     []string
		err      error
		text     string
	}{
		{name: "empty stream", err: io.EOF},
		{name: "two records", in: "3\nabc2\nde", want: []string{"abc", "de"}, err: io.EOF},
		{name: "record with newlines and digits", in: "4\n\n12\n1\nx", want: []string{"\n12\n", "x"}, err: io.EOF},
		{name: "empty record", in: "0\n1\na", want: []string{"", "a"}, err: io.EOF},
		{name: "blank lines before a length", in: "\n\r\n\n3\nabc\n\n", want: []string{"abc"}, err: io.EOF},
		{name: "twenty digits", in: "00000000000000000003\nabc", want: []string{"abc"}, err: io.EOF},
		{name: "end within a length", in: "3", err: io.ErrUnexpectedEOF},
		{name: "end before a record", in: "3\n", err: io.ErrUnexpectedEOF},
		{name: "end within a record", in: "1\na3\nab", want: []string{"a"}, err: io.ErrUnexpectedEOF},
		{name: "longest allowed", in: "5\nabcde", max: 5, want: []string{"abcde"}, err: io.EOF},
		{name: "too long", in: "6\nabcdef", max: 5, err: recordio.ErrTooLong, text: "record too long: 6 bytes, at most 5 are allowed"},
		{name: "beyond 64 bits", in: "99999999999999999999\n", err: recordio.ErrTooLong},
		{name: "too many digits", in: "000000000000000000003\nabc", err: recordio.ErrFraming, text: "not a record length: more than 20 digits"},
		{name: "negative", in: "-1\na", err: recordio.ErrFraming, text: "not a record length: '-' after 0 digits"},
		{name: "carriage return behind a length", in: "1\r\na", err: recordio.ErrFraming},
		{name: "a web page", in: "<html>", err: recordio.ErrFraming},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := recordio.NewReader(strings.NewReader(tt.in), tt.max)
			got, err := readAll(r)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if !errors.Is(err, tt.err) || (tt.text != "" && err.Error() != tt.text) {
				t.Errorf("error = %v, want %v %s", err, tt.err, tt.text)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("second error = %v, want the first again: %v", again, err)
			}
		})
	}
}

// A stream that announces much and sends little must not cost memory.
func TestReaderDoesNotTrustTheLength(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := recordio.NewReader(strings.NewReader("200000000\nabc"), 0)
	if _, err := r.Next(); err != io.ErrUnexpectedEOF {
		t.Fatalf("error = %v", err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 10<<20 {
		t.Errorf("reading 3 bytes of an announced 200 MB allocated %d bytes", got)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 0, 200)).Draw(t, "records")
		big := rapid.SliceOfN(rapid.Byte(), 1, 3).Draw(t, "big")
		records = append(records, bytes.Repeat(big, rapid.IntRange(0, 100_000).Draw(t, "times")))
		var stream bytes.Buffer
		w := recordio.NewWriter(&stream)
		var want []string
		for _, rec := range records {
			if rapid.Bool().Draw(t, "blank line before") {
				stream.WriteByte('\n')
			}
			if err := w.Write(rec); err != nil {
				t.Fatal(err)
			}
			want = append(want, string(rec))
		}
		var in io.Reader = &stream
		switch rapid.IntRange(0, 2).Draw(t, "cut") {
		case 1:
			in = iotest.OneByteReader(in)
		case 2:
			in = iotest.HalfReader(in)
		}
		got, err := readAll(recordio.NewReader(in, 0))
		if err != io.EOF {
			t.Fatalf("error = %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("records come out as they went in (-want +got):\n%s", diff)
		}
	})
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{"", "3\nabc", "\n\n3\nabc0\n", "99999999999999999999\n", "12", "5\nab"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, err1 := readAll(recordio.NewReader(bytes.NewReader(in), 1000))
		bytewise, err2 := readAll(recordio.NewReader(iotest.OneByteReader(bytes.NewReader(in)), 1000))
		if diff := cmp.Diff(whole, bytewise); diff != "" || err1.Error() != err2.Error() {
			t.Errorf("what is read depends on how it is cut: %v, %v\n%s", err1, err2, diff)
		}
		total := 0
		for _, rec := range whole {
			total += len(rec)
		}
		if total > len(in) {
			t.Errorf("%d bytes of records out of %d bytes", total, len(in))
		}
	})
}

// A buffer for one very long record is kept for others like it, but not for ever.
func TestLargeBuffersAreGivenUp(t *testing.T) {
	long, short := bytes.Repeat([]byte{'x'}, 4<<20), []byte("heartbeat")
	var in bytes.Buffer
	w := recordio.NewWriter(&in)
	write := func(record []byte, times int) {
		for range times {
			if err := w.Write(record); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(long, 1)
	write(short, 15)
	write(long, 1)
	write(short, 20)
	r := recordio.NewReader(&in, 0)
	large := 0
	for i := range 37 {
		rec, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if want := len(long); i == 0 || i == 16 {
			if len(rec) != want || rec[want-1] != 'x' {
				t.Errorf("record %d has %d bytes, want %d", i, len(rec), want)
			}
		} else if string(rec) != "heartbeat" {
			t.Errorf("record %d = %q", i, rec)
		}
		if cap(rec) >= len(long) {
			large++
		}
	}
	if large != 1+15+1+15 {
		t.Errorf("the buffer was large for %d records", large)
	}
}
