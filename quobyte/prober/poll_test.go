package prober

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/quobyte"
)

func TestPoll(t *testing.T) {
	answers := http.NewServeMux()
	answers.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "OK") })
	answers.HandleFunc("/no-majority", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "replica set has no\tmajority: 1 of 3 up\nsecond line", http.StatusServiceUnavailable)
	})
	answers.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("x", 100_000), http.StatusInternalServerError)
	})
	answers.HandleFunc("/silent", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	answers.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "\n <!DOCTYPE html>\n<html><body>down</body></html>")
	})
	answers.HandleFunc("/html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "down<br>")
	})
	answers.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/no-majority", http.StatusFound) })
	answers.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	server := httptest.NewServer(answers)
	defer server.Close()

	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + gone.Addr().String() + "/"
	gone.Close()

	tests := []struct {
		url       string
		anyAnswer bool
		want      string // empty: healthy
	}{
		{server.URL + "/ok", false, ""},
		{server.URL + "/ok", true, ""},
		{server.URL + "/no-majority", false, "replica set has no majority: 1 of 3 up (HTTP 503)"},
		{server.URL + "/no-majority", true, "replica set has no majority: 1 of 3 up (HTTP 503)"},
		{server.URL + "/long", false, strings.Repeat("x", maxReason) + " (HTTP 500)"},
		{server.URL + "/silent", false, server.URL + "/silent: HTTP 502"},
		{server.URL + "/page", true, server.URL + "/page: HTTP 503"},
		{server.URL + "/html", false, server.URL + "/html: HTTP 503"},
		{server.URL + "/elsewhere", true, ""},
		{server.URL + "/nowhere", true, ""},
		{server.URL + "/nowhere", false, "404 page not found (HTTP 404)"},
		{server.URL + "/broken", false, server.URL + "/broken: connection broken"},
		{refused, true, refused + ": connection refused"},
		{"http://[::1", false, `url "http://[::1": can't be asked`},
	}
	var list quobyte.Watchlist
	var want []quobyte.PodHealth
	for i, test := range tests {
		id := fmt.Sprintf("pod-%02d", i)
		list.Pods = append(list.Pods, quobyte.WatchedPod{TaskID: id, URL: test.url, AnyAnswer: test.anyAnswer})
		want = append(want, quobyte.PodHealth{TaskID: id, Healthy: test.want == "", Text: test.want})
	}
	cfg, _ := Config{DeviceDir: "/mnt", Interval: time.Second, Session: newFakeSession()}.complete()
	got := newPoller(cfg.Transport, time.Minute).poll(t.Context(), list)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
}

// transport is a RoundTripper made of a function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}
}

func TestPollAsksAFewAtATimeAndWaitsForNobodyLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asking, most := 0, 0
		silent := transport(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			asking++
			most = max(most, asking)
			mu.Unlock()
			<-r.Context().Done()
			mu.Lock()
			asking--
			mu.Unlock()
			return nil, r.Context().Err()
		})
		var list quobyte.Watchlist
		for i := range 3 * pollers {
			list.Pods = append(list.Pods, quobyte.WatchedPod{TaskID: fmt.Sprint(i), URL: "http://host/"})
		}
		start := time.Now()
		for _, h := range newPoller(silent, 3*time.Second).poll(context.Background(), list) {
			if h.Healthy || h.Text != "http://host/: no answer within 3s" {
				t.Fatalf("health %+v", h)
			}
		}
		if took := time.Since(start); most != pollers || took != 9*time.Second {
			t.Errorf("%d pods were asked %d at a time, which took %v", len(list.Pods), most, took)
		}
	})
}
