package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/backup"
	"github.com/quobyte/mesos-framework/engine/leader"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
	"github.com/quobyte/mesos-framework/internal/zktest"
)

// stateRecords are a state in small: one pod runs and has reservations, one has ended, one record is of a newer program.
func stateRecords() []machine.Record {
	record := func(key, value string) machine.Record {
		return machine.Record{Key: key, Value: []byte(`{"format":1,"value":` + value + `}`)}
	}
	return []machine.Record{
		record("facts/deploy/pause/data", `{"kind":"pause","plan":"deploy","phase":"data","actor":"ann","reason":"a \u003cb\u003e","at":"2026-01-02T03:04:05Z"}`),
		record("framework", `{"id":"F-1"}`),
		record("hosts/h1", `{"key":"h1","hostname":"h1","address":"10.0.0.1","agent_id":"S1","first_seen":"2026-01-02T03:04:05Z","facts":null}`),
		record("pods/data-0", `{"name":"data-0","type":"data","index":0,"host":"h1","bound":true,"claim":{"id":"c","held":{"cpus":1000,"mem":512000}},`+
			`"task":{"id":"data-0-server__1","agent_id":"S1","address":"10.0.0.1","hostname":"h1","target":"t","fingerprint":"f",`+
			`"launched_at":"2026-01-02T03:04:05Z","state":"RUNNING","state_at":"2026-01-02T03:04:06Z"}}`),
		record("pods/data-1", `{"name":"data-1","type":"data","index":1,"host":"h2","task":{"id":"data-1-server__1","agent_id":"S2","address":"","hostname":"h2",`+
			`"target":"t","fingerprint":"f","launched_at":"2026-01-02T03:04:05Z","state":"FAILED","state_at":"2026-01-02T03:04:06Z"}}`),
		{Key: "pods/data-2", Value: []byte(`{"format":2,"value":{}}`)},
		record("target", `{"id":"t","number":3,"by":"operator","at":"2026-01-02T03:04:05Z","boot":"x"}`),
	}
}

func fillState(t *testing.T, s store.Store, err error) {
	t.Helper()
	if err == nil {
		err = s.Commit(t.Context(), machine.Group{Puts: stateRecords()})
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func runState(t *testing.T, input string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	problems, err := os.CreateTemp(t.TempDir(), "err")
	if err != nil {
		t.Fatal(err)
	}
	defer problems.Close()
	code = run(environment{
		Args: append([]string{"state"}, args...), Stdin: strings.NewReader(input), Stdout: out, Stderr: problems,
		Getenv: func(string) string { return "" }, Environ: func() []string { return nil },
	})
	return code, strings.Join(linesOf(t, out), "\n"), strings.Join(linesOf(t, problems), "\n")
}

// wantState runs a command and wants its code, and a text in what it says.
func wantState(t *testing.T, code int, text, input string, args ...string) string {
	t.Helper()
	got, stdout, stderr := runState(t, input, args...)
	if got != code || !strings.Contains(stdout+stderr, text) {
		t.Errorf("state %s: exit code %d, want %d and %q in\n%s%s", strings.Join(args, " "), got, code, text, stdout, stderr)
	}
	return stdout
}

func TestStateIsShown(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	wantState(t, 1, "--state-dir: missing", "", "show")
	wantState(t, 1, "there is no state.db", "", "show", "--state-dir", dir)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("show made the directory: %v", err)
	}
	s, err := store.OpenBolt(dir)
	fillState(t, s, err)
	want := `service    quobyte, 7 records in DIR
framework  F-1
target     3, t, by operator at 2026-01-02T03:04:05Z
hosts      1
pods       2: 1 with a task that may run, 1 with reservations
           data-0         h1                   RUNNING since 2026-01-02T03:04:06Z, data-0-server__1
           data-1         h2                   FAILED since 2026-01-02T03:04:06Z, data-1-server__1
fact       deploy/pause/data, by ann at 2026-01-02T03:04:05Z: a <b>
unread     pods/data-2: format 2 is not known to this program`
	if diff := cmp.Diff(want, strings.ReplaceAll(wantState(t, 0, "", "", "show", "--state-dir", dir), dir, "DIR")); diff != "" {
		t.Errorf("show (-want +got)\n%s", diff)
	}
	var sum summary
	if err := json.Unmarshal([]byte(wantState(t, 0, "", "", "show", "--json", "--state_dir", dir)), &sum); err != nil || sum.FrameworkID != "F-1" || len(sum.Pods) != 2 {
		t.Errorf("show --json: %v, %+v", err, sum)
	}
	wantState(t, 0, "framework = {\n  \"format\": 1,\n  \"value\": {\n    \"id\": \"F-1\"", "", "show", "--state-dir", dir, "framework")
	var records []backup.Entry
	if err := json.Unmarshal([]byte(wantState(t, 0, "", "", "show", "--state-dir", dir, "--json", "pods/")), &records); err != nil || len(records) != 3 {
		t.Errorf("show --json pods/: %v, %v", err, records)
	}
	wantState(t, 1, `record "pods": there is none`, "", "show", "--state-dir", dir, "pods")
}

// The way of docs/state.md from a directory into ZooKeeper, and a backup back into a directory.
func TestStateMoves(t *testing.T) {
	zk := "zk://ann:secret@" + zktest.Start(t).Address + "/dcos/quobyte"
	root := t.TempDir()
	from := filepath.Join(root, "from")
	s, err := store.OpenBolt(from)
	fillState(t, s, err)
	backup := write(t, filepath.Join(root, "backup.json"), wantState(t, 0, `"format": 1`, "", "export", "--state-dir", from))
	wantState(t, 0, "7 records are now in zk://ann:***@", "", "import", "--zk", zk, backup)
	wantState(t, 13, "has 7 records; with --replace they are removed", "", "import", "--zk", zk, backup)
	wantState(t, 0, "7 records are now in", "", "import", "--zk", zk, "--replace", backup)
	again := wantState(t, 0, "", "", "export", "--zk", zk)
	if strings.Contains(again, "secret") {
		t.Error("the password is exported")
	}
	to := filepath.Join(root, "to")
	wantState(t, 0, "7 records are now in", again, "import", "--state-dir", to, "-")
	moved, err := store.ReadBolt(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stateRecords(), moved); diff != "" {
		t.Errorf("after two moves (-want +got)\n%s", diff)
	}
}

func TestStateThatIsNotImported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	for text, want := range map[string]string{
		`hello`: "not readable as what state export writes",
		`{}`:    "is not what state export writes",
		`{"format":2,"service":"quobyte","records":[]}`:                                        "format 2 is newer than 1",
		`{"format":1,"service":"other","records":[]}`:                                          `is the state of "other", not of "quobyte"`,
		`{"format":1,"service":"quobyte","records":[{"key":"a","value":1},{"key":"a"}]}`:       `record "a": its key is empty, or was there before`,
		`{"format":1,"service":"quobyte","records":[{"key":"incomplete","value":{"a": "b"}}]}`: "not complete",
	} {
		wantState(t, 1, want, text, "import", "--state-dir", dir, "-")
	}
	wantState(t, 1, "no such file", "", "import", "--state-dir", dir, filepath.Join(dir, "none.json"))
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory was made: %v", err)
	}
}

// fakeMaster knows one framework, with two tasks.
func fakeMaster(t *testing.T, id string) string {
	s := httptest.NewServer(summaryOf(id))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// summaryOf is the /state-summary of a master that knows one framework, and waits for no agents.
func summaryOf(id string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/state" && r.Method == http.MethodGet:
			fmt.Fprintf(w, `{"frameworks":[{"id":%q}],"recovered_slaves":[],"unreachable_slaves":0,"elected_time":1.5,"flags":{"registry":"replicated_log"}}`, id)
			return
		case r.URL.Path != "/state-summary" || r.Method != http.MethodGet:
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"frameworks":[{"id":%q,"active":false,"TASK_RUNNING":1,"TASK_UNREACHABLE":1,"TASK_FINISHED":5}],"slaves":[]}`, id)
	}
}

func TestStateIsReset(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := store.OpenBolt(dir)
	fillState(t, s, err)
	reset := []string{"reset", "--state-dir", dir}
	wantState(t, 13, "framework F-1: it may be registered; give --master", "", append(reset, "--yes")...)
	wantState(t, 13, "it is registered with the master, with 2 tasks;", "", append(reset, "--yes", "--master", fakeMaster(t, "F-1"))...)
	wantState(t, 13, "  data-0 on h1: RUNNING, data-0-server__1\n", "", append(reset, "--yes", "--master", fakeMaster(t, "F-1"))...)
	wantState(t, 1, "give another, or --force", "", append(reset, "--yes", "--master", "127.0.0.1:1")...)
	other := append(reset, "--master", fakeMaster(t, "F-2"))
	wantState(t, 1, "not confirmed; nothing was done", "", other...)
	wantState(t, 1, `"yes" is not "quobyte"; nothing was done`, "yes\n", other...)
	if records, err := store.ReadBolt(t.Context(), dir); err != nil || len(records) != 7 {
		t.Fatalf("%d records are left, want all 7: %v", len(records), err)
	}
	want := `1 tasks may run, and would not be known any more:
  data-0 on h1: RUNNING, data-0-server__1
1 pods have reservations, which nobody would use any more:
  data-0 on h1: `
	wantState(t, 0, want, "quobyte\n", other...)
	wantState(t, 0, "there is nothing in", "", append(reset, "--force")...)
	fillAgain, err := store.OpenBolt(dir)
	fillState(t, fillAgain, err)
	wantState(t, 0, "7 records were removed from", "", append(reset, "--force", "--yes")...)
}

// A master that was elected a moment ago does not know frameworks whose agents and schedulers have not come back, and one that can't be asked for whom it
// waits says nothing by what it does not list.
func TestResetBesideAMasterThatDoesNotKnowYet(t *testing.T) {
	answer := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}
	}
	now := time.Now().Unix()
	const sure = `"frameworks":[],"elected_time":1.5,"flags":{"registry":"replicated_log"}`
	for _, test := range []struct {
		name  string
		state http.HandlerFunc
		code  int
		want  string
	}{
		{"agents are awaited", answer(200, `{`+sure+`,"recovered_slaves":[{"id":"S0"},{"id":"S1"}]}`), 13, "2 agents have not come back since this master was elected"},
		{"all agents are back", answer(200, `{`+sure+`,"recovered_slaves":[]}`), 0, "7 records were removed"},
		{"some were given up", answer(200, `{`+sure+`,"recovered_slaves":[],"unreachable_slaves":3}`), 0, "what ran on 3 agents that it can't reach it does not know either"},
		{"without a registry", answer(200, fmt.Sprintf(`{"frameworks":[],"recovered_slaves":[],"elected_time":%d,"flags":{"registry":"in_memory"}}`, now-60)),
			13, "does not know the agents of the one before it (--registry=in_memory); agents have 10 minutes to come back"},
		{"without a registry, long ago", answer(200, fmt.Sprintf(`{"frameworks":[],"recovered_slaves":[],"elected_time":%d,"flags":{"registry":"in_memory"}}`, now-3600)),
			0, "7 records were removed"},
		{"torn down a moment ago", answer(200, fmt.Sprintf(`{"frameworks":[],"completed_frameworks":[{"id":"F-1"}],"recovered_slaves":[],"elected_time":%d}`, now)),
			0, "7 records were removed"},
		{"it has come back meanwhile", answer(200, `{"frameworks":[{"id":"F-1"}],"recovered_slaves":[]}`), 13, "it has come back to it just now"},
		{"forbidden", answer(403, "not you"), 13, "can't be seen: "},
		{"of others only", answer(401, "who?"), 13, "401 who?"},
		{"absent", answer(404, ""), 13, "/state: 404"},
		{"not now", answer(503, "starting"), 13, "/state: 503 starting"},
		{"not understood", answer(200, "<html>"), 13, "answer to /state: "},
		{"of somebody else", answer(200, `{"frameworks":[]}`), 13, "is it a Mesos master?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			s, err := store.OpenBolt(dir)
			fillState(t, s, err)
			master := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/state" {
					test.state(w, r)
					return
				}
				summaryOf("F-2")(w, r)
			}))
			defer master.Close()
			reset := []string{"reset", "--state-dir", dir, "--yes", "--master", master.URL}
			wantState(t, test.code, test.want, "", reset...)
			if test.code == 0 {
				return
			}
			wantState(t, test.code, "; or give --force", "", reset...)
			if records, err := store.ReadBolt(t.Context(), dir); err != nil || len(records) != 7 {
				t.Errorf("%d records are left, want all 7: %v", len(records), err)
			}
			wantState(t, 0, "7 records were removed", "", append(reset, "--force")...)
		})
	}
}

// A state whose framework can't be told is not taken for one of a framework that never was.
func TestStateThatDoesNotSayTheFramework(t *testing.T) {
	newer := machine.Record{Key: "framework", Value: []byte(`{"format":2,"value":{"id":"F-1"}}`)}
	broken := machine.Record{Key: "framework", Value: []byte(`{"format":1,"val`)}
	pod := machine.Record{Key: "pods/data-0", Value: []byte(`{"format":2,"value":{}}`)}
	host := machine.Record{Key: "hosts/h1", Value: []byte(`{"format":1,"value":{"key":"h1"}}`)}
	for _, test := range []struct {
		name    string
		records []machine.Record
		shown   string // empty: it never was
	}{
		{"newer", []machine.Record{newer, host}, "not readable: format 2 is not known to this program"},
		{"broken", []machine.Record{broken}, "not readable: unexpected end of JSON input"},
		{"others unreadable", []machine.Record{pod}, "not known: there is no record of it"},
		{"never was", []machine.Record{host}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			s, err := store.OpenBolt(dir)
			if err == nil {
				err = s.Commit(t.Context(), machine.Group{Puts: test.records})
			}
			if err == nil {
				err = s.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			reset := []string{"reset", "--state-dir", dir, "--yes", "--master", fakeMaster(t, "F-1")}
			if test.shown == "" {
				wantState(t, 0, "framework  none: it never subscribed", "", "show", "--state-dir", dir)
				wantState(t, 0, "1 records were removed from", "", reset...)
				return
			}
			wantState(t, 0, "framework  "+test.shown, "", "show", "--state-dir", dir)
			wantState(t, 13, "framework: "+test.shown, "", reset...)
			wantState(t, 13, "can't be read, and what they are about is not listed here", "", reset...)
			wantState(t, 0, "records were removed from", "", append(reset, "--force")...)
		})
	}
}

// reset asks masters in all the forms that serve takes, and says who it is; secrets come from files or from the environment.
func TestResetAsksMasters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := store.OpenBolt(dir)
	fillState(t, s, err)
	plain := fakeMaster(t, "F-1")
	serve := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return strings.TrimPrefix(s.URL, "http://")
	}
	follower := serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "//"+plain+"/master"+r.URL.Path)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	locked := serve(func(w http.ResponseWriter, r *http.Request) {
		if user, secret, _ := r.BasicAuth(); user != "store" || secret != "s3cret" {
			http.Error(w, "who is there?", http.StatusUnauthorized)
			return
		}
		summaryOf("F-1")(w, r)
	})
	noMaster := serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") })
	encrypted := httptest.NewTLSServer(summaryOf("F-1"))
	t.Cleanup(encrypted.Close)
	ca := write(t, filepath.Join(t.TempDir(), "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: encrypted.Certificate().Raw})))
	secret := write(t, filepath.Join(t.TempDir(), "secret"), "s3cret\n")
	tlsAddress := strings.TrimPrefix(encrypted.URL, "https://")
	const registered = "framework F-1: it is registered with the master, with 2 tasks"
	for _, test := range []struct {
		name string
		vars map[string]string
		args []string
		code int
		want string
	}{
		{"one after the other", nil, []string{"--master=127.0.0.1:1,http://" + plain}, 13, registered},
		{"one that does not lead", nil, []string{"--master", follower}, 13, registered},
		{"from the environment", map[string]string{"QUOBYTE_MESOS_MASTER": plain}, nil, 13, registered},
		{"with a secret", nil, []string{"--master", locked, "--framework-principal=store", "--framework-secret-file", secret}, 13, registered},
		{"with one from the environment", map[string]string{envSecret: "s3cret"}, []string{"--master", locked, "--framework-principal=store"}, 13, registered},
		{"without one", nil, []string{"--master", locked}, 1, "401 who is there?; give another, or --force"},
		{"with TLS", nil, []string{"--master", tlsAddress, "--master-ca-file", ca}, 13, registered},
		{"of an authority that nobody knows", nil, []string{"--master", encrypted.URL}, 1, "certificate"},
		{"no master", nil, []string{"--master", noMaster}, 1, "no frameworks in it; is it a Mesos master?"},
		{"no address", nil, []string{"--master=x"}, 1, `master "x": missing port in address`},
		{"several problems", nil, []string{"--master", plain, "--master-ca-file=none", "--framework-secret-file=none"}, 1, "--framework-secret-file: open none"},
		{"a secret that is not for whoever a redirect names", nil, []string{"--master", follower, "--framework-principal=store", "--framework-secret-file", secret},
			1, "which was neither configured nor detected"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runHere(t, test.vars, append([]string{"state", "reset", "--state-dir", dir, "--yes"}, test.args...)...)
			text := strings.Join(got.Stderr, "\n")
			if got.Code != test.code || !strings.Contains(text, test.want) || strings.Contains(text, "s3cret") {
				t.Errorf("exit code %d, want %d and %q in\n%s", got.Code, test.code, test.want, text)
			}
		})
	}
	if records, err := store.ReadBolt(t.Context(), dir); err != nil || len(records) != 7 {
		t.Errorf("%d records are left, want all 7: %v", len(records), err)
	}
}

// The leader may be found in ZooKeeper.
func TestResetAsksTheLeaderInZooKeeper(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := store.OpenBolt(dir)
	fillState(t, s, err)
	address := zktest.Start(t).Address
	conn, _, err := zk.Connect([]string{address}, 10*time.Second, zk.WithLogger(quiet{}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	host, port, err := net.SplitHostPort(fakeMaster(t, "F-1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Create("/mesos", nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	reset := []string{"reset", "--yes", "--state-dir", dir, "--master=zk://" + address + "/mesos"}
	info := fmt.Sprintf(`{"id":"M","hostname":%q,"port":%s,"address":{"ip":%q,"port":%s}}`, host, port, host, port)
	if _, err := conn.Create("/mesos/json.info_0000000001", []byte(info), 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	wantState(t, 13, "framework F-1: it is registered with the master, with 2 tasks", "", reset...)
}

// quiet is a logger of ZooKeeper's client.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// While an instance leads, or stands by for nobody, its state is its own; but it can be looked at.
func TestStateInUse(t *testing.T) {
	address := zktest.Start(t).Address
	zk := "zk://" + address + "/q"
	at, err := serviceNode(zk, "quobyte", "election", 5*time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := leader.Join(t.Context(), leader.Config{Config: at, ID: "x", Candidate: leader.Candidate{URL: "http://leader:7888"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Leave()
	if at, err = serviceNode(zk, "quobyte", "state", 5*time.Second, nil); err != nil {
		t.Fatal(err)
	}
	open := func() (store.Store, error) {
		return store.OpenZooKeeper(t.Context(), store.ZooKeeper{Config: zookeeper.Config{Address: at.Address}})
	}
	s, err := open()
	fillState(t, s, err)
	wantState(t, 13, "in use by the instance at http://leader:7888", "", "reset", "--zk", zk, "--force", "--yes")
	file := write(t, filepath.Join(t.TempDir(), "x.json"), `{"format":1,"service":"quobyte","records":[]}`)
	wantState(t, 13, "in use by the instance at http://leader:7888", "", "import", "--zk", zk, "--replace", file)
	wantState(t, 0, "framework  F-1", "", "show", "--zk", zk)

	dir := filepath.Join(t.TempDir(), "state")
	held, err := store.OpenBolt(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	for _, command := range [][]string{{"show"}, {"export"}, {"reset", "--force", "--yes"}, {"import", file}} {
		wantState(t, 1, "in use by another quobyte-mesos", "", append(command, "--state-dir", dir)...)
	}
}

// No serve starts from half a state.
func TestStateThatIsNotComplete(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := store.OpenBolt(dir)
	if err != nil {
		t.Fatal(err)
	}
	records := append(stateRecords(), machine.Record{}) // an empty key is refused in the last group
	if err := store.Replace(t.Context(), s, records); err == nil {
		t.Fatal("replaced by what can't be stored")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := runHere(t, nil, "serve", "--state-dir", dir, "--master=127.0.0.1:1", "--listen=127.0.0.1:0", "--containerizer=command", "--server-command=x")
	if text := strings.Join(got.Stderr, "\n"); got.Code != 18 || !strings.Contains(text, "an import or a reset of it did not come to its end") {
		t.Errorf("serve: exit code %d\n%s", got.Code, text)
	}
	wantState(t, 0, "INCOMPLETE", "", "show", "--state-dir", dir)
	wantState(t, 13, "with --replace they are removed", `{"format":1,"service":"quobyte","records":[]}`, "import", "--state-dir", dir, "-")
	wantState(t, 0, "0 records are now in", `{"format":1,"service":"quobyte","records":[]}`, "import", "--replace", "--state-dir", dir, "-")
}

func TestFlagsOfStateInZooKeeper(t *testing.T) {
	rest := []string{"validate", "--master=127.0.0.1:1", "--containerizer=command", "--server-command=x"}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--zk=zk://h1,h2:2182/q"}, ""},
		{[]string{"--zk=zk://h1/q", "--state-dir=x"}, "--zk: given together with --state-dir"},
		{[]string{"--zk=zk://ann@h1:x/q"}, `--zk: server "h1:x": "x" is not a port number`},
		{[]string{"--zk=zk://h1/q", "--zk-session-timeout=1ms"}, "--zk-session-timeout: 1ms: must be 1s to 10m"},
	} {
		got := runHere(t, nil, append(rest, test.args...)...)
		text := strings.Join(got.Stderr, "\n")
		if (got.Code == 0) != (test.want == "") || !strings.Contains(text, test.want) {
			t.Errorf("%v: exit code %d, want %q in\n%s", test.args, got.Code, test.want, text)
		}
	}
}

// The token of DC/OS goes to its cluster and to nobody else.
func TestTheTokenGoesToItsCluster(t *testing.T) {
	vars := map[string]string{"DCOS_URL": "https://dcos.example", "DCOS_ACS_TOKEN": "secret\n"}
	for address, want := range map[string]string{
		"https://dcos.example/service/quobyte": "secret", "http://dcos.example/service/quobyte": "", "https://other.example": "", "https://dcos.example:444": "", "::": "",
	} {
		if got := tokenFor(address, environment{Getenv: func(name string) string { return vars[name] }}); got != want {
			t.Errorf("%s gets %q, want %q", address, got, want)
		}
	}
	if got := tokenFor("https://dcos.example", environment{Getenv: func(string) string { return "" }}); got != "" {
		t.Errorf("without a cluster: %q", got)
	}
}

func TestExportFromAFrameworkThatIsNotThere(t *testing.T) {
	wantState(t, 1, "--url: given together with --state-dir or --zk", "", "export", "--url", "http://127.0.0.1:1", "--state-dir", "x")
	wantState(t, 1, "--url: url \"x\": want http://HOST:PORT", "", "export", "--url", "x")
	wantState(t, 1, "127.0.0.1:1", "", "export", "--url", "http://127.0.0.1:1")
}
