package tracetest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// bindings translate the identifiers of a recording into those of its replay. They are learned: the first time that an
// identifier stands where the replay has another one, the two belong together, and must do so ever after.
type bindings struct {
	forward  map[string]string
	backward map[string]string
	places   map[string]string // directories of the recording, by that of the replay
}

func newBindings() *bindings {
	return &bindings{forward: map[string]string{}, backward: map[string]string{}, places: map[string]string{}}
}

func (b *bindings) clone() *bindings {
	c := newBindings()
	c.places = b.places
	for want, got := range b.forward {
		c.bind(want, got)
	}
	return c
}

// bind learns a pair, and tells whether it agrees with what is known.
func (b *bindings) bind(want, got string) bool {
	bound, known := b.forward[want]
	owner, taken := b.backward[got]
	if known || taken {
		return bound == got && owner == want
	}
	b.forward[want], b.backward[got] = got, want
	return true
}

// rebind lets an identifier of the replay stand for another one of the recording from now on.
func (b *bindings) rebind(want, got string) {
	delete(b.forward, b.backward[got])
	delete(b.backward, got)
	b.bind(want, got)
}

// identifier finds ids made of a uuid: of masters, streams and containers, and of frameworks, agents and offers.
var identifier = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:-(?:[OS]\d+|\d{4}))?`)

// encodedUUID finds 16 bytes in base64.
var encodedUUID = regexp.MustCompile(`[A-Za-z0-9+/]{22}==`)

// counted finds the part of an id that its master counted.
var counted = regexp.MustCompile(`-(?:S\d+|\d{4})$`)

// translate puts the identifiers of the replay into a text of the recording. Agents and frameworks are counted alike by
// both masters, so only that of the master needs to be known.
func (b *bindings) translate(text string) string {
	for _, place := range sortedKeys(b.places) {
		text = strings.ReplaceAll(text, place, b.places[place])
	}
	text = identifier.ReplaceAllStringFunc(text, b.one)
	return encodedUUID.ReplaceAllStringFunc(text, b.one)
}

func (b *bindings) one(id string) string {
	if bound, ok := b.forward[id]; ok {
		return bound
	}
	if suffix := counted.FindString(id); suffix != "" {
		if master, ok := b.forward[strings.TrimSuffix(id, suffix)]; ok {
			return master + suffix
		}
	}
	return id
}

// known tells whether an id of the recording has its counterpart.
func (b *bindings) known(id string) bool {
	_, ok := b.forward[id]
	return ok
}

// difference is one place where the replay is not like the recording.
type difference struct {
	path string // "update.status.message"
	want string // "" for nothing there
	got  string
}

func (d difference) String() string {
	return fmt.Sprintf("%s:\n      want %s\n      got  %s", d.path, orNothing(d.want), orNothing(d.got))
}

func orNothing(text string) string {
	if text == "" {
		return "(nothing)"
	}
	return text
}

// comparison compares one body of a recording with one of the replay.
type comparison struct {
	ids         *bindings
	differences []difference
	cut         bool // the recording has only some of the keys
}

func (c *comparison) differ(path string, want, got any) {
	c.differences = append(c.differences, difference{path, show(want), show(got)})
}

func show(value any) string {
	const longest = 400
	if value == nil {
		return ""
	}
	text := canonical(value)
	if len(text) > longest {
		return fmt.Sprintf("%s... (%d bytes)", text[:longest], len(text))
	}
	return text
}

// measured are the ends of paths to values that are as the machine had them: they need only be there, and be of the same
// type.
var measured = regexp.MustCompile(`(^|[./])(timestamp|executor_pid|pid_of_executor|\w+_time|mtime|mtime\.nanoseconds|mem_rss_bytes|[ug]id|cpus_(user|system)_time_secs|(\w*_time|timestamp)\.nanoseconds|uptime_secs)$|(^|\.)(system/\w+|\w+/(\w+/)*event_queue_\w+|allocator/mesos/allocation_run\w*(/\w+)?)$`)

// unordered are the ends of paths to lists whose order means nothing.
var unordered = regexp.MustCompile(`(^|\.)(offers|\w*resources|inverse_offers\.inverse_offers|executor_ids|` +
	`get_agents\.\w+|get_tasks\.\w+|get_executors\.\w+|get_frameworks\.\w+|draining_machines\[\d+\]\.statuses|` +
	`tasks|\w+_tasks|executors|completed_executors|frameworks|completed_frameworks|slaves|containers)$|^$`)

// unversioned are fields that our schema lacks: the versioned API, which it is of, has no checkpoint of agents, and it is
// older than constraints, of which masters show an empty object where there are none.
var unversioned = regexp.MustCompile(`(agent_info|recovered_agents(\[\])?)\.checkpoint$|^get_frameworks\..*\.offer_constraints$`)

// values compares what stands at a path.
func (c *comparison) values(path string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			c.objects(path, w, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok {
			c.lists(path, w, g)
			return
		}
	case string:
		if g, ok := got.(string); ok && (c.texts(w, g) || measured.MatchString(path) || inspected(g) && w != "") {
			return
		}
	case float64:
		if g, ok := got.(float64); ok && (w == g || measured.MatchString(path)) {
			return
		}
	default:
		if want == got {
			return
		}
	}
	c.differ(path, want, got)
}

func (c *comparison) objects(path string, want, got map[string]any) {
	for _, key := range sortedKeys(want) {
		if value, ok := got[key]; ok {
			c.values(join(path, key), want[key], value)
		} else if !unversioned.MatchString(join(path, key)) {
			c.differ(join(path, key), want[key], nil)
		}
	}
	for _, key := range sortedKeys(got) {
		if _, ok := want[key]; !ok && !c.cut {
			c.differ(join(path, key), nil, got[key])
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (c *comparison) lists(path string, want, got []any) {
	if unordered.MatchString(path) {
		c.sets(path, want, got)
		return
	}
	for i := range max(len(want), len(got)) {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case i >= len(want):
			c.differ(at, nil, got[i])
		case i >= len(got):
			c.differ(at, want[i], nil)
		default:
			c.values(at, want[i], got[i])
		}
	}
}

// sets compares lists in any order: first what is alike goes away, then the rest is compared as it stands.
func (c *comparison) sets(path string, want, got []any) {
	rest := slices.Clone(got)
	var missing []any
	for _, w := range want {
		i := slices.IndexFunc(rest, func(g any) bool { return c.alike(path+"[]", w, g) })
		if i < 0 {
			missing = append(missing, w)
			continue
		}
		c.values(path+"[]", w, rest[i]) // for what it binds
		rest = slices.Delete(rest, i, i+1)
	}
	for i := range max(len(missing), len(rest)) {
		switch {
		case i >= len(missing):
			c.differ(path+"[]", nil, rest[i])
		case i >= len(rest):
			c.differ(path+"[]", missing[i], nil)
		default:
			c.values(path+"[]", missing[i], rest[i])
		}
	}
}

// alike tries a comparison without consequences.
func (c *comparison) alike(path string, want, got any) bool {
	try := comparison{ids: c.ids.clone()}
	try.values(path, want, got)
	return len(try.differences) == 0
}

const oneResource = `[\w.-]+(?:\(allocated: [^)]*\))?(?:\(reservations: \[[^\]]*\]\))?(?:\[[^\]]*\])?:(?:\[[^\]]*\]|\{[^}]*\}|[\d.]+)`

// someResources finds lists of resources in a message: in which order they stand depends on what was added and taken away
// before, and means nothing.
var someResources = regexp.MustCompile(oneResource + `(?:; ` + oneResource + `)+`)

func sortResources(text string) string {
	return someResources.ReplaceAllStringFunc(text, func(list string) string {
		items := strings.Split(list, "; ")
		slices.Sort(items)
		return strings.Join(items, "; ")
	})
}

// texts compares two texts and learns which identifiers in them belong together.
func (c *comparison) texts(want, got string) bool {
	want, got = sortResources(want), sortResources(got)
	if c.ids.translate(want) == got {
		for _, id := range append(identifier.FindAllString(want, -1), encodedUUID.FindAllString(want, -1)...) {
			c.ids.bind(id, c.ids.one(id))
		}
		return true
	}
	return c.skeletons(identifier, want, got) || c.skeletons(encodedUUID, want, got)
}

func (c *comparison) skeletons(ids *regexp.Regexp, want, got string) bool {
	wanted, found := ids.FindAllString(want, -1), ids.FindAllString(got, -1)
	if len(wanted) == 0 || len(wanted) != len(found) || ids.ReplaceAllString(want, "#") != ids.ReplaceAllString(got, "#") {
		return false
	}
	for i := range wanted {
		if !c.ids.bind(wanted[i], found[i]) {
			return false
		}
	}
	return true
}

// abridged compares offers that the recording has only as short texts: "272-O3 S0 dev ports=R,cpus=8.0,mem=8192.0".
func (c *comparison) abridged(masterID string, want []any, got any) {
	offers, _ := dig(got, "offers", "offers").([]any)
	rest := slices.Clone(offers)
	for _, w := range want {
		text, _ := w.(string)
		id, what, _ := strings.Cut(text, " ")
		i := slices.IndexFunc(rest, func(o any) bool { return sameSummary(what, c.summary(o)) })
		if i < 0 {
			c.differ("offers", text, summaries(c, rest))
			continue
		}
		_, number, _ := strings.Cut(id, "-O")
		replayed, _ := dig(rest[i], "id", "value").(string)
		if !c.ids.bind(masterID+"-O"+number, replayed) {
			c.differ("offers", id, replayed)
		}
		rest = slices.Delete(rest, i, i+1)
	}
	for _, o := range rest {
		c.differ("offers", nil, c.summary(o))
	}
}

func summaries(c *comparison, offers []any) string {
	var list []string
	for _, o := range offers {
		list = append(list, c.summary(o))
	}
	return strings.Join(list, " | ")
}

// summary is the short text of an offer, without its id.
func (c *comparison) summary(offer any) string {
	agent, _ := dig(offer, "agent_id", "value").(string)
	role, _ := dig(offer, "allocation_info", "role").(string)
	var parts []string
	resources, _ := dig(offer, "resources").([]any)
	for _, r := range resources {
		name, _ := dig(r, "name").(string)
		if amount, ok := dig(r, "scalar", "value").(float64); ok {
			text, _ := json.Marshal(amount)
			if !strings.Contains(string(text), ".") {
				text = append(text, ".0"...)
			}
			parts = append(parts, name+"="+string(text))
			continue
		}
		parts = append(parts, name+"=R")
	}
	return "S" + fmt.Sprint(agentNumber(agent)) + " " + role + " " + strings.Join(parts, ",")
}

func sameSummary(want, got string) bool {
	w, g := strings.SplitN(want, " ", 3), strings.SplitN(got, " ", 3)
	if len(w) != 3 || len(g) != 3 || w[0] != g[0] || w[1] != g[1] {
		return false
	}
	a, b := strings.Split(w[2], ","), strings.Split(g[2], ",")
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
