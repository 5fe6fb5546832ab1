package client

import (
	"errors"
	"fmt"
	"net/http"
)

// What a verb may come to other than being done. Errors that wrap one of these say why.
var (
	// ErrAlready: there was nothing to do.
	ErrAlready = errors.New("the command has been given before, or what it concerns is COMPLETE")
	// ErrConflict: the plan has changed since its revision was looked at.
	ErrConflict = errors.New("the plan has changed meanwhile; look again")
	// ErrRefused: it would do harm, or nothing.
	ErrRefused = errors.New("the command was refused")
	// ErrInvalid: it makes no sense.
	ErrInvalid = errors.New("the command makes no sense")
)

// kinds are the codes of answers that say how a verb went.
var kinds = map[int]error{
	http.StatusAlreadyReported: ErrAlready, http.StatusConflict: ErrConflict,
	http.StatusUnprocessableEntity: ErrRefused, http.StatusBadRequest: ErrInvalid,
}

// verbError is one of these in the server's words.
type verbError struct {
	text string
	kind error
}

func (e *verbError) Error() string { return e.text }
func (e *verbError) Unwrap() error { return e.kind }

// NotFoundError says that a plan, a phase, a step or a pod does not exist.
type NotFoundError struct {
	// Text names what was asked for and what exists instead.
	Text string
}

func (e *NotFoundError) Error() string { return e.Text }

// UnreachableError says that no answer came from the server, or that it broke off.
type UnreachableError struct {
	URL string
	Err error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s: can't be reached (%v): is quobyte-mesos running there? the address is set by --url or QUOBYTE_MESOS_URL", e.URL, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// DeniedError says that the server, or a proxy before it, wants to know who asks (401) or does not let them (403).
type DeniedError struct {
	URL  string
	Code int
	Text string
}

func (e *DeniedError) Error() string {
	hint := "log in again (dcos auth login)"
	if e.Code == http.StatusForbidden {
		hint = "the account lacks the permission"
	}
	return fmt.Sprintf("%s: access denied (HTTP %d%s): %s", e.URL, e.Code, afterColon(e.Text), hint)
}

// ForeignError says that something else than quobyte-mesos answers at the URL.
type ForeignError struct {
	URL  string
	Code int
}

func (e *ForeignError) Error() string {
	if e.Code >= http.StatusBadGateway && e.Code <= http.StatusGatewayTimeout {
		return fmt.Sprintf("%s: HTTP %d: a proxy answers there, and can't reach quobyte-mesos: is the service running, and named so (--name)?", e.URL, e.Code)
	}
	return fmt.Sprintf("%s: HTTP %d, and not from quobyte-mesos: check the address, and the service's name (--name)", e.URL, e.Code)
}

// StatusError is any other answer that is no success.
type StatusError struct {
	URL  string
	Code int
	Text string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: HTTP %d%s", e.URL, e.Code, afterColon(e.Text))
}

func afterColon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
