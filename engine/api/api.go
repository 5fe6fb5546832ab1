package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quobyte/mesos-framework/engine/backup"
	"github.com/quobyte/mesos-framework/engine/machine"
)

// Backend is what the API shows and commands: the engine's loop.
type Backend interface {
	// View returns the newest view, nil if there is none yet, and a channel that is closed when a newer one is published.
	View() (*machine.View, <-chan struct{})
	// Do carries out a verb and returns its answer, when everything that it changed is durable. The verb's ID is the
	// backend's to choose.
	Do(ctx context.Context, v machine.Verb) (machine.Answer, error)
}

// Config configures the API.
type Config struct {
	// Backend is required.
	Backend Backend
	// Artifacts are the files to serve under /v1/artifacts/, by name. They are read on each request.
	Artifacts map[string]string
	// Build is the version that the index and the header of every answer name; empty: "unknown".
	Build string
	// Logger receives what goes wrong inside; nil: slog.Default().
	Logger *slog.Logger
	// Heartbeat is the time between signs of life in a stream in which nothing happens; zero: 15 s.
	Heartbeat time.Duration
	// Metrics are what is counted elsewhere, for /v1/metrics; nil: nothing.
	Metrics func() []Metric
	// Export returns the durable state as it is at one moment, for /v1/state/export; nil: there is no such path.
	Export func(ctx context.Context) (backup.File, error)
	// Now is the time that health counts from; nil: time.Now.
	Now func() time.Time
}

// BuildHeader is in every answer. Its absence tells a client that something else has answered, such as a proxy.
const BuildHeader = "Quobyte-Mesos-Build"

// RevisionHeader is the revision of the plan that an answer shows. A verb may name it, to be refused if the plan has changed since.
const RevisionHeader = "Quobyte-Plan-Revision"

// ActorHeader names who gives a verb; without it, it is the remote address.
const ActorHeader = "X-Quobyte-Actor"

const (
	defaultHeartbeat = 15 * time.Second
	// maxBody is the size in bytes up to which a request's body is accepted.
	maxBody = 64 << 10
	// bodyTimeout bounds how long the body of a verb may take to come, which is a few bytes or none.
	bodyTimeout = 10 * time.Second
	// verbTimeout bounds how long a verb waits for its answer. A commit takes milliseconds.
	verbTimeout = 30 * time.Second
	// waitingVerbs bounds how many verbs wait at once: more than people give, and not what a slow disk makes of a script in a loop.
	waitingVerbs = 100
)

// server is the state behind the handler.
type server struct {
	Config
	encoded   encoder
	routes    []route
	verbs     chan struct{} // one for each verb that waits
	exporting sync.Mutex    // an export takes memory: one at a time
}

// route is a method and a path, in the patterns of http.ServeMux. One without a meaning is not listed.
type route struct {
	method, path, meaning string
	serve                 http.HandlerFunc
}

// New returns the handler.
func New(cfg Config) http.Handler {
	if cfg.Build == "" {
		cfg.Build = "unknown"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Heartbeat <= 0 {
		cfg.Heartbeat = defaultHeartbeat
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &server{Config: cfg, verbs: make(chan struct{}, waitingVerbs)}
	s.routes = slices.Concat(
		[]route{
			{"GET", "/{$}", "this text", s.index},
			{"GET", "/v1/plans", "the names of the plans", s.plans},
			{"GET", "/v1/plans/{plan}", "a plan; 200 COMPLETE, 417 ERROR, else 202", s.plan},
		},
		s.routesOf("/v1/plans/{plan}/", planVerbs[:]),
		[]route{
			{"POST", "/v1/plans/{plan}/{verb}", "", s.unknownVerb(planVerbs[:])},
			{"GET", "/v1/health", "a graded code and its name; ?verbose=true adds reasons", s.health},
			{"GET", "/v1/state/frameworkId", "the id that Mesos gave to the framework", s.frameworkID},
			{"GET", "/v1/pod", "the names of the pods", s.podNames},
			{"GET", "/v1/pods", "the pods", s.pods},
		},
		s.routesOf("/v1/pods/{pod}/", podVerbs[:]),
		[]route{
			{"POST", "/v1/pods/{pod}/{verb}", "", s.unknownVerb(podVerbs[:])},
			{"GET", "/v1/tasks/strangers", "the tasks that belong to no pod", s.strangers},
		},
		s.routesOf("/v1/tasks/{task}/", taskVerbs[:]),
		[]route{
			{"POST", "/v1/tasks/{task}/{verb}", "", s.unknownVerb(taskVerbs[:])},
			{"GET", "/v1/hosts", "the hosts", s.hosts},
		},
		s.routesOf("/v1/hosts/{host}/", hostVerbs[:]),
		[]route{
			{"POST", "/v1/hosts/{host}/{verb}", "", s.unknownVerb(hostVerbs[:])},
			{"GET", "/v1/metrics", "numbers, for Prometheus", s.metrics},
			{"GET", "/v1/view", "everything at once", s.view},
			{"GET", "/v1/stream", "changes as server-sent events: of ?plan=NAME, else of everything", s.stream},
			{"GET", "/v1/artifacts/{name}", "a file for agents to fetch", s.artifact},
		},
	)
	if s.Export != nil {
		s.routes = append(s.routes, route{"GET", "/v1/state/export", "a backup of the durable state, for quobyte-mesos state import", s.export})
	}
	mux := http.NewServeMux()
	for _, path := range s.paths() {
		mux.HandleFunc(path, s.byMethod(path))
	}
	mux.HandleFunc("/", s.unknown)
	return s.guard(http.NewCrossOriginProtection().Handler(mux))
}

// paths lists the routes' paths, each once.
func (s *server) paths() []string {
	var paths []string
	for _, r := range s.routes {
		if !slices.Contains(paths, r.path) {
			paths = append(paths, r.path)
		}
	}
	return paths
}

// byMethod serves a path by the method of the request, and names the ones that exist to others.
func (s *server) byMethod(path string) http.HandlerFunc {
	serve := make(map[string]http.HandlerFunc)
	var allow []string
	for _, r := range s.routes {
		if r.path != path {
			continue
		}
		serve[r.method] = r.serve
		allow = append(allow, r.method)
		if r.method == http.MethodGet {
			serve[http.MethodHead] = r.serve
			allow = append(allow, http.MethodHead)
		}
	}
	allowed := strings.Join(allow, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		if f, ok := serve[r.Method]; ok {
			f(w, r)
			return
		}
		w.Header().Set("Allow", allowed)
		text(w, http.StatusMethodNotAllowed, "%s %s: the method is not allowed; %s is", r.Method, r.URL.Path, allowed)
	}
}

// index tells people what there is.
func (s *server) index(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	fmt.Fprintf(&b, "quobyte-mesos %s\n\n", s.Build)
	for _, r := range s.routes {
		if r.meaning != "" {
			fmt.Fprintf(&b, "%-4s  %-30s  %s\n", r.method, strings.TrimSuffix(r.path, "{$}"), r.meaning)
		}
	}
	if len(s.Artifacts) > 0 {
		fmt.Fprintf(&b, "\nartifacts: %s\n", s.artifactNames())
	}
	plainText(w)
	io.WriteString(w, b.String())
}

func (s *server) unknown(w http.ResponseWriter, r *http.Request) {
	text(w, http.StatusNotFound, "%s: there is no such path; GET / lists them", r.URL.Path)
}

func plainText(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
}

// text answers with one line.
func text(w http.ResponseWriter, code int, format string, args ...any) {
	plainText(w)
	w.WriteHeader(code)
	fmt.Fprintf(w, format+"\n", args...)
}
