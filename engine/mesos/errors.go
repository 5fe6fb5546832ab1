package mesos

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/quobyte/mesos-framework/engine/mesos/wire"
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
	// ErrNamesake: a new framework is wanted, and there is one already that could be it, with something that would be orphaned.
	ErrNamesake = errors.New("framework exists")
)

// fatal says whether there is no point in subscribing again.
func fatal(err error) bool {
	return errors.Is(err, ErrFailedOver) || errors.Is(err, ErrRemoved) || errors.Is(err, ErrRefused) || errors.Is(err, ErrNamesake)
}

// eventError is what the text of an ERROR event means. Mesos refuses a subscription with a 200 and an ERROR event. All but three
// texts may pass: roles and rights are given and taken while masters run.
func eventError(at endpoint, text string, subscribed bool) error {
	switch {
	case strings.EqualFold(text, "Framework failed over"):
		return fmt.Errorf("%w: %s: another instance subscribed with this framework id and took over; run only one", ErrFailedOver, at)
	case strings.EqualFold(text, "Framework has been removed"):
		return fmt.Errorf("%w: %s: it was torn down or gone for longer than its failover timeout, and its tasks are killed; "+
			"forget the stored framework id to start as a new framework", ErrRemoved, at)
	case fixedSetting(text) != "":
		return settingError(at, fixedSetting(text), text)
	case !subscribed:
		return fmt.Errorf("%s: subscription refused: %s; correct the framework's settings or its rights", at, text)
	}
	return fmt.Errorf("%s: error event: %s", at, text)
}

// fixedSetting is the setting that the words of a master say can't be changed; empty: they say nothing of that kind.
func fixedSetting(text string) string {
	if strings.Contains(text, "Changing framework's principal") {
		return "principal"
	}
	for _, name := range []string{"principal", "user", "checkpoint"} {
		if strings.Contains(text, "Updating 'FrameworkInfo."+name+"' is unsupported") {
			return name
		}
	}
	return ""
}

func settingError(at endpoint, name, text string) error {
	return fmt.Errorf("%w: %s: %s; Mesos never changes the %s of a framework: set it back to what it was, or forget the stored framework id "+
		"to start as a new framework", ErrRefused, at, text, name)
}

// subscribeError is what an answer to SUBSCRIBE other than 200 and 307 means. Who was never subscribed had better learn at once that
// the settings are wrong; for who was (proven), they have been right, and what the master has now may pass. So may what it thinks of the credentials of an
// older framework (resumed), whose tasks run: it goes on asking.
func subscribeError(at endpoint, status int, text string, proven, resumed bool) error {
	var why string
	switch status {
	case http.StatusUnauthorized:
		why = fmt.Sprintf("%s: 401 %s; it wants credentials, or wants others than it got", at, text)
	case http.StatusForbidden:
		why = fmt.Sprintf("%s: 403 %s; the framework's principal is not allowed to subscribe", at, text)
	case http.StatusBadRequest, http.StatusNotAcceptable, http.StatusUnsupportedMediaType:
		why = fmt.Sprintf("%s: %d %s", at, status, text)
	case http.StatusNotFound:
		return fmt.Errorf("%s: 404 %s: it is still starting, or it is no Mesos master", at, text)
	case http.StatusServiceUnavailable:
		return fmt.Errorf("%s: not ready: %s", at, text)
	default:
		return fmt.Errorf("%s: unexpected answer %d %s", at, status, text)
	}
	rights := status == http.StatusUnauthorized || status == http.StatusForbidden
	if proven || resumed && rights || wire.Starting(text) {
		return errors.New(why)
	}
	return fmt.Errorf("%w: %s", ErrRefused, why)
}

// forbidden says of the answer to an UPDATE_FRAMEWORK that the master does not let the framework have what it says: that is a 403, as is
// the answer to a framework that is not subscribed.
func forbidden(v wire.Verdict, text string) bool {
	return v == wire.Lost && strings.HasPrefix(text, "403 ") && !wire.Starting(text)
}
