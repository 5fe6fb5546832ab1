package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/plans"
)

// terminal is a screen that remembers what was written, and understands as much of it as Live uses.
type terminal struct {
	mu            sync.Mutex
	width, height int
	writes        []string
	lines         []string
	row           int
	hidden        bool
}

func (m *terminal) Size() (int, int) {
	defer m.lock()()
	return m.width, m.height
}

func (m *terminal) lock() (unlock func()) {
	m.mu.Lock()
	return m.mu.Unlock
}

func (m *terminal) resize(width int) {
	defer m.lock()()
	m.width = width
}

func (m *terminal) pictures() int {
	defer m.lock()()
	return len(m.writes) - 1 // the first one hides the cursor
}

// shows returns the lines on the screen and whether the cursor is hidden.
func (m *terminal) shows() (lines []string, hidden bool) {
	defer m.lock()()
	return slices.Clone(m.lines), m.hidden
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (m *terminal) Write(p []byte) (int, error) {
	defer m.lock()()
	m.writes = append(m.writes, string(p))
	for s := string(p); s != ""; {
		s = m.step(s)
	}
	return len(p), nil
}

// step carries out the first sequence or line of s and returns the rest.
func (m *terminal) step(s string) string {
	sequences := []struct {
		text string
		do   func()
	}{
		{enterLive, func() { m.hidden = true }},
		{leaveLive, func() { m.hidden = false }},
		{clearAll, func() { m.lines, m.row = nil, 0 }},
		{eraseDown, func() { m.lines = m.lines[:m.row] }},
	}
	for _, q := range sequences {
		if rest, ok := strings.CutPrefix(s, q.text); ok {
			q.do()
			return rest
		}
	}
	var up int
	if n, _ := fmt.Sscanf(s, "\x1b[%dA\r", &up); n == 1 {
		m.row -= up
		return s[strings.Index(s, "\r")+1:]
	}
	text, rest, ok := strings.Cut(s, eraseLine+"\r\n")
	if !ok || strings.Contains(text, "\x1b") {
		panic(fmt.Sprintf("the terminal does not understand %q", s))
	}
	if m.row == len(m.lines) {
		m.lines = append(m.lines, "")
	}
	m.lines[m.row] = text
	m.row++
	return rest
}

func (m *terminal) screen() Screen {
	return Screen{Out: m, Size: m.Size, ASCII: true}
}

// start runs Live on the terminal.
func (m *terminal) start(ctx context.Context) (frames chan Frame, done chan error) {
	frames, done = make(chan Frame), make(chan error, 1)
	go func() { done <- Live(ctx, m.screen(), frames) }()
	return frames, done
}

func TestLiveRedrawsInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &terminal{width: 100, height: 40}
		frames, done := m.start(t.Context())
		v := inTheMiddle()
		frames <- Frame{View: v}
		synctest.Wait()
		lines, hidden := m.shows()
		if !hidden || len(lines) < 15 {
			t.Fatalf("after the first frame: cursor hidden %v and %d lines, want true and the whole plan:\n%q", hidden, len(lines), lines)
		}

		v.Phases = v.Phases[:2]
		frames <- Frame{View: v, Note: "connection lost"}
		pass(framePause)
		lines, _ = m.shows()
		if text := strings.Join(lines, "\n"); strings.Contains(text, "metadata") || !strings.Contains(text, "connection lost") {
			t.Errorf("the second frame has not taken the place of the first:\n%s", text)
		}

		m.resize(30)
		pass(tick)
		lines, _ = m.shows()
		for _, l := range lines {
			if textWidth(l) > 29 {
				t.Errorf("line %q is too wide after the terminal became narrow", l)
			}
		}

		close(frames)
		if err := <-done; err != nil {
			t.Error(err)
		}
		lines, hidden = m.shows()
		if hidden || !strings.Contains(strings.Join(lines, "\n"), "registry") {
			t.Errorf("after the end: cursor hidden %v, want it back and the last frame left:\n%q", hidden, lines)
		}
	})
}

func TestLiveMovesAgesAndLimitsFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &terminal{width: 100, height: 40}
		frames, done := m.start(t.Context())
		v := inTheMiddle()
		v.Run.StartedAt = time.Now()
		for range 100 { // a second of changes every 10 ms
			v.StepsDone++
			frames <- Frame{View: v}
			pass(10 * time.Millisecond)
		}
		if n := m.pictures(); n < 4 || n > 6 {
			t.Errorf("%d pictures in a second, want about 5", n)
		}
		pass(10 * time.Second)
		lines, _ := m.shows()
		if !strings.Contains(lines[0], "running for 11s") && !strings.Contains(lines[0], "running for 10s") {
			t.Errorf("first line %q, want an age of 10 or 11 s", lines[0])
		}
		close(frames)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestLiveEndsWithItsContextAndRestoresTheTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &terminal{width: 100, height: 40}
		ctx, cancel := context.WithCancel(t.Context())
		frames, done := m.start(ctx)
		frames <- Frame{View: inTheMiddle()}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Live returned %v, want the context's error", err)
		}
		if lines, hidden := m.shows(); hidden || len(lines) == 0 {
			t.Errorf("cursor hidden %v with %d lines, want it back and the last frame drawn", hidden, len(lines))
		}
	})
}

func TestLiveWithoutATerminalWritesLines(t *testing.T) {
	var out bytes.Buffer
	frames := make(chan Frame, 3)
	v := plan(plans.InProgress, phase("data", plans.Started, noon, many("data", 0, 1, plans.Started)...))
	frames <- Frame{View: v}
	frames <- Frame{View: v, Note: "connection lost"}
	frames <- Frame{View: v, Note: "connection lost"}
	close(frames)
	err := Live(t.Context(), Screen{Out: &out, Now: func() time.Time { return noon }}, frames)
	if err != nil {
		t.Fatal(err)
	}
	want := `12:00:00  deploy  IN_PROGRESS  0 of 1 step
12:00:00  data  STARTED  0 of 1 step
12:00:00  data-0:[server]  STARTED  127.0.1.1
12:00:00  connection lost
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if clean(strings.ReplaceAll(out.String(), "\n", "")) != strings.ReplaceAll(out.String(), "\n", "") {
		t.Error("the output has control characters")
	}
}

func TestLiveReportsAClosedOutput(t *testing.T) {
	frames := make(chan Frame, 1)
	frames <- Frame{View: inTheMiddle()}
	if err := Live(t.Context(), Screen{Out: brokenPipe{}}, frames); err == nil {
		t.Error("Live returned nil, want the error of the writer")
	}
}

func TestScreenOfAFileIsNoTerminal(t *testing.T) {
	s := ScreenOf(&bytes.Buffer{}, func(name string) string {
		return map[string]string{"LC_ALL": "", "LANG": "C"}[name]
	})
	if s.Size != nil || s.Colour || !s.ASCII {
		t.Errorf("ScreenOf = %+v, want no size and no colour, and ASCII for LANG=C", s)
	}
	if asciiLocale(func(string) string { return "" }) {
		t.Error("an unset locale rules out Unicode")
	}
	if asciiLocale(func(name string) string { return map[string]string{"LANG": "de_DE.UTF-8"}[name] }) {
		t.Error("LANG=de_DE.UTF-8 rules out Unicode")
	}
}
