package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// event is a server-sent event (HTML standard, 9.2.6); ids and retry times are of no use here and not kept.
type event struct {
	name string // "message" if the server gave none
	data []byte
}

// maxLine is the longest line in bytes that is accepted.
const maxLine = maxAnswer

var errLongLine = errors.New("a line of the stream is too long")

// eventReader reads events from a stream.
type eventReader struct {
	r *bufio.Reader
	// alive is called for every line, comments included.
	alive func()
}

// next returns the next event that has data, or the error that ended the stream: io.EOF if the server did. An event that the
// end of the stream cuts off is dropped, as the standard wants.
func (e *eventReader) next() (event, error) {
	ev := event{name: "message"}
	some := false
	for {
		line, err := e.line()
		if err != nil {
			return event{}, err
		}
		if len(line) == 0 {
			if some {
				return ev, nil
			}
			ev = event{name: "message"}
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			ev.name = string(value)
		case "data":
			if some {
				ev.data = append(ev.data, '\n')
			}
			ev.data = append(ev.data, value...)
			some = true
		}
	}
}

// line returns the next line without its end, which is \n or \r\n. (The standard also knows a lone \r; our server does not
// send it, and JSON does not contain it.)
func (e *eventReader) line() ([]byte, error) {
	var line []byte
	for {
		part, err := e.r.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, errLongLine
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			e.alive()
			continue
		}
		if err != nil {
			if errors.Is(err, io.EOF) && len(line) > 0 {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, err
		}
		e.alive()
		return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
	}
}
