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
	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/engine/zookeeper"
)

const (
	zkScheme = "zk://"
	zkRetry  = time.Second
	// zkPrefix begins the names of the nodes in which masters contend; a sequence number follows. Masters before 0.24 wrote
	// protobuf into nodes named info_; log_replicas is another child of the directory.
	zkPrefix = "json.info_"
)

// ZooKeeper is a Detector that watches where masters contend for the lead.
type ZooKeeper struct {
	Address zookeeper.Address // of the directory of contenders
	// PreferHostname puts the leader's hostname before its IP address, as certificates do.
	PreferHostname bool
	Logger         *slog.Logger // nil: nobody listens
}

// ParseZooKeeper reads zk://[user:password@]host[:port],…/path.
func ParseZooKeeper(text string) (*ZooKeeper, error) {
	bad := func(why string) (*ZooKeeper, error) { // never shows the password
		return nil, fmt.Errorf("master %q: %s; allowed is zk://[user:password@]host[:port],…/path", hideUser(text), why)
	}
	rest, ok := strings.CutPrefix(text, zkScheme)
	if !ok || strings.Contains(rest, "://") {
		return bad("other masters are named beside it")
	}
	at, err := zookeeper.ParseAddress(text)
	if err != nil {
		var many *multierror.Error
		if errors.As(err, &many) {
			return bad(oneLine(many.Errors))
		}
		return bad(err.Error())
	}
	if at.Path == "" {
		return bad("it has no path, such as /mesos")
	}
	return &ZooKeeper{Address: at}, nil
}

// String names the ensemble without its secret.
func (z *ZooKeeper) String() string { return "zookeeper " + z.Address.String() }

// Watch reports the leader. While ZooKeeper is out of reach, the last one stands: if it leads no more, it says so itself.
func (z *ZooKeeper) Watch(ctx context.Context, report func(Candidates)) {
	w := &zkWatch{ZooKeeper: z, log: z.Logger, report: report, last: Candidates{Reason: fmt.Sprintf("%s: no answer yet", z)}}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	report(w.last)
	for ctx.Err() == nil {
		conn, err := zookeeper.Connect(ctx, zookeeper.Config{Address: z.Address, Logger: z.Logger})
		if err == nil {
			if err = w.stay(ctx, conn); err != nil {
				err = fmt.Errorf("%s: %w", z, err)
			}
		}
		w.trouble(ctx, err)
		sleep(ctx, zkRetry)
	}
}

// zkWatch is a watch at work.
type zkWatch struct {
	*ZooKeeper
	log      *slog.Logger
	report   func(Candidates)
	last     Candidates
	troubled bool
}

// stay looks who leads, each time that it may have changed, until ctx ends or there is no answer.
func (w *zkWatch) stay(ctx context.Context, conn *zookeeper.Conn) error {
	ctx, end := context.WithCancel(ctx)
	var closing sync.WaitGroup
	defer closing.Wait()
	defer end()
	closing.Go(func() { // what waits for an answer of ZooKeeper ends with its connection
		<-ctx.Done()
		conn.Close()
	})
	for {
		now, changed, err := w.look(conn)
		switch {
		case errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrAuthFailed):
			return errors.New("not allowed to read; are user and password right?")
		case err != nil, ctx.Err() != nil:
			return err
		}
		w.troubled = false
		if changed == nil {
			continue // it changed while we looked
		}
		if now.Reason != "" || !slices.Equal(now.Addresses, w.last.Addresses) {
			w.log.Info("masters", "from", w.String(), "leader", strings.Join(now.Addresses, " or "), "reason", now.Reason)
		}
		w.last = now
		w.report(now)
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// trouble tells that ZooKeeper gives no answer, which says nothing of who leads.
func (w *zkWatch) trouble(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	text := err.Error()
	if !w.troubled {
		w.log.Warn("masters: no answer", "from", w.String(), "error", text, "last_leader", strings.Join(w.last.Addresses, " or "))
	}
	w.troubled = true
	if len(w.last.Addresses) == 0 {
		w.last.Reason = text
		w.report(w.last)
	}
}

// look asks who leads, and returns a channel that tells of the next change; nil if there was one already.
func (w *zkWatch) look(conn *zookeeper.Conn) (out Candidates, changed <-chan zk.Event, err error) {
	err = conn.Read(func(z *zk.Conn) (err error) {
		out, changed, err = w.ask(z)
		return err
	})
	return out, changed, err
}

func (w *zkWatch) ask(conn *zk.Conn) (Candidates, <-chan zk.Event, error) {
	names, _, changed, err := conn.ChildrenW(w.Address.Path)
	if errors.Is(err, zk.ErrNoNode) {
		exists, _, changed, err := conn.ExistsW(w.Address.Path)
		if err != nil || exists {
			return Candidates{}, nil, err
		}
		return Candidates{Reason: fmt.Sprintf("%s: there is no such path: no master has ever contended there; is it right?", w)}, changed, nil
	}
	if err != nil {
		return Candidates{}, nil, err
	}
	name, ok := firstContender(names)
	if !ok {
		return Candidates{Reason: fmt.Sprintf("%s: no master leads", w)}, changed, nil
	}
	data, _, err := conn.Get(w.Address.Path + "/" + name)
	if errors.Is(err, zk.ErrNoNode) {
		return Candidates{}, nil, nil
	}
	if err != nil {
		return Candidates{}, nil, err
	}
	addresses, err := masterAddresses(data, w.PreferHostname)
	if err != nil {
		return Candidates{Reason: fmt.Sprintf("%s/%s: %s", w, name, err)}, changed, nil
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
