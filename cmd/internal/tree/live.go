package tree

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// Frame is what Live shows next.
type Frame struct {
	View plans.View
	// Note is shown below the plan, for instance that the connection is lost; empty: none.
	Note string
}

const (
	// tick makes ages move.
	tick = time.Second
	// framePause is the least time between two pictures: at most five a second.
	framePause = 200 * time.Millisecond
)

// Control sequences (ECMA-48, and DEC private modes 7 and 25).
const (
	enterLive = "\x1b[?25l\x1b[?7l" // hide the cursor; cut long lines at the edge
	leaveLive = "\x1b[?7h\x1b[?25h"
	clearAll  = "\x1b[2J\x1b[H"
	eraseLine = "\x1b[K" // to the right
	eraseDown = "\x1b[J"
)

// Live shows frames until the channel is closed or the context ends. On a terminal it redraws the plan in place, at least
// once a second so that ages move and at most five times a second, in the terminal's size of that moment; the last picture
// stays. Elsewhere it writes the lines of Lines, and no control characters.
//
// It reads frames as they come and shows only the newest, so a slow terminal does not delay who sends them for longer than
// one write takes. It returns nil when the channel is closed, the context's error when that ended first, or the error of
// writing.
func Live(ctx context.Context, s Screen, frames <-chan Frame) error {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Size == nil {
		return liveLines(ctx, s, frames)
	}
	p := &painter{screen: s}
	if _, err := io.WriteString(s.Out, enterLive); err != nil {
		return err
	}
	err := p.run(ctx, frames)
	if _, restore := io.WriteString(s.Out, leaveLive); err == nil {
		err = restore
	}
	return err
}

// liveLines is Live without a terminal.
func liveLines(ctx context.Context, s Screen, frames <-chan Frame) error {
	var lines Lines
	note := ""
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f, more := <-frames:
			if !more {
				return nil
			}
			now := s.Now()
			next := lines.Next(f.View, now)
			if f.Note != note {
				note = f.Note
				if note != "" {
					next = append(next, joinCells([]string{now.Format(time.TimeOnly), note}))
				}
			}
			for _, l := range next {
				if _, err := fmt.Fprintln(s.Out, l); err != nil {
					return err
				}
			}
		}
	}
}

// painter redraws a plan in place.
type painter struct {
	screen        Screen
	frame         Frame
	some          bool // there is a frame
	at            time.Time
	lines         int // height of the last picture
	width, height int // of the terminal when it was drawn
	last          []byte
}

// run paints until there is nothing more to show.
func (p *painter) run(ctx context.Context, frames <-chan Frame) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var pause *time.Timer
	var paint <-chan time.Time
	defer func() {
		if pause != nil {
			pause.Stop()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			if err := p.paint(); err != nil {
				return err
			}
			return ctx.Err()
		case f, more := <-frames:
			if !more {
				return p.paint()
			}
			p.frame, p.some = f, true
			if paint == nil {
				pause = time.NewTimer(framePause - time.Since(p.at))
				paint = pause.C
			}
		case <-paint:
			paint = nil
			if err := p.paint(); err != nil {
				return err
			}
		case <-ticker.C:
			if paint != nil {
				continue // a picture is due anyway
			}
			if err := p.paint(); err != nil {
				return err
			}
		}
	}
}

// paint draws the newest frame over the picture before it. Lines are overwritten and only their rests erased, in one write,
// so that nothing flickers.
func (p *painter) paint() error {
	if !p.some {
		return nil
	}
	p.at = time.Now()
	width, height := p.screen.Size()
	var picture bytes.Buffer
	// One column and one line stay free: writing into the last ones makes terminals wrap and scroll.
	err := Render(&picture, p.frame.View, Options{
		Now: p.screen.Now(), Width: max(width-1, 0), Height: max(height-1, 0),
		Colour: p.screen.Colour, ASCII: p.screen.ASCII, Note: p.frame.Note,
	})
	if err != nil {
		return err
	}
	resized := p.last != nil && (width != p.width || height != p.height)
	if !resized && bytes.Equal(picture.Bytes(), p.last) {
		return nil
	}
	var out bytes.Buffer
	switch {
	case resized: // lines may have been wrapped anew, so where the old picture begins is not known
		out.WriteString(clearAll)
	case p.lines > 0:
		fmt.Fprintf(&out, "\x1b[%dA\r", p.lines)
	}
	out.Write(bytes.ReplaceAll(picture.Bytes(), []byte("\n"), []byte(eraseLine+"\r\n")))
	out.WriteString(eraseDown)
	p.lines, p.width, p.height = bytes.Count(picture.Bytes(), []byte("\n")), width, height
	p.last = picture.Bytes()
	_, err = p.screen.Out.Write(out.Bytes())
	return err
}
