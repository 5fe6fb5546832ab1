package wire

import (
	"net/http"
	"strings"
)

// Verdict is what the answer to a call means for the call and for the subscription that it belongs to.
type Verdict int

const (
	Accepted  Verdict = iota // carried out, or will be: what is wrong in it comes back as an event
	Refused                  // not carried out, through a fault of ours
	Ambiguous                // perhaps carried out
	Lost                     // not carried out, because the subscription is over
)

// Judge knows the answers of a master to calls other than SUBSCRIBE: their HTTP status and text.
func Judge(status int, text string) Verdict {
	switch {
	case status >= 200 && status < 300:
		return Accepted
	case status == http.StatusTemporaryRedirect, status == http.StatusForbidden, status == http.StatusNotFound:
		// It leads no more, and to follow was no use; the framework is not subscribed; it was restarted and has no routes yet.
		return Lost
	case status == http.StatusBadRequest && subscriptionGone(text), status == http.StatusServiceUnavailable && Starting(text):
		return Lost
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return Ambiguous
	case status >= 400 && status < 500:
		return Refused
	}
	return Ambiguous
}

// Starting recognises what masters say before they know their frameworks again.
func Starting(text string) bool {
	for _, s := range []string{"Framework cannot be found", "Framework is not subscribed", "has not finished recovery", "No leader elected"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// subscriptionGone recognises the 400s that do not blame the call: the stream id is not that of the framework's present
// subscription, or the master does not know the framework.
func subscriptionGone(text string) bool {
	for _, s := range []string{"stream ID", "Mesos-Stream-Id", "Framework cannot be found"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}
