package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ContentType is that of the protobuf encoding of the v1 API. Mesos: any parameter behind it makes it a 415.
const ContentType = "application/x-protobuf"

// maxText is how much of an error answer is read: Mesos's are one line.
const maxText = 4 << 10

// Dial opens a connection, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// dialTimeout bounds attempts to connect that outlive the request they were made for.
const dialTimeout = 15 * time.Second

// New returns a round tripper for HTTP/1.1 without compression: the master speaks nothing newer, and compressed events
// would wait in a buffer. It bounds no exchange in time: that is for the context of each request. dial may be nil.
func New(dial Dial) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:         dial,
		Protocols:           protocols,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     30 * time.Second,
	}
}

// Text returns the beginning of the text of an answer, on one line.
func Text(body io.Reader) string {
	b, _ := io.ReadAll(io.LimitReader(body, maxText)) // what could be read is all that there is to tell
	return strings.Join(strings.Fields(string(b)), " ")
}

// Explain says in a few words what an error of a round trip means, without the URL that the caller has named already.
func Explain(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused; is it running?"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to it; is the address right?"
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("unknown host %q", dns.Name)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection closed by the other side"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return err.Error()
}
