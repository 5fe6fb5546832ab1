package mesos_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
)

// A master that knows no operator API, or does not yet: what the older endpoints show decides whether a new framework is made.
func TestEndpointsInPlaceOfTheOperatorAPI(t *testing.T) {
	unknown := answer{status: http.StatusNotFound, text: "404 Not Found."}
	for _, tt := range []struct {
		name    string
		list    []existing
		answers map[string]answer // besides those of the operator API
		beside  bool
		want    string // "subscribes", "waits" or "ends"
		says    string
	}{
		{name: "nothing is there", want: "subscribes"},
		{name: "nothing is there, and only /state is let through", want: "subscribes", answers: map[string]answer{"/master/state": unknown, "/master/slaves": unknown}},
		{name: "an orphan", list: []existing{orphan()}, want: "subscribes", says: "framework M-0000 was left behind"},
		{name: "one of another name", list: []existing{orphan(func(e *existing) { e.name, e.tasks = "x", map[string]int{"tasks": 1} })}, want: "subscribes"},
		{name: "somebody is connected", list: []existing{orphan(func(e *existing) { e.connected = true })}, want: "waits", says: "is another instance at work?"},
		{name: "tasks run", list: []existing{orphan(func(e *existing) { e.tasks = map[string]int{"tasks": 2} })}, want: "ends", says: "2 tasks that may run"},
		{name: "a task has ended", list: []existing{orphan(func(e *existing) { e.tasks = map[string]int{"completed_tasks": 1} })}, want: "ends", says: "1 tasks that have ended"},
		{name: "a task is out of sight", list: []existing{orphan(func(e *existing) { e.tasks = map[string]int{"unreachable_tasks": 1} })}, want: "ends", says: "1 tasks that may run"},
		{name: "an executor", list: []existing{orphan(func(e *existing) { e.executors = 1 })}, want: "ends", says: "1 executors"},
		{name: "resources in use", list: []existing{orphan(func(e *existing) { e.allocated = true })}, want: "ends", says: "resources in use"},
		{name: "reservations", list: []existing{orphan(func(e *existing) { e.reserved = 1 })}, want: "ends", says: "1 reserved resources"},
		{name: "that of another master", list: []existing{orphan(func(e *existing) { e.id = "N-0000" })}, want: "ends", says: "from the time of another master"},
		{name: "agents are awaited", answers: map[string]answer{"/master/state": {status: 200, text: `{"id":"M","frameworks":[],"recovered_slaves":[{}]}`}}, want: "waits", says: "1 agents have not come back"},
		{name: "no agents are told", answers: map[string]answer{"/master/slaves": {status: 200, text: `{}`}}, want: "waits", says: "no slaves in it"},
		{name: "a web server", answers: map[string]answer{"/master/state": {status: 200, text: `<html>`}}, want: "waits", says: "answer not understood"},
		{name: "no endpoint is known", answers: map[string]answer{"/master/state": unknown, "/state": unknown}, want: "waits", says: "neither can be asked"},
		{name: "agents can't be asked", answers: map[string]answer{"/master/slaves": unknown, "/slaves": unknown}, want: "waits", says: "neither can be asked"},
		{name: "it may not be asked", answers: map[string]answer{"/master/state": {status: 403, text: "no"}}, want: "waits", says: "neither can be asked"},
		{name: "no endpoint is known, and that is all right", answers: map[string]answer{"/master/state": unknown, "/state": unknown}, beside: true, want: "subscribes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				r := &registry{list: tt.list, answers: map[string]answer{}}
				for _, call := range []string{"GET_FRAMEWORKS", "GET_STATE", "GET_MASTER", "GET_OPERATIONS", "TEARDOWN"} {
					r.answers[call] = unknown
				}
				for call, a := range tt.answers {
					r.answers[call] = a
				}
				m, h := begin(t, network, r, func(c *session.Config) { c.BesideNamesakes = tt.beside })
				h.after(5 * time.Minute)
				got, events := "waits", h.take()
				switch {
				case m.attempts() > 0:
					got = "subscribes"
				case len(events) > 0 && strings.Contains(fmt.Sprint(events[len(events)-1]), "true"):
					got = "ends"
				}
				if got != tt.want || !strings.Contains(fmt.Sprint(events), tt.says) || len(r.gone()) > 0 {
					t.Errorf("it %s, want that it %s and says %q: %v, calls %v", got, tt.want, tt.says, events, r.calls)
				}
				if got == "ends" {
					if err := h.result(); !errors.Is(err, session.ErrNamesake) {
						t.Errorf("run = %v", err)
					}
					return
				}
				h.stop()
			})
		})
	}
}

// Credentials that the operator API does not take are wrong: whoever was never subscribed learns it at once, and nothing is subscribed blindly.
func TestCredentialsThatTheOperatorAPIDoesNotTake(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		r := &registry{answers: map[string]answer{"GET_FRAMEWORKS": {status: 401, text: "no"}}}
		m, h := begin(t, network, r, func(c *session.Config) {
			c.Framework.Principal, c.Credentials = "store", session.Basic{Principal: "store", Secret: "x"}
		})
		h.after(time.Minute)
		const want = "401 no; it wants other credentials than it got"
		if err := h.result(); !errors.Is(err, session.ErrRefused) || !strings.Contains(err.Error(), want) || m.attempts() > 0 {
			t.Errorf("run = %v, %d SUBSCRIBEs; want %s", err, m.attempts(), want)
		}
	})
}
