package recordio

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// DefaultMax is the longest record that a Reader takes unless told otherwise. One OFFERS event carries all offers of an
// allocation round, so it grows with the cluster: some 1 KB an offer, more with many disks.
const DefaultMax = 256 << 20

// maxDigits is as long as the length of a record can be written: the decimal digits of 2^64-1.
const maxDigits = 20

// firstStep is how much of an announced record is allocated before any of it has arrived.
const firstStep = 64 << 10

var (
	// ErrTooLong is wrapped when a record is announced that is longer than the maximum.
	ErrTooLong = errors.New("record too long")
	// ErrFraming is wrapped when what comes where a length should be is not one.
	ErrFraming = errors.New("not a record length")
)

// A buffer that is larger than keepAlways is given up when so many records in a row would have fitted into an eighth of it: the event with
// which a subscription begins can be much longer than any that follows.
const (
	keepAlways   = 1 << 20
	keepFor      = 16
	muchTooLarge = 8
)

// Reader takes records from a stream.
type Reader struct {
	in    *bufio.Reader
	max   uint64
	buf   []byte
	small int   // records in a row for which buf was much too large
	err   error // sticky: after a failure the position in the stream is not known
}

// NewReader returns a Reader of records of at most max bytes; zero or less means DefaultMax.
func NewReader(r io.Reader, max int) *Reader {
	if max <= 0 {
		max = DefaultMax
	}
	return &Reader{in: bufio.NewReader(r), max: uint64(max)}
}

// Next returns the next record. The bytes are valid until the next call. The error is io.EOF at the end of the stream,
// io.ErrUnexpectedEOF if that comes within a record, and the same one again after any error.
func (r *Reader) Next() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	n, err := r.length()
	if err == nil {
		err = r.fill(n)
	}
	if err != nil {
		r.err = err
		return nil, err
	}
	return r.buf, nil
}

// length reads up to and including the newline behind a length. Blank lines before it are skipped: Mesos never writes any,
// but clients are expected to tolerate them.
func (r *Reader) length() (int, error) {
	var digits [maxDigits]byte
	n, started := 0, false
	for {
		b, err := r.in.ReadByte()
		if err != nil {
			if err == io.EOF && started {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		switch {
		case b >= '0' && b <= '9':
			if n == maxDigits {
				return 0, fmt.Errorf("%w: more than %d digits", ErrFraming, maxDigits)
			}
			digits[n] = b
			n++
			started = true
		case b == '\n' && n > 0:
			return r.check(string(digits[:n]))
		case !started && (b == '\n' || b == '\r'):
		default:
			return 0, fmt.Errorf("%w: %q after %d digits", ErrFraming, b, n)
		}
	}
}

func (r *Reader) check(digits string) (int, error) {
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n > r.max {
		return 0, fmt.Errorf("%w: %s bytes, at most %d are allowed", ErrTooLong, digits, r.max)
	}
	return int(n), nil
}

// fill reads n bytes into the buffer, which grows with what arrives and not with what was announced.
func (r *Reader) fill(n int) error {
	r.shrink(n)
	r.buf = r.buf[:0]
	for len(r.buf) < n {
		have := len(r.buf)
		step := min(n-have, max(have, cap(r.buf)-have, firstStep))
		r.buf = slices.Grow(r.buf, step)[:have+step]
		if _, err := io.ReadFull(r.in, r.buf[have:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	if r.buf == nil {
		r.buf = []byte{}
	}
	return nil
}

// shrink gives up a buffer that has been much too large for a while.
func (r *Reader) shrink(n int) {
	if cap(r.buf) <= keepAlways || n > cap(r.buf)/muchTooLarge {
		r.small = 0
		return
	}
	if r.small++; r.small >= keepFor {
		r.buf, r.small = nil, 0
	}
}

// Append appends the record, framed, to dst.
func Append(dst, record []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(record)), 10)
	dst = append(dst, '\n')
	return append(dst, record...)
}

// Writer writes records to a stream.
type Writer struct {
	out io.Writer
	buf []byte
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{out: w} }

// Write writes one framed record with a single call to the underlying writer, so that it travels in one HTTP chunk, as
// Mesos's own do.
func (w *Writer) Write(record []byte) error {
	w.buf = Append(w.buf[:0], record)
	_, err := w.out.Write(w.buf)
	return err
}
