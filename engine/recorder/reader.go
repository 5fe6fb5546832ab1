package recorder

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxLine is the length of the longest line that is read: offers of a whole cluster are one.
const maxLine = 512 << 20

// errTorn says that the end of a segment is missing: whoever wrote it was killed. All lines before are whole.
var errTorn = errors.New("torn")

// reader reads the lines of a segment.
type reader struct {
	name   string
	number int // of the last line
	in     *bufio.Reader
	closer io.Closer
}

func open(name string) (*reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r := &reader{name: name, in: bufio.NewReaderSize(f, 1<<16), closer: f}
	if !strings.HasSuffix(name, gzipped) {
		return r, nil
	}
	z, err := gzip.NewReader(r.in)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.in = bufio.NewReaderSize(z, 1<<16)
	return r, nil
}

func (r *reader) close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// next returns the next line. The error is io.EOF after the last one, and errTorn if that is not whole.
func (r *reader) next() (line, error) {
	text, err := r.text()
	if err != nil {
		return line{}, err
	}
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return line{}, r.errorf("not readable: %w", err)
	}
	if n := l.fields(); n != 1 {
		return line{}, r.errorf("not readable: %d known keys, want 1", n)
	}
	return l, nil
}

// text reads up to the next line break, which is cut off.
func (r *reader) text() ([]byte, error) {
	var whole []byte
	for {
		part, err := r.in.ReadSlice('\n')
		whole = append(whole, part...)
		switch {
		case err == nil:
			r.number++
			return whole[:len(whole)-1], nil
		case len(whole) > maxLine:
			r.number++
			return nil, r.errorf("longer than %d bytes", maxLine)
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(whole) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errTorn
		default:
			r.number++
			return nil, r.errorf("%w", err)
		}
	}
}

func (r *reader) errorf(text string, args ...any) error {
	return fmt.Errorf("%s: line %d: "+text, append([]any{r.name, r.number}, args...)...)
}

func (l line) fields() int {
	n := 0
	for _, set := range []bool{
		l.Segment != nil, l.Record != nil, l.Part != nil, l.Begin != nil, l.Take != nil, l.Decide != nil, l.End != nil,
	} {
		if set {
			n++
		}
	}
	return n
}

// head reads the head of a segment.
func (r *reader) head() (Segment, error) {
	l, err := r.next()
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, errTorn):
		return Segment{}, errTorn
	case err != nil:
		return Segment{}, fmt.Errorf("%w (is it a recording?)", err)
	case l.Segment == nil:
		return Segment{}, r.errorf("not a recording: no head")
	case l.Segment.Format > format:
		return Segment{}, r.errorf("format %d is newer than %d, the newest that this program reads; replay it with the version that wrote it: %s",
			l.Segment.Format, format, l.Segment.Version)
	case l.Segment.Format < 1:
		return Segment{}, r.errorf("not a recording: no format")
	}
	return *l.Segment, nil
}
