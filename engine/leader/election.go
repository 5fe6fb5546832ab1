package leader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/quobyte/mesos-framework/engine/zookeeper"
)

// ErrLost is the error of who may not lead any more.
var ErrLost = errors.New("leadership lost")

// candidatePrefix begins the names of candidates. What follows is a random id, a dash, and the number by which they are ordered.
const candidatePrefix = "candidate-"

// Candidate is what an instance publishes of itself.
type Candidate struct {
	// URL is where its API is.
	URL   string    `json:"url"`
	Since time.Time `json:"since"`
}

// Config is what an election is held with.
type Config struct {
	zookeeper.Config // the address is the node below which candidates are; it is made if it is missing
	// ID tells the candidate from others. Nobody else may use it, now or later.
	ID        string
	Candidate Candidate
}

// Election is the candidacy of one instance.
type Election struct {
	cfg  Config
	conn *zookeeper.Conn
	log  *slog.Logger
	own  string // name of our node

	elected chan struct{}
	lost    chan struct{}
	ended   chan struct{} // closed when watch has returned
	cancel  context.CancelFunc

	mu     sync.Mutex
	err    error // why it was lost
	leader Candidate
	known  bool
	valid  time.Time // until when the session is certainly there
}

// Join makes the instance a candidate. It waits for ZooKeeper until ctx ends, for the session timeout and three seconds at most.
func Join(ctx context.Context, cfg Config) (*Election, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	conn, err := zookeeper.Connect(ctx, cfg.Config)
	if err != nil {
		return nil, err
	}
	e := &Election{
		cfg: cfg, conn: conn, log: cfg.Logger, elected: make(chan struct{}), lost: make(chan struct{}), ended: make(chan struct{}),
	}
	if err := e.stand(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("election in %s: %w", cfg.Address, zookeeper.Explain(err))
	}
	watching, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	go e.watch(watching) // joined by Leave
	return e, nil
}

// stand makes our node.
func (e *Election) stand() error {
	path := e.cfg.Address.Path
	if err := zookeeper.MakePath(e.conn, path); err != nil {
		return err
	}
	data, err := json.Marshal(e.cfg.Candidate)
	if err != nil {
		return err
	}
	var made string
	asked := time.Now()
	err = e.conn.Do(func(z *zk.Conn) (err error) {
		made, err = z.Create(path+"/"+candidatePrefix+e.cfg.ID+"-", data, zk.FlagEphemeral|zk.FlagSequence, e.conn.ACL())
		return err
	})
	if err != nil {
		return err // a node that was made all the same goes with the session, which ends here
	}
	e.own = made[strings.LastIndexByte(made, '/')+1:]
	e.extend(asked)
	return nil
}

// watch follows the candidates until it is lost or over.
func (e *Election) watch(ctx context.Context) {
	defer close(e.ended)
	for {
		wake, err := e.look()
		if err != nil {
			e.lose(err)
			return
		}
		// The node of our own tells that the session is there: that is how long we may lead.
		tick := time.NewTimer(e.conn.SessionTimeout() / 6)
		select {
		case <-wake:
		case <-tick.C:
		case <-e.conn.Expired():
			tick.Stop()
			e.lose(errors.New("the session with ZooKeeper has expired"))
			return
		case <-ctx.Done():
			tick.Stop()
			return
		}
		tick.Stop()
		// Who was stopped finds out here, before anything is asked.
		select {
		case <-e.elected:
			if err := e.Leading(); err != nil {
				e.lose(err)
				return
			}
		default:
		}
	}
}

// look reads who the candidates are, and returns a channel that tells when there is another leader.
func (e *Election) look() (<-chan zk.Event, error) {
	path := e.cfg.Address.Path
	var names []string
	var wake <-chan zk.Event
	asked := time.Now()
	err := e.conn.Read(func(z *zk.Conn) (err error) {
		names, _, err = z.Children(path)
		return err
	})
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, candidatePrefix) })
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(number(a), number(b)) })
	at := slices.Index(names, e.own)
	if at < 0 {
		return nil, errors.New("the candidate's node was removed")
	}
	e.extend(asked)
	if at == 0 {
		e.lead()
		return nil, nil
	}
	// Each watches the first: there are few candidates, and all want to know where the leader is.
	first := path + "/" + names[0]
	var data []byte
	err = e.conn.Read(func(z *zk.Conn) (err error) {
		data, _, wake, err = z.GetW(first)
		return err
	})
	if errors.Is(err, zk.ErrNoNode) {
		again := make(chan zk.Event)
		close(again)
		return again, nil
	}
	if err != nil {
		return nil, err
	}
	e.note(data)
	return wake, nil
}

// number is the end of a candidate's name, ten digits.
func number(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }

func (e *Election) extend(asked time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// A sixth is left for what the servers tell each other late: which sessions are alive, up to half a tick.
	e.valid = asked.Add(e.conn.SessionTimeout() * 5 / 6)
}

func (e *Election) note(data []byte) {
	var c Candidate
	if err := json.Unmarshal(data, &c); err != nil {
		e.log.Warn("election: the leader's node is not readable", "error", err)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.known || e.leader != c {
		e.log.Info("standing by", "leader", c.URL, "since", c.Since)
	}
	e.leader, e.known = c, true
}

func (e *Election) lead() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leader, e.known = e.cfg.Candidate, true
	select {
	case <-e.elected:
	default:
		close(e.elected)
	}
}

func (e *Election) lose(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known = false; e.err == nil {
		e.err = fmt.Errorf("%w: election in %s: %w", ErrLost, e.cfg.Address, err)
	}
	close(e.lost)
}

// Await waits until the instance leads. An error is ctx's, or wraps ErrLost.
func (e *Election) Await(ctx context.Context) error {
	select {
	case <-e.elected:
		return e.Leading()
	case <-e.lost:
		return e.cause()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lost is closed when the instance may not lead, or stand by, any more.
func (e *Election) Lost() <-chan struct{} { return e.lost }

func (e *Election) cause() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// Leading is nil while the instance certainly leads. Otherwise it wraps ErrLost, and so it stays: the time of the session has passed without a
// sign of life of it, because ZooKeeper could not be reached or because the process was stopped.
func (e *Election) Leading() error {
	select {
	case <-e.elected:
	default:
		return fmt.Errorf("%w: it was never won", ErrLost)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return e.err
	}
	// The wall clock counts on where the monotonic one may stand still: while the machine sleeps.
	now := time.Now()
	if now.Before(e.valid) && now.Round(0).Before(e.valid.Round(0)) {
		return nil
	}
	e.err = fmt.Errorf("%w: election in %s: no sign of life of the session of %s: ZooKeeper has not answered, or this process stood still", ErrLost, e.cfg.Address, e.conn.SessionTimeout())
	return e.err
}

// Leader is who leads, as far as that is known.
func (e *Election) Leader() (Candidate, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leader, e.known
}

// Leave ends the candidacy. The next one leads at once if ZooKeeper can be reached.
func (e *Election) Leave() {
	e.cancel()
	e.conn.Close()
	<-e.ended
}
