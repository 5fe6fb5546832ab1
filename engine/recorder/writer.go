package recorder

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// writer writes segments. After an error it must not be used but for close.
type writer struct {
	cfg  Config
	file *os.File
	out  *bufio.Writer
	size int64 // of the segment, without its snapshot
	full bool  // the loop was told that the segment is full
}

// batch writes what the loop handed over.
func (w *writer) batch(b batch) error {
	for _, t := range b.takes {
		if err := w.take(t); err != nil {
			return err
		}
	}
	if b.decide != nil {
		if err := w.decision(b.decide); err != nil {
			return err
		}
	}
	if b.end != "" {
		if err := w.line(line{End: &endLine{Reason: b.end, State: b.state}}); err != nil {
			return err
		}
	}
	if b.start != nil {
		return w.begin(b.start)
	}
	return nil
}

// take writes an event. That is most of a recording, so it is put together from what is JSON already.
func (w *writer) take(t taken) error {
	event, err := encodeEvent(t.event)
	if err != nil {
		return err
	}
	if event.Gob != nil {
		return w.line(line{Take: &takeLine{At: t.at, Event: event}})
	}
	at, err := t.at.MarshalJSON()
	if err != nil {
		return err
	}
	return w.text([]byte(`{"take":{"at":`), at, []byte(`,"event":{"type":"`+event.Type+`","value":`), event.Value, []byte(`}}}`))
}

func (w *writer) decision(d *decision) error {
	l := decideLine{Number: d.number, At: d.at, Random: hexOf(d.random), State: d.state}
	if d.effects != nil {
		digest, err := digestEffects(*d.effects)
		if err != nil {
			return err
		}
		l.Effects = digest
	}
	return w.line(line{Decide: &l})
}

// begin ends the segment, and begins the next one.
func (w *writer) begin(o *opening) error {
	if err := w.rotate(); err != nil {
		return err
	}
	names, err := segmentNames(w.cfg.Dir)
	if err != nil {
		return err
	}
	number := 1
	if len(names) > 0 {
		number = segmentNumber(names[len(names)-1]) + 1
	}
	if err := w.forget(names); err != nil {
		return err
	}
	w.file, err = os.OpenFile(filepath.Join(w.cfg.Dir, segmentName(number)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w.out = bufio.NewWriterSize(w.file, 1<<16)
	o.head.Number = number
	if err := w.line(line{Segment: &o.head}); err != nil {
		return err
	}
	for _, r := range o.records {
		if err := w.line(line{Record: &recordLine{Key: r.Key, Value: json.RawMessage(r.Value)}}); err != nil {
			return err
		}
	}
	for i := range o.parts {
		if err := w.line(line{Part: &o.parts[i]}); err != nil {
			return err
		}
	}
	err = w.line(line{Begin: &beginLine{State: o.state}})
	w.size, w.full = 0, false
	return err
}

// forget deletes the oldest segments, so that there is room for another one.
func (w *writer) forget(names []string) error {
	for len(names) > 0 && len(names) >= w.cfg.Segments {
		if err := os.Remove(filepath.Join(w.cfg.Dir, names[0])); err != nil {
			return err
		}
		names = names[1:]
	}
	return nil
}

func (w *writer) line(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return w.text(text)
}

// text writes a line that is given in parts.
func (w *writer) text(parts ...[]byte) error {
	if w.out == nil {
		return errors.New("no segment has begun")
	}
	length := 0
	for _, p := range parts {
		length += len(p)
		if _, err := w.out.Write(p); err != nil {
			return err
		}
	}
	w.size += int64(length) + 1
	if length >= maxLine {
		return fmt.Errorf("line: %d bytes: longer than the %d that can be read again", length, maxLine)
	}
	return w.out.WriteByte('\n')
}

func (w *writer) flush() error {
	if w.out == nil {
		return nil
	}
	return w.out.Flush()
}

// rotate closes the segment and compresses it.
func (w *writer) rotate() error {
	if w.file == nil {
		return nil
	}
	name := w.file.Name()
	if err := w.close(); err != nil {
		return err
	}
	return compress(name)
}

// close writes out and closes the segment. It stays as it is: the last one is what is most likely to be looked at.
func (w *writer) close() error {
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.out.Flush(), w.file.Sync(), w.file.Close())
	w.file, w.out = nil, nil
	return err
}

// compressClosed compresses what earlier processes left.
func (w *writer) compressClosed() error {
	names, err := segmentNames(w.cfg.Dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if filepath.Ext(name) == gzipped {
			continue
		}
		if err := compress(filepath.Join(w.cfg.Dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// compress replaces a segment by its compressed form. A crash leaves the one or the other, or both.
func compress(name string) (err error) {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	unfinished := name + ".tmp"
	out, err := os.OpenFile(unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	z, _ := gzip.NewWriterLevel(out, gzip.BestSpeed) // the level is valid
	_, err = io.Copy(z, in)
	err = errors.Join(err, z.Close(), out.Sync(), out.Close())
	if err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	if err := os.Rename(unfinished, name+gzipped); err != nil {
		return err
	}
	return os.Remove(name)
}
