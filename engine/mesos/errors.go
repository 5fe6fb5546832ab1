package mesos

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// The errors that make trying again pointless. Run wraps one of them, with the words of the master and what to do.
var (
	// ErrFailedOver: another instance subscribed with the same framework id. Two instances that both insisted would take
	// the subscription from each other for ever. It may also have been a late SUBSCRIBE of our own; see the package comment.
	ErrFailedOver = errors.New("framework failed over")
	// ErrRemoved: the framework was torn down, or was gone for longer than its failover timeout. Its tasks are killed, and
	// its id can never be used again.
	ErrRemoved = errors.New("framework removed")
	// ErrRefused: the master does not want this framework as it is.
	ErrRefused = errors.New("subscription refused")
)

// fatal says whether there is no point in subscribing again.
func fatal(err error) bool {
	return errors.Is(err, ErrFailedOver) || errors.Is(err, ErrRemoved) || errors.Is(err, ErrRefused)
}

// eventError is what the text of an ERROR event means. Mesos refuses a subscription with a 200 and an ERROR event; once
// subscribed, texts other than the two that are known may pass.
func eventError(at endpoint, text string, subscribed bool) error {
	switch {
	case strings.EqualFold(text, "Framework failed over"):
		return fmt.Errorf("%w: %s: another instance subscribed with this framework id and took over; run only one", ErrFailedOver, at)
	case strings.EqualFold(text, "Framework has been removed"):
		return fmt.Errorf("%w: %s: it was torn down or gone for longer than its failover timeout, and its tasks are killed; "+
			"forget the stored framework id to start as a new framework", ErrRemoved, at)
	case !subscribed:
		return fmt.Errorf("%w: %s: %s; correct the framework's settings", ErrRefused, at, text)
	}
	return fmt.Errorf("%s: error event: %s", at, text)
}

// subscribeError is what an answer to SUBSCRIBE other than 200 and 307 means.
func subscribeError(at endpoint, status int, text string) error {
	switch status {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w: %s: 401 %s; it wants credentials, or wants others than it got", ErrRefused, at, text)
	case http.StatusForbidden:
		return fmt.Errorf("%w: %s: 403 %s; the framework's principal is not allowed to subscribe", ErrRefused, at, text)
	case http.StatusBadRequest, http.StatusNotAcceptable, http.StatusUnsupportedMediaType:
		return fmt.Errorf("%w: %s: %d %s", ErrRefused, at, status, text)
	case http.StatusNotFound:
		return fmt.Errorf("%s: 404 %s: it is still starting, or it is no Mesos master", at, text)
	case http.StatusServiceUnavailable:
		return fmt.Errorf("%s: not ready: %s", at, text)
	}
	return fmt.Errorf("%s: unexpected answer %d %s", at, status, text)
}

// verdict is what the answer to a call means for the call and for the subscription.
type verdict int

const (
	accepted  verdict = iota // carried out, or will be: what is wrong in it comes back as an event
	refused                  // not carried out, through a fault of ours
	ambiguous                // perhaps carried out
	lost                     // not carried out, because the subscription is over
)

// judge knows the answers of a master to calls other than SUBSCRIBE.
func judge(status int, text string) verdict {
	switch {
	case status >= 200 && status < 300:
		return accepted
	case status == http.StatusTemporaryRedirect, status == http.StatusForbidden, status == http.StatusNotFound:
		// It leads no more; the framework is not subscribed; it was restarted and has no routes yet.
		return lost
	case status == http.StatusBadRequest && subscriptionGone(text):
		return lost
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return ambiguous
	case status >= 400 && status < 500:
		return refused
	}
	return ambiguous
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
