package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/backup"
	"github.com/quobyte/mesos-framework/engine/machine"
)

func exportServer(t *testing.T, export func(context.Context) (backup.File, error)) *httptest.Server {
	s := httptest.NewServer(New(Config{Backend: newFake(nil), Export: export}))
	t.Cleanup(s.Close)
	return s
}

func exported(t *testing.T, s *httptest.Server) (*http.Response, []byte, error) {
	t.Helper()
	resp, err := http.Get(s.URL + "/v1/state/export")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(resp.Body)
	return resp, body.Bytes(), err
}

func TestTheStateIsExported(t *testing.T) {
	file := backup.New(backup.Head{Service: "quobyte", ExportedAt: time.Unix(1e9, 0).UTC()}, []machine.Record{{Key: "a", Value: []byte(`{"b":1}`)}})
	resp, body, err := exported(t, exportServer(t, func(context.Context) (backup.File, error) { return file, nil }))
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%v %v", resp, err)
	}
	back, err := backup.Read(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := file.Records()
	got, err := back.Records()
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestExportsThatFail(t *testing.T) {
	resp, body, _ := exported(t, exportServer(t, func(context.Context) (backup.File, error) { return backup.File{}, errors.New("busy") }))
	if resp.StatusCode != http.StatusServiceUnavailable || string(body) != "busy\n" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	resp, _, _ = exported(t, exportServer(t, nil))
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("without a state: %d", resp.StatusCode)
	}
	// What can't be written ends the connection, so that nobody takes what came for the whole.
	broken := backup.New(backup.Head{}, []machine.Record{{Key: "a", Value: []byte(strings.Repeat("1", 100<<10))}, {Key: "b", Value: []byte("2")}})
	broken.Entries[1].Value = []byte("{")
	_, body, err := exported(t, exportServer(t, func(context.Context) (backup.File, error) { return broken, nil }))
	if err == nil || len(body) == 0 {
		t.Errorf("%d bytes, %v: want a part, and an error", len(body), err)
	}
}

// An export takes memory: there is one at a time.
func TestOneExportAtATime(t *testing.T) {
	begun, end := make(chan bool), make(chan bool)
	s := exportServer(t, func(context.Context) (backup.File, error) {
		begun <- true
		<-end
		return backup.New(backup.Head{}, nil), nil
	})
	first := make(chan int)
	go func() {
		resp, err := http.Get(s.URL + "/v1/state/export")
		if err != nil {
			first <- 0
			return
		}
		resp.Body.Close()
		first <- resp.StatusCode
	}()
	<-begun
	if resp, body, _ := exported(t, s); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "another export is under way") {
		t.Errorf("the second: %d %s", resp.StatusCode, body)
	}
	close(end)
	if code := <-first; code != http.StatusOK {
		t.Errorf("the first: %d", code)
	}
}
