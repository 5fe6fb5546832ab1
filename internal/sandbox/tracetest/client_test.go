package tracetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// answer is what came back for a call.
type answer struct {
	proto  string
	status int
	header http.Header
	body   string
	stream bool // body follows as events
	err    error
}

// got is an event that the sandbox sent.
type got struct {
	at     time.Duration // of the replay
	body   any
	paired bool
}

// client is one `who` of a recording.
type client struct {
	r         *replay
	name      string
	stream    string // its Mesos-Stream-Id
	framework string // its id

	mu      sync.Mutex
	answers []*answer // to calls whose response line has not come yet
	events  []*got
	conn    net.Conn // that carries the stream
	ended   string   // how the stream ended, "" while it is open
	endedAt time.Duration
	raw     []*rawAnswer

	subscribed subscription
	heartbeats []time.Duration // when they are due in the replay

	latest   *line             // whose event came last of those paired
	latestAt int               // where that is among events
	sent     map[string]sentAt // by the uuid of the recording
}

// Ends of a stream.
const (
	endedProperly = "final chunk"
	endedAbruptly = "no final chunk"
)

func (r *replay) client(who string) *client {
	c := r.clients[who]
	if c == nil {
		c = &client{r: r, name: who}
		r.clients[who] = c
	}
	return c
}

// request is a call to be made.
type request struct {
	address string
	method  string
	path    string
	header  map[string]string
	body    []byte
}

func (q *request) write(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", q.method, q.path, q.address)
	for _, name := range sortedKeys(q.header) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, q.header[name])
	}
	if q.method != http.MethodGet && q.method != http.MethodHead {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(q.body))
	}
	b.WriteString("\r\n")
	b.Write(q.body)
	_, err := w.Write(b.Bytes())
	return err
}

// call makes a call and keeps what comes back for the response line. It does not wait.
func (c *client) call(q *request) {
	a := &answer{}
	c.mu.Lock()
	c.answers = append(c.answers, a)
	c.mu.Unlock()
	done := c.r.background()
	go func() {
		defer done()
		if err := c.exchange(q, a); err != nil {
			c.mu.Lock()
			a.err = err
			c.mu.Unlock()
		}
	}()
}

// lose is a call that nobody gets.
func (c *client) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = append(c.answers, &answer{err: syscall.ECONNRESET})
}

func (c *client) exchange(q *request, a *answer) error {
	conn, err := c.r.network.dial(q.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	forget := c.r.remember(conn)
	defer forget()
	sent := make(chan error, 1)
	done := c.r.background()
	go func() { defer done(); sent <- q.write(conn) }()
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: q.method})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	header := response.Header.Clone()
	if len(response.TransferEncoding) > 0 {
		header.Set("Transfer-Encoding", response.TransferEncoding[0])
	}
	stream := header.Get("Transfer-Encoding") == "chunked"
	c.mu.Lock()
	a.proto, a.status, a.header, a.stream = response.Proto, response.StatusCode, header, stream
	if stream {
		c.ended, c.conn = "", conn
		if id := header.Get("Mesos-Stream-Id"); id != "" {
			c.stream = id
		}
	}
	c.mu.Unlock()
	if stream {
		c.follow(conn, response.Body)
		return nil
	}
	body, err := io.ReadAll(response.Body)
	c.mu.Lock()
	a.body = string(body)
	c.mu.Unlock()
	return err
}

// follow reads the events of a stream until it ends.
func (c *client) follow(conn net.Conn, body io.Reader) {
	in := bufio.NewReader(body)
	for {
		record, err := readRecord(in)
		if err == nil {
			var decoded any
			if err = json.Unmarshal(record, &decoded); err == nil {
				c.mu.Lock()
				c.events = append(c.events, &got{at: c.r.elapsed(), body: decoded})
				if id, ok := dig(decoded, "subscribed", "framework_id", "value").(string); ok {
					c.framework = id
				}
				c.mu.Unlock()
				c.r.poke()
				continue
			}
		}
		c.mu.Lock()
		if c.conn == conn {
			c.ended, c.endedAt = endedAbruptly, c.r.elapsed()
			if err == io.EOF {
				c.ended = endedProperly
			}
		}
		c.mu.Unlock()
		c.r.poke()
		return
	}
}

func readRecord(in *bufio.Reader) ([]byte, error) {
	size, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(size))
	if err != nil {
		return nil, err
	}
	record := make([]byte, n)
	_, err = io.ReadFull(in, record)
	return record, err
}

// take gives the answer to the last call that was not taken yet.
func (c *client) take() *answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.answers) - 1
	if last < 0 {
		return nil
	}
	a := c.answers[last]
	c.answers = c.answers[:last]
	return a
}

func (c *client) ready(a *answer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return a.status != 0 || a.err != nil
}

// hangUp ends the connection of the stream from this side.
func (c *client) hangUp() {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}

// soFar lists the events that have come.
func (c *client) soFar() []*got {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events)
}

func (c *client) end() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// rawAnswer collects all bytes that come back on one connection.
type rawAnswer struct {
	conn net.Conn
	mu   sync.Mutex
	data bytes.Buffer
	err  error
}

// callRaw makes a call whose answer is looked at byte by byte when its response line comes.
func (c *client) callRaw(q *request) {
	a := &rawAnswer{}
	c.raw = append(c.raw, a)
	conn, err := c.r.network.dial(q.address)
	if err != nil {
		a.err = err
		return
	}
	a.conn = conn
	written, read := c.r.background(), c.r.background()
	go func() { defer written(); _ = q.write(conn) }()
	go func() {
		defer read()
		buffer := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buffer)
			a.mu.Lock()
			a.data.Write(buffer[:n])
			a.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
}

// takeRaw ends the raw call and gives what came back. body has the chunks as they were on the wire.
func (c *client) takeRaw(method string) (*answer, error) {
	if len(c.raw) == 0 {
		return nil, fmt.Errorf("no call is open")
	}
	raw := c.raw[0]
	c.raw = c.raw[1:]
	if raw.err != nil {
		return nil, raw.err
	}
	_ = raw.conn.Close()
	raw.mu.Lock()
	data := raw.data.Bytes()
	raw.mu.Unlock()
	if len(data) == 0 {
		return &answer{}, nil
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	a := &answer{proto: response.Proto, status: response.StatusCode, header: response.Header}
	_, rest, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	a.body = string(rest)
	if len(response.TransferEncoding) > 0 {
		a.header.Set("Transfer-Encoding", response.TransferEncoding[0])
		a.stream = true
	}
	return a, nil
}
