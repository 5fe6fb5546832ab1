package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quobyte/mesos-framework/cmd/dcos-quobyte/cli"
)

var update = flag.Bool("update", false, "write the expected output in scripts anew; read the difference before you keep it")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dcos-quobyte": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		env := cli.OSEnv()
		env.Build = "1.2.3-test"
		os.Exit(cli.Run(ctx, env))
	}})
}

// deadline bounds every wait of a script. Nothing takes that long unless it hangs.
const deadline = 30 * time.Second

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			// A program under the race detector would sleep for a second before it ends.
			env.Vars = append(env.Vars, "USER=ann", "LC_ALL=C.UTF-8", "TERM=xterm", "GORACE=atexit_sleep_ms=0")
			env.Values[holderKey{}] = &holder{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve, "publish": publish, "events": events, "cut": cut, "verbs": verbs, "code": code,
		},
	})
}

// holderKey is where a script's environment keeps its server.
type holderKey struct{}

type holder struct{ server *server }

// serverOf returns the script's server.
func serverOf(ts *testscript.TestScript) *server {
	s := ts.Value(holderKey{}).(*holder).server
	if s == nil {
		ts.Fatalf("there is no server; serve makes one")
	}
	return s
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	token := ""
	if len(args) == 2 && args[0] == "-token" {
		token = args[1]
	} else if neg || len(args) > 0 {
		ts.Fatalf("usage: serve [-token T]")
	}
	s := newServer(token)
	ts.Defer(s.close)
	ts.Value(holderKey{}).(*holder).server = s
	ts.Setenv("SERVER", s.http.URL)
	if token == "" {
		ts.Setenv("QUOBYTE_MESOS_URL", s.http.URL)
	} else {
		ts.Setenv("DCOS_URL", s.http.URL+"/dropped/#/")
	}
}

func publish(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case !neg && len(args) == 1 && scenes()[args[0]] != nil:
		serverOf(ts).publish(scenes()[args[0]]())
	case !neg && len(args) == 1 && rollouts()[args[0]] != nil:
		serverOf(ts).evaluate(rollouts()[args[0]]())
	default:
		all := slices.Concat(slices.Collect(maps.Keys(scenes())), slices.Collect(maps.Keys(rollouts())))
		ts.Fatalf("usage: publish SCENE, with a scene of %v", slices.Sorted(slices.Values(all)))
	}
}

func events(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: events N")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	ts.Check(serverOf(ts).awaitEvents(ctx, n))
}

func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: cut")
	}
	serverOf(ts).cut()
}

func verbs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: verbs")
	}
	b := serverOf(ts).backend
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, v := range b.verbs {
		fmt.Fprintln(ts.Stdout(), v)
	}
}

// code runs a command and wants it to end with an exit code.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\n%s", got, want, ts.ReadFile("stderr"))
	}
}
