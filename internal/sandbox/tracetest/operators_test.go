package tracetest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// operatorStreamFollows stands for the events of a subscription to the operator API.
const operatorStreamFollows = "(stream)"

// operatorNotes are what was done for operators to look at.
var operatorNotes = []note{
	{regexp.MustCompile(`a framework ends, an agent goes$`), func(r *replay, l *line, _ []string) {
		a := r.agentOf(l)
		done := r.background() // the framework has ended by then
		time.AfterFunc(time.Second, func() { defer done(); r.befall(l, a, (*cluster.Cluster).KillAgent) })
	}},
}

var operatorAllowances = []*allowance{
	{seen: recordedOperator, problem: regexp.MustCompile(`^answer to : registrar/\S+:\n\s+want \S+\n\s+got  \(nothing\)$`),
		reason: "the sandbox's registry is in memory: it has no size, and nothing waits for it", scopeout: true},
	{seen: recordedOperator, problem: regexp.MustCompile(`^answer to : master/messages_\w+:\n\s+want \(nothing\)\n`), when: showsSomeMessages,
		reason: "recordings leave them out"},
	{seen: recordedOperator, problem: regexp.MustCompile(`^answer to : flags\.(webui_dir|work_dir):`),
		reason: "the sandbox's master has no files of its own"},
	{seen: recordedOperator, problem: regexp.MustCompile(`^the recording has an answer to no call$`), when: shownInPart,
		reason: "a recording may show GET_METRICS and GET_FLAGS only in part, and without the calls"},
	{seen: recordedOperator, problem: regexp.MustCompile(`^answer to : master_hostname:`),
		reason: "an agent of Mesos looks up the name of its master's address"},
	{seen: recordedOperator, problem: regexp.MustCompile(`^answer to ACKNOWLEDGE: `), when: duringTeardown, chance: true,
		reason: "a driver's acknowledgement and TEARDOWN race on two connections, and the acknowledgement was first"},
	{seen: recordedOperator, problem: regexp.MustCompile(`^answer to : flags:\n\s+want "\(cut\)"`),
		reason: "a recording may leave out the flags of the agent"},
}

// showsSomeMessages tells whether a line has metrics with one at least of those that recordings leave out.
func showsSomeMessages(_ *replay, l *line) bool {
	metrics, _ := l.decoded.(map[string]any)
	return slices.ContainsFunc(sortedKeys(metrics), func(name string) bool { return strings.HasPrefix(name, "master/messages_") })
}

// shownInPart tells whether a line is an answer to an operator of which a recording may have some lines only.
func shownInPart(_ *replay, l *line) bool {
	return l.Who == "operator" && (l.at("get_metrics") != nil || l.at("get_flags") != nil)
}

const recordedOperator = "14-operator-api-state"

// duringTeardown tells whether a framework is torn down around a line.
func duringTeardown(r *replay, l *line) bool {
	return r.trace.around(l, func(other *line) bool { return other.Dir == callLine && other.typ() == "TEARDOWN" })
}

var runDirectory = regexp.MustCompile(`^/files/\w+\?path=(\S+/executors/[^/]+/runs/[0-9a-f-]+)`)

// writeSandboxFiles makes the files that a task of the recording left behind, when somebody first asks for them. Processes are played in a replay,
// and write nothing.
func (r *replay) writeSandboxFiles(l *line) {
	found := runDirectory.FindStringSubmatch(l.HTTP.Path)
	if found == nil {
		return
	}
	dir := r.ids.translate(found[1])
	if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "latest")); err == nil {
		return
	}
	if err := r.writeFiles(dir); err != nil {
		r.problem(l, "files in %s: %v", found[1], err)
	}
}

// places lets the directories of agents stand for those of the recording.
func (r *replay) places() {
	for _, a := range r.agents {
		if recorded := r.trace.workDir(a); recorded != "" {
			r.ids.places[recorded] = filepath.Join(r.dir, a.id)
		}
	}
}

// workDir is the --work_dir of an agent, as the directories of its tasks show it; "" if none does.
func (t *trace) workDir(a *agentSpec) string {
	below := regexp.MustCompile(`(/[\w./-]+)/slaves/` + regexp.QuoteMeta(a.id) + `/`)
	for _, l := range t.lines {
		if m := below.FindStringSubmatch(l.HTTP.Path + " " + string(l.Body)); m != nil {
			return m[1]
		}
	}
	return ""
}

// writeFiles makes the files of a container as long as they were.
func (r *replay) writeFiles(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range r.trace.files() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	latest := filepath.Join(filepath.Dir(dir), "latest")
	_ = os.Remove(latest)
	return os.Symlink(filepath.Base(dir), latest)
}

var downloaded = regexp.MustCompile(`^/files/(?:download|read)\?path=\S*/(stdout|stderr)`)

// files are the contents of the files that somebody has read, by their names.
func (t *trace) files() map[string]string {
	files := map[string]string{}
	for _, l := range t.lines {
		call := t.calls()[l]
		if l.Dir != responseLine || call == nil {
			continue
		}
		m := downloaded.FindStringSubmatch(call.HTTP.Path)
		if m == nil {
			continue
		}
		text, isText := l.decoded.(string)
		if data, ok := l.at("data").(string); ok && data != "" {
			text, isText = data, true
		}
		if isText && text != "" {
			files[m[1]] = text
		}
	}
	return files
}
