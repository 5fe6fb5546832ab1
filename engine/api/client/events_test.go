package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/plans"
)

func readAll(text string, size int) (events []string, err error) {
	e := &eventReader{r: bufio.NewReaderSize(strings.NewReader(text), size), alive: func() {}}
	for {
		ev, err := e.next()
		if err != nil {
			return events, err
		}
		events = append(events, ev.name+"="+string(ev.data))
	}
}

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		err        error
	}{
		{"one", "event: plan\nid: 7\ndata: {}\n\n", []string{"plan={}"}, io.EOF},
		{"without a name", "data: a\n\n", []string{"message=a"}, io.EOF},
		{"several lines", "data: a\ndata:b\ndata\n\n", []string{"message=a\nb\n"}, io.EOF},
		{"comments and CRLF", ": hi\r\n\r\nevent: view\r\ndata: x\r\n\r\n", []string{"view=x"}, io.EOF},
		{"without data", "event: plan\n\ndata: a\n\n", []string{"message=a"}, io.EOF},
		{"cut off", "data: a\n\ndata: b\n", []string{"message=a"}, io.EOF},
		{"cut off in a line", "data: a\n\ndata: b", []string{"message=a"}, io.ErrUnexpectedEOF},
		{"long line", "data: " + strings.Repeat("x", 100) + "\n\n", []string{"message=" + strings.Repeat("x", 100)}, io.EOF},
		{"colons", "data: a:b: c\n\n", []string{"message=a:b: c"}, io.EOF},
	} {
		got, err := readAll(c.text, 16)
		if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v; events (-want +got):\n%s", c.name, err, c.err, diff)
		}
	}
}

func FuzzEvents(f *testing.F) {
	f.Add("event: plan\nid: 7\ndata: {}\n\n")
	f.Add(": c\r\n\r\ndata\ndata:\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		small, err := readAll(text, 16)
		if err == nil {
			t.Fatal("a text that ends gave no error")
		}
		large, _ := readAll(text, 4096)
		if diff := cmp.Diff(large, small); diff != "" {
			t.Errorf("the events depend on the size of the buffer (-4096 +16):\n%s", diff)
		}
		for _, ev := range small {
			if _, data, _ := strings.Cut(ev, "="); !strings.Contains(text, "data") && data != "" {
				t.Errorf("event %q from a text without data", ev)
			}
		}
	})
}

// silentTransport answers with a stream that sends one event and nothing more.
type silentTransport struct{ requests int }

func (s *silentTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	s.requests++
	body, w := io.Pipe()
	go io.WriteString(w, "event: plan\ndata: {\"name\":\"deploy\",\"status\":\"PENDING\"}\n\n")
	context.AfterFunc(r.Context(), func() { w.CloseWithError(r.Context().Err()) })
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: body, Request: r,
	}, nil
}

func TestAStreamWithoutHeartbeatsIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var lost []error
		transport := &silentTransport{}
		c, err := New(Config{
			URL: "http://x", HTTP: &http.Client{Transport: transport},
			Retrying: func(err error, wait time.Duration) { lost = append(lost, err) },
		})
		if err != nil {
			t.Fatal(err)
		}
		enough := errors.New("enough")
		views := 0
		err = c.Watch(t.Context(), "deploy", func(plans.View) error {
			if views++; views == 3 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || transport.requests != 3 || len(lost) != 2 || !errors.Is(lost[0], errSilent) {
			t.Errorf("Watch = %v after %d requests, losses %v; want 3 requests, and silence as the reason", err, transport.requests, lost)
		}
		if got, want := time.Since(begin), 2*silence+2*firstWait; got != want {
			t.Errorf("it took %v, want %v", got, want)
		}
	})
}

func TestLastLine(t *testing.T) {
	if got := lastLine(bytes.NewBufferString("Plan x not found\nplan \"x\": not found\n\n")); got != `plan "x": not found` {
		t.Errorf("lastLine = %q", got)
	}
}
