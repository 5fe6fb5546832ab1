package mesos

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	zkScheme  = "zk://"
	zkPort    = "2181"
	zkTimeout = 10 * time.Second // of a session, and so how late a dead server is noticed
	zkRetry   = time.Second
	// zkPrefix begins the names of the nodes in which masters contend; a sequence number follows. Masters before 0.24 wrote
	// protobuf into nodes named info_; log_replicas is another child of the directory.
	zkPrefix = "json.info_"
)

// ZooKeeper is a Detector that watches where masters contend for the lead.
type ZooKeeper struct {
	Servers        []string // host:port
	Path           string   // of the directory of contenders
	User, Password string   // of digest authentication; empty: none
	// PreferHostname puts the leader's hostname before its IP address, as certificates do.
	PreferHostname bool
	Logger         *slog.Logger // nil: nobody listens
}

// ParseZooKeeper reads zk://[user:password@]host[:port],…/path.
func ParseZooKeeper(text string) (*ZooKeeper, error) {
	rest, ok := strings.CutPrefix(text, zkScheme)
	out := &ZooKeeper{}
	bad := func(format string, args ...any) (*ZooKeeper, error) { // never shows the password
		return nil, fmt.Errorf("master %q: %s; allowed is zk://[user:password@]host[:port],…/path", hideUser(text), fmt.Sprintf(format, args...))
	}
	if strings.Contains(rest, "://") {
		return bad("other masters are named beside it")
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		var secret bool
		out.User, out.Password, secret = strings.Cut(rest[:at], ":")
		rest = rest[at+1:]
		if out.User == "" || !secret {
			return bad("what stands before the @ is not user:password")
		}
	}
	hosts, path, slash := strings.Cut(rest, "/")
	if !ok || !slash || strings.Trim(path, "/") == "" {
		return bad("it has no path, such as /mesos")
	}
	out.Path = "/" + strings.Trim(path, "/")
	if strings.Contains(out.Path, "//") || strings.ContainsAny(out.Path, " ,@?#") {
		return bad("%q is not a path", out.Path)
	}
	for _, h := range strings.Split(hosts, ",") {
		if _, _, err := net.SplitHostPort(h); err != nil {
			h = net.JoinHostPort(strings.Trim(h, "[]"), zkPort)
		}
		if _, err := parseEndpoint("http://"+h, ""); err != nil {
			return bad("%q is not host or host:port", h)
		}
		out.Servers = append(out.Servers, h)
	}
	return out, nil
}

// String names the ensemble without its secret.
func (z *ZooKeeper) String() string { return "zookeeper " + strings.Join(z.Servers, ",") + z.Path }

// Watch reports the leader. While ZooKeeper is out of reach, the last one stands: if it leads no more, it says so itself.
func (z *ZooKeeper) Watch(ctx context.Context, report func(Candidates)) {
	log := z.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	quiet := func(format string, args ...any) { log.Debug("zookeeper client", "text", fmt.Sprintf(format, args...)) }
	conn, _, err := zk.Connect(z.Servers, zkTimeout, zk.WithHostProvider(&turns{}), zk.WithDialer(dialImpatient), zk.WithLogInfo(false),
		zk.WithLogger(printf(quiet)))
	if err != nil { // no servers: ParseZooKeeper lets none pass
		report(Candidates{Reason: fmt.Sprintf("%s: %s", z, err)})
		<-ctx.Done()
		return
	}
	var closing sync.WaitGroup
	defer closing.Wait()
	closing.Go(func() { // what waits for an answer of ZooKeeper ends with its connection
		<-ctx.Done()
		conn.Close()
	})
	last := Candidates{Reason: fmt.Sprintf("%s: no answer yet", z)}
	report(last)
	authenticated, troubled := z.User == "", false
	trouble := func(err error) {
		if !troubled && ctx.Err() == nil {
			log.Warn("masters: no answer", "from", z.String(), "error", explainZK(err), "last_leader", strings.Join(last.Addresses, " or "))
		}
		troubled = true
		if len(last.Addresses) == 0 { // otherwise it says nothing of who leads
			last.Reason = fmt.Sprintf("%s: %s", z, explainZK(err))
			report(last)
		}
		sleep(ctx, zkRetry)
	}
	for ctx.Err() == nil {
		if !authenticated {
			if err := conn.AddAuth("digest", []byte(z.User+":"+z.Password)); err != nil {
				trouble(err)
				continue
			}
			authenticated = true // the client does it again for each connection
		}
		now, changed, err := z.look(conn)
		if err != nil {
			trouble(err)
			continue
		}
		troubled = false
		if changed == nil {
			continue // it changed while we looked
		}
		if now.Reason != "" || !slices.Equal(now.Addresses, last.Addresses) {
			log.Info("masters", "from", z.String(), "leader", strings.Join(now.Addresses, " or "), "reason", now.Reason)
		}
		last = now
		report(last)
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// look asks who leads, and returns a channel that tells of the next change; nil if there was one already.
func (z *ZooKeeper) look(conn *zk.Conn) (Candidates, <-chan zk.Event, error) {
	names, _, changed, err := conn.ChildrenW(z.Path)
	if errors.Is(err, zk.ErrNoNode) {
		exists, _, changed, err := conn.ExistsW(z.Path)
		if err != nil || exists {
			return Candidates{}, nil, err
		}
		return Candidates{Reason: fmt.Sprintf("%s: there is no such path: no master has ever contended there; is it right?", z)}, changed, nil
	}
	if err != nil {
		return Candidates{}, nil, err
	}
	name, ok := firstContender(names)
	if !ok {
		return Candidates{Reason: fmt.Sprintf("%s: no master leads", z)}, changed, nil
	}
	data, _, err := conn.Get(z.Path + "/" + name)
	if errors.Is(err, zk.ErrNoNode) {
		return Candidates{}, nil, nil
	}
	if err != nil {
		return Candidates{}, nil, err
	}
	addresses, err := masterAddresses(data, z.PreferHostname)
	if err != nil {
		return Candidates{Reason: fmt.Sprintf("%s/%s: %s", z, name, err)}, changed, nil
	}
	return Candidates{Addresses: addresses, Leader: true}, changed, nil
}

// firstContender is the node with the lowest sequence number, whose master leads.
func firstContender(names []string) (string, bool) {
	best, lowest := "", int64(-1)
	for _, name := range names {
		text, ok := strings.CutPrefix(name, zkPrefix)
		n, err := strconv.ParseInt(text, 10, 64)
		if ok && err == nil && n >= 0 && (lowest < 0 || n < lowest) {
			best, lowest = name, n
		}
	}
	return best, lowest >= 0
}

// masterAddresses reads the MasterInfo that a master wrote of itself. Since 0.24 it has an address; hostname and port are older.
func masterAddresses(data []byte, preferHostname bool) ([]string, error) {
	var info struct {
		Hostname string `json:"hostname"`
		Port     uint32 `json:"port"`
		PID      string `json:"pid"`
		Address  struct {
			Hostname string `json:"hostname"`
			IP       string `json:"ip"`
			Port     uint32 `json:"port"`
		} `json:"address"`
	}
	if err := json.Unmarshal(data, &info); err != nil {
		return nil, fmt.Errorf("what stands there is no MasterInfo: %w", err)
	}
	port := cmp.Or(info.Address.Port, info.Port)
	hosts := []string{info.Address.IP, cmp.Or(info.Address.Hostname, info.Hostname)}
	if _, at, ok := strings.Cut(info.PID, "@"); ok && hosts[0] == "" {
		host, text, err := net.SplitHostPort(at)
		if n, bad := strconv.ParseUint(text, 10, 16); err == nil && bad == nil {
			hosts[0], port = host, cmp.Or(port, uint32(n))
		}
	}
	if preferHostname {
		slices.Reverse(hosts)
	}
	var out []string
	for _, h := range slices.Compact(hosts) {
		if address := net.JoinHostPort(h, strconv.FormatUint(uint64(port), 10)); h != "" {
			if _, err := parseEndpoint(address, ""); err != nil {
				return nil, fmt.Errorf("the MasterInfo there has a bad address: %w", err)
			}
			out = append(out, address)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the MasterInfo there names no address")
	}
	return out, nil
}

func explainZK(err error) string {
	switch {
	case errors.Is(err, zk.ErrNoServer), errors.Is(err, zk.ErrConnectionClosed):
		return "not reachable; is it running, and is the address right?"
	case errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrAuthFailed):
		return "not allowed to read; are user and password right?"
	}
	return err.Error()
}

// turns has servers tried in turn, by their names, so that each attempt resolves them anew.
type turns struct {
	mu      sync.Mutex
	servers []string
	next    int
	failed  int // attempts since the last success
}

func (t *turns) Init(servers []string) error {
	t.servers = servers
	return nil
}

func (t *turns) Len() int { return len(t.servers) }

// Next says with wrapped that all servers have failed, so that it is time to pause.
func (t *turns) Next() (server string, wrapped bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	server, wrapped = t.servers[t.next], t.failed > 0 && t.failed%len(t.servers) == 0
	t.next = (t.next + 1) % len(t.servers)
	t.failed++
	return server, wrapped
}

func (t *turns) Connected() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = 0
}

// impatient is a connection on which no answer takes longer than it may in a session. The client waits ten times as long for the first one, so
// that a server which is stopped would keep it from the others.
type impatient struct{ net.Conn }

func dialImpatient(network, address string, timeout time.Duration) (net.Conn, error) {
	c, err := net.DialTimeout(network, address, timeout)
	if err != nil {
		return nil, err
	}
	return impatient{c}, nil
}

func (c impatient) SetReadDeadline(t time.Time) error {
	if limit := time.Now().Add(zkTimeout * 2 / 3); t.After(limit) {
		t = limit
	}
	return c.Conn.SetReadDeadline(t)
}

// printf makes a function the logger of the ZooKeeper client.
type printf func(format string, args ...any)

func (p printf) Printf(format string, args ...any) { p(format, args...) }
