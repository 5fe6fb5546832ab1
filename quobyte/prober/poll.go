package prober

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/quobyte/mesos-framework/quobyte"
)

const (
	// pollers is how many pods are asked at once.
	pollers = 8
	// maxBody is how many bytes of an answer are looked at, maxReason how many of them are reported.
	maxBody, maxReason = 4 << 10, 160
)

// poller asks pods for their health.
type poller struct {
	client  *http.Client
	timeout time.Duration
}

func newPoller(transport http.RoundTripper, timeout time.Duration) poller {
	return poller{
		client: &http.Client{
			Transport: transport,
			// A redirect is an answer; where it leads is not our pod.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: timeout,
	}
}

// poll asks all pods of the list, and answers in its order. It returns when all have answered or had their time.
func (p poller) poll(ctx context.Context, list quobyte.Watchlist) []quobyte.PodHealth {
	results := make([]quobyte.PodHealth, len(list.Pods))
	slots := make(chan struct{}, pollers)
	var all sync.WaitGroup
	for i, pod := range list.Pods {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			text := p.ask(ctx, pod)
			results[i] = quobyte.PodHealth{TaskID: pod.TaskID, Healthy: text == "", Text: text}
		})
	}
	all.Wait()
	return results
}

// ask returns why the pod is not healthy; nothing if it is. The text holds nothing that differs from poll to poll by itself
// (source ports, durations), since every change is reported.
func (p poller) ask(ctx context.Context, pod quobyte.WatchedPod) string {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, pod.URL, nil)
	if err != nil {
		return shorten(fmt.Sprintf("url %q: can't be asked", pod.URL), maxReason)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return shorten(pod.URL+": "+p.reason(err), maxReason)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK || pod.AnyAnswer && response.StatusCode < http.StatusInternalServerError {
		return ""
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxBody)) // what was read until an error will do
	if line := firstLine(body); line != "" && !isMarkup(response.Header.Get("Content-Type"), line) {
		return fmt.Sprintf("%s (HTTP %d)", shorten(line, maxReason), response.StatusCode)
	}
	return shorten(fmt.Sprintf("%s: HTTP %d", pod.URL, response.StatusCode), maxReason)
}

func firstLine(text []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return strings.Join(strings.Fields(string(line)), " ")
}

// isMarkup tells a page from a reason: the first line of a page says nothing.
func isMarkup(contentType, line string) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	return kind == "text/html" || kind == "application/xhtml+xml" || strings.HasPrefix(line, "<")
}

func (p poller) reason(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no answer within %v", p.timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF):
		return "connection broken"
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err.Error()
}
