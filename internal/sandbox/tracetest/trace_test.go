package tracetest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// folder is where the recordings are that are kept.
const folder = "../testdata/traces"

// Directions of a line.
const (
	callLine     = "->call"
	responseLine = "<-response"
	eventLine    = "<-event"
	noteLine     = "--note"
)

// line is one line of a recording.
type line struct {
	number int
	T      float64         `json:"t"`
	Dir    string          `json:"dir"`
	Who    string          `json:"who"`
	HTTP   exchange        `json:"http"`
	Body   json.RawMessage `json:"body"`

	decoded any // of Body
}

// exchange is what the recording has of HTTP.
type exchange struct {
	Status     int               `json:"status"`
	StatusLine string            `json:"status_line"`
	Headers    map[string]string `json:"headers"`
	Method     string            `json:"method"`
	Path       string            `json:"path"`
	Port       int               `json:"port"`
	Case       string            `json:"case"`
}

// at is a value inside the body, nil if there is none.
func (l *line) at(path ...string) any { return dig(l.decoded, path...) }

// text is a string inside the body, or the body itself; "" if there is none.
func (l *line) text(path ...string) string {
	text, _ := l.at(path...).(string)
	return text
}

func (l *line) typ() string { return l.text("type") }

// note is the text of a note. Some notes are objects.
func (l *line) note() string {
	if text, ok := l.decoded.(string); ok {
		return text
	}
	return string(l.Body)
}

func dig(value any, path ...string) any {
	for _, key := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[key]
	}
	return value
}

// trace is a recording.
type trace struct {
	name  string // of the file, without folder and extension
	lines []*line

	answered map[*line]*line // see calls
}

// readTraces reads all recordings of a folder.
func readTraces(folder string) ([]*trace, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var traces []*trace
	for _, path := range paths {
		t, err := readTrace(path)
		if err != nil {
			return nil, err
		}
		traces = append(traces, t)
	}
	return traces, nil
}

func readTrace(path string) (*trace, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	t := &trace{name: strings.TrimSuffix(filepath.Base(path), ".jsonl")}
	in := bufio.NewScanner(file)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		l := &line{number: len(t.lines) + 1}
		if err := json.Unmarshal(in.Bytes(), l); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, l.number, err)
		}
		if err := json.Unmarshal(l.Body, &l.decoded); err != nil {
			return nil, fmt.Errorf("%s:%d: body: %w", path, l.number, err)
		}
		t.lines = append(t.lines, l)
	}
	return t, in.Err()
}

// calls finds the call that a response line answers: the last of that `who` that has no answer yet.
func (t *trace) calls() map[*line]*line {
	if t.answered != nil {
		return t.answered
	}
	t.answered = map[*line]*line{}
	open := map[string][]*line{}
	for _, l := range t.lines {
		switch stack := open[l.Who]; {
		case l.Dir == callLine:
			open[l.Who] = append(stack, l)
		case l.Dir == responseLine && len(stack) > 0:
			i := len(stack) - 1
			if i > 0 && stack[i].typ() == "TEARDOWN" && tooLate[l.text()] {
				i-- // what came too late was the other call
			}
			t.answered[l] = stack[i]
			open[l.Who] = slices.Delete(stack, i, i+1)
		}
	}
	return t.answered
}

// where finds a line for people.
func (t *trace) where(l *line) string { return fmt.Sprintf("%s:%d t=%.3f", t.name, l.number, l.T) }

// caseOf is the last note before a line that says what is tried, for people.
func (t *trace) caseOf(l *line) string {
	for i := l.number - 1; i >= 0; i-- {
		if c := t.lines[i]; c.HTTP.Case != "" {
			return c.HTTP.Case
		} else if c.Dir == noteLine && c.Who == "" {
			return c.note()
		}
	}
	return ""
}

// next is the first line that fits within some time after a line; an empty one if there is none.
func (t *trace) next(l *line, within time.Duration, fits func(*line) bool) *line {
	for _, other := range t.lines[l.number:] {
		if seconds(other.T-l.T) > within {
			break
		}
		if fits(other) {
			return other
		}
	}
	return &line{}
}

// around tells whether a line within 100 ms of one fits.
func (t *trace) around(l *line, fits func(*line) bool) bool {
	return slices.ContainsFunc(t.lines, func(other *line) bool { return math.Abs(other.T-l.T) < 0.1 && fits(other) })
}

// beat is when a master made its rounds of offers: at phase, phase+period, ...
type beat struct{ phase, period time.Duration }

// fitBeat finds the beat at which most of the OFFERS came. A round takes a little time, so the real period is longer than
// the interval that the master was started with.
func (t *trace) fitBeat(interval time.Duration) beat {
	var times []float64
	for _, l := range t.lines {
		if l.Dir == eventLine && l.typ() == "OFFERS" {
			times = append(times, l.T)
		}
	}
	const after = 0.016 // s, from the round to the scheduler
	best, most := beat{period: interval + time.Millisecond}, 0.0
	for extra := 5; extra <= 30; extra++ { // tenths of a millisecond
		period := interval.Seconds() + float64(extra)/1e4
		for step := range 250 {
			phase := float64(step) * period / 250
			hits := -math.Abs(float64(extra-13)) / 1000 // all else equal, the usual period
			for _, at := range times {
				if delay := math.Mod(at-phase+1000*period, period); delay < after {
					hits += 1 - delay // rather just before the offers
				}
			}
			if hits > most {
				best, most = beat{seconds(phase), seconds(period)}, hits
			}
		}
	}
	return best
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// agentSpec is what a recording tells of an agent.
type agentSpec struct {
	id         string
	hostname   string
	ip         string
	port       int
	resources  []any
	attributes []any
	domain     any
}

// agents are those that offers came from, in the order of their ids. What one has is what its first offers had, and what
// is statically reserved on it, which may be offered later.
func (t *trace) agents() []*agentSpec {
	var list []*agentSpec
	byID := map[string]*agentSpec{}
	firstAt := map[string]int{}
	for _, l := range t.lines {
		offers, _ := l.at("offers", "offers").([]any)
		for _, o := range offers {
			id, _ := dig(o, "agent_id", "value").(string)
			a := byID[id]
			if a == nil {
				a = newAgentSpec(id, o)
				byID[id], firstAt[id] = a, l.number
				list = append(list, a)
			}
			resources, _ := dig(o, "resources").([]any)
			for _, r := range resources {
				if plain := unallocated(r); firstAt[id] == l.number || static(plain) {
					a.add(plain)
				}
			}
		}
	}
	for _, a := range t.listedAgents() {
		if byID[a.id] == nil {
			byID[a.id] = a
			list = append(list, a)
		}
	}
	for _, a := range t.brieflyOffered(list) {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *agentSpec) int { return agentNumber(a.id) - agentNumber(b.id) })
	return list
}

// brieflyOffered are agents that are only seen in OFFERS that the recording has in short. Which address such a one has is not said there: it came
// in the place of the last that was lost before.
func (t *trace) brieflyOffered(others []*agentSpec) []*agentSpec {
	var list []*agentSpec
	var lost string
	for _, l := range t.lines {
		if id := l.text("failure", "agent_id", "value"); id != "" && l.at("failure", "executor_id") == nil {
			lost = id
		}
		for _, number := range briefAgents(l) {
			known := func(a *agentSpec) bool { return agentNumber(a.id) == number }
			before := slices.IndexFunc(others, func(a *agentSpec) bool { return a.id == lost })
			if before < 0 || slices.ContainsFunc(others, known) || slices.ContainsFunc(list, known) {
				continue
			}
			a := *others[before]
			a.id = fmt.Sprintf("%s-S%d", strings.TrimSuffix(lost, agentID.FindString(lost)), number)
			list = append(list, &a)
		}
	}
	return list
}

// briefAgents are the numbers of the agents in an OFFERS that the recording has in short: "272-O3 S0 dev ports=R,cpus=8.0".
func briefAgents(l *line) []int {
	var numbers []int
	short, _ := l.at("abridged").([]any)
	for _, o := range short {
		if words := strings.Fields(fmt.Sprint(o)); len(words) > 1 {
			numbers = append(numbers, agentNumber("-"+words[1]))
		}
	}
	return numbers
}

// listedAgents are those that an operator was told of when it began to listen: some recordings leave out all offers.
func (t *trace) listedAgents() []*agentSpec {
	var list []*agentSpec
	for _, l := range t.lines {
		agents, _ := l.at("subscribed", "get_state", "get_agents", "agents").([]any)
		for _, shown := range agents {
			info := dig(shown, "agent_info")
			port, _ := dig(info, "port").(float64)
			a := &agentSpec{port: int(port), domain: dig(info, "domain")}
			a.id, _ = dig(info, "id", "value").(string)
			a.hostname, _ = dig(info, "hostname").(string)
			pid, _ := dig(shown, "pid").(string)
			_, address, _ := strings.Cut(pid, "@")
			a.ip, _, _ = strings.Cut(address, ":")
			a.attributes, _ = dig(info, "attributes").([]any)
			a.resources, _ = dig(info, "resources").([]any)
			list = append(list, a)
		}
	}
	return list
}

func newAgentSpec(id string, offer any) *agentSpec {
	address := dig(offer, "url", "address")
	port, _ := dig(address, "port").(float64)
	a := &agentSpec{id: id, port: int(port), domain: dig(offer, "domain")}
	a.ip, _ = dig(address, "ip").(string)
	a.hostname, _ = dig(offer, "hostname").(string)
	a.attributes, _ = dig(offer, "attributes").([]any)
	return a
}

var agentID = regexp.MustCompile(`-S(\d+)$`)

func agentNumber(id string) int {
	number := 0
	if m := agentID.FindStringSubmatch(id); m != nil {
		_, _ = fmt.Sscan(m[1], &number)
	}
	return number
}

// unallocated is a resource as its agent has it, with reservations in a list.
func unallocated(resource any) map[string]any {
	plain := map[string]any{}
	for key, value := range resource.(map[string]any) {
		plain[key] = value
	}
	delete(plain, "allocation_info")
	role, old := plain["role"].(string)
	delete(plain, "role")
	if old && role != "*" && plain["reservation"] == nil {
		plain["reservations"] = []any{map[string]any{"type": "STATIC", "role": role}}
	}
	return plain
}

func static(resource map[string]any) bool {
	reservations, _ := resource["reservations"].([]any)
	return len(reservations) == 1 && dig(reservations[0], "type") == "STATIC"
}

func (a *agentSpec) add(resource map[string]any) {
	text := canonical(resource)
	if !slices.ContainsFunc(a.resources, func(have any) bool { return canonical(have) == text }) {
		a.resources = append(a.resources, resource)
	}
}

// canonical is the same text for the same value.
func canonical(value any) string {
	text, _ := json.Marshal(value) // keys are sorted
	return string(text)
}

// masterInfos are those of all SUBSCRIBED events, each master once, in their order.
func (t *trace) masterInfos() []any {
	var infos []any
	seen := map[string]bool{}
	for _, l := range t.lines {
		info := l.at("subscribed", "master_info")
		id, _ := dig(info, "id").(string)
		if info != nil && !seen[id] {
			seen[id] = true
			infos = append(infos, info)
		}
	}
	return infos
}

var registryInNote = regexp.MustCompile(`\bregistry (replicated_log|in_memory)`)

var flagInNote = regexp.MustCompile(`--([a-z_]+)=(\S+?)[,;)]?(?:\s|$)`)

// flagsShown are flags of agents that show in what agents say.
var flagsShown = []struct {
	flag string
	in   *regexp.Regexp
}{
	{"executor_registration_timeout", regexp.MustCompile(`"Executor did not register within (\w+)"`)},
	{"executor_reregistration_timeout", regexp.MustCompile(`"MESOS_SUBSCRIPTION_BACKOFF_MAX":"(\w+)"`)},
	{"executor_shutdown_grace_period", regexp.MustCompile(`"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD":"(\w+)"`)},
}

// flags are those that the notes name or that show in what agents say, over those that every recording was made with.
func (t *trace) flags() map[string]string {
	flags := map[string]string{
		"allocation_interval": "500ms", "agent_ping_timeout": "1secs", "max_agent_ping_timeouts": "3",
		"registry": "in_memory",
	}
	for _, l := range t.lines {
		for _, shown := range flagsShown {
			if m := shown.in.FindSubmatch(l.Body); m != nil {
				flags[shown.flag] = string(m[1])
			}
		}
		if l.Dir != noteLine {
			continue
		}
		if m := registryInNote.FindStringSubmatch(l.note()); m != nil {
			flags["registry"] = m[1]
		}
		for _, m := range flagInNote.FindAllStringSubmatch(l.note(), -1) {
			flags[m[1]] = m[2]
		}
	}
	return flags
}

var mesosDuration = regexp.MustCompile(`^([\d.]+)(ns|us|ms|secs|mins|hrs|days|weeks)$`)

// duration reads one as flags of Mesos have them; zero if there is none.
func duration(text string) time.Duration {
	m := mesosDuration.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	var amount float64
	_, _ = fmt.Sscan(m[1], &amount)
	units := map[string]time.Duration{
		"ns": 1, "us": time.Microsecond, "ms": time.Millisecond, "secs": time.Second, "mins": time.Minute,
		"hrs": time.Hour, "days": 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
	}
	return time.Duration(amount * float64(units[m[2]]))
}
