package quobyte

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// UnheardAfter is for how long a prober goes on to report if nobody tells it anything: agents keep each report until it is acknowledged, and a framework
// that comes back asks at once.
const UnheardAfter = 30 * time.Minute

// RepeatEvery is after how many intervals without a change a prober repeats its report.
const RepeatEvery = 10

// maxDocument bounds what is decoded of a report or a message.
const maxDocument = 1 << 20

// Report is what a prober says.
type Report struct {
	// Seq counts the reports of a prober's task from 1.
	Seq   uint64 `json:"seq"`
	Facts Facts  `json:"facts"`
	// Health is in the order of the watch list.
	Health []PodHealth `json:"health"`
	// Heard is the HeardDigest of the last message that arrived, empty before the first.
	Heard string `json:"heard,omitempty"`
}

// Facts are what a host carries.
type Facts struct {
	Devices []FoundDevice `json:"devices"`
	// ClientMountPoint says that the client mount point exists.
	ClientMountPoint bool `json:"client_mount_point"`
	// Problems are about the host, not about one device.
	Problems []string `json:"problems,omitempty"`
}

// FoundDevice is a device on a host.
type FoundDevice struct {
	// Path is where it is on the host, as the prober sees it.
	Path   string `json:"path"`
	Serial string `json:"serial,omitempty"`
	Model  string `json:"model,omitempty"`
	// Types are the pod types that use it, from its file and from what is on it.
	Types     []string `json:"types,omitempty"`
	Bootstrap bool     `json:"bootstrap,omitempty"`
	// ID is the number that Quobyte gave it at its registration.
	ID string `json:"id,omitempty"`
	// FS is the type of the file system; empty for a plain directory.
	FS string `json:"fs,omitempty"`
	// Problems keep it from being used. Each begins with the name of the file that it is about.
	Problems []string `json:"problems,omitempty"`
}

// Serves says whether a pod of the type can use the device.
func (d FoundDevice) Serves(podType string) bool {
	return len(d.Problems) == 0 && slices.Contains(d.Types, podType)
}

// PodHealth is how a prober finds a pod.
type PodHealth struct {
	TaskID  string `json:"task_id"`
	Healthy bool   `json:"healthy"`
	Text    string `json:"text,omitempty"` // why not
}

// Watchlist is what a prober is told: the pods of its host whose health it shall poll.
type Watchlist struct {
	// AskedAt is when the framework wanted to know how they are at that very moment. One that says so asks again before UnheardAfter is over; nil: one
	// that does not.
	AskedAt *time.Time   `json:"asked_at,omitempty"`
	Pods    []WatchedPod `json:"pods"`
}

// WatchedPod is one of them.
type WatchedPod struct {
	TaskID string `json:"task_id"`
	Type   string `json:"type"`
	URL    string `json:"url"`
	// AnyAnswer says that every answer below 500 is a healthy one; otherwise only 200 is.
	AnyAnswer bool `json:"any_answer,omitempty"`
}

// Encode gives facts their canonical form: equal facts are equal bytes.
func (f Facts) Encode() []byte { return encode(f.canonical()) }

// Encode gives a report the form that Read takes.
func (r Report) Encode() []byte {
	r.Facts = r.Facts.canonical()
	if r.Health == nil {
		r.Health = []PodHealth{}
	}
	return encode(r)
}

func (f Facts) canonical() Facts {
	f.Devices = append([]FoundDevice{}, f.Devices...)
	for i := range f.Devices {
		f.Devices[i].Types = sorted(f.Devices[i].Types)
		f.Devices[i].Problems = sorted(f.Devices[i].Problems)
	}
	f.Problems = sorted(f.Problems)
	slices.SortStableFunc(f.Devices, func(a, b FoundDevice) int {
		if order := cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Serial, b.Serial)); order != 0 {
			return order
		}
		return bytes.Compare(encode(a), encode(b))
	})
	return f
}

func sorted(list []string) []string {
	list = slices.Sorted(slices.Values(list))
	return slices.Compact(list)
}

// encode is for types that always can be.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return text
}

// DecodeFacts reads what Encode wrote.
func DecodeFacts(data []byte) (Facts, error) {
	var f Facts
	if err := decode(data, &f); err != nil {
		return Facts{}, fmt.Errorf("facts: %w", err)
	}
	return f, nil
}

// DecodeWatchlist reads what Message wrote.
func DecodeWatchlist(data []byte) (Watchlist, error) {
	var w Watchlist
	if err := decode(data, &w); err != nil {
		return Watchlist{}, fmt.Errorf("watch list: %w", err)
	}
	for i, p := range w.Pods {
		if _, ok := cutScheme(p.URL); p.TaskID == "" || !ok {
			return Watchlist{}, fmt.Errorf("watch list: pod %d: task id %q, url %q: both are needed, the url with http:// or https://", i, p.TaskID, p.URL)
		}
	}
	return w, nil
}

// decode tolerates unknown fields, since prober and framework may be of different versions for a while.
func decode(data []byte, into any) error {
	if len(data) > maxDocument {
		return fmt.Errorf("%d bytes; at most %d are allowed", len(data), maxDocument)
	}
	return json.Unmarshal(data, into)
}

// HeardDigest identifies a message: the hexadecimal SHA-256 of its bytes. A prober reports it of the last message that
// arrived (Report.Heard); the machine compares it with the digest of what Message says now.
func HeardDigest(message []byte) string {
	sum := sha256.Sum256(message)
	return hex.EncodeToString(sum[:])
}

// Read decodes a prober's report.
func (s *Service) Read(data []byte) (machine.Report, error) {
	var r Report
	if err := decode(data, &r); err != nil {
		return machine.Report{}, fmt.Errorf("prober report: %w", err)
	}
	if r.Seq == 0 {
		return machine.Report{}, fmt.Errorf("prober report: seq is 0; reports are counted from 1")
	}
	out := machine.Report{Seq: r.Seq, Facts: r.Facts.Encode(), Heard: r.Heard}
	for _, h := range r.Health {
		out.Pods = append(out.Pods, machine.Health{TaskID: h.TaskID, Healthy: h.Healthy, Text: h.Text})
	}
	return out, nil
}

// Message renders the watch list of a host's prober: the running pods there, probers excepted. It is nil as long as no pod was
// ever launched there.
//
// Pods that Mesos does not say run yet are left out on purpose: a prober reports health on change only, and the machine
// takes health of running pods only. So the report that answers the new list comes when the machine will take it. Registries are the
// exception: they may have joined the replica set before Mesos's word that they run has come, and who wants to stop one must hear of that.
func (s *Service) Message(h machine.Host, pods []machine.Pod) []byte {
	var list *Watchlist
	for _, p := range pods {
		t, ok := lookUp(p.Type)
		if !ok || p.Type == Prober || p.Task == nil {
			continue
		}
		if list == nil {
			list = &Watchlist{Pods: []WatchedPod{}}
		}
		if !runs(p.Task.State) && !(p.Type == Registry && launched(p.Task.State)) {
			continue
		}
		url, anyAnswer := s.settings.healthURL(t, cmp.Or(p.Task.Address, h.Address))
		list.Pods = append(list.Pods, WatchedPod{TaskID: p.Task.ID, Type: p.Type, URL: url, AnyAnswer: anyAnswer})
	}
	switch {
	case list == nil && h.AskedAt.IsZero():
		return nil
	case list == nil:
		list = &Watchlist{Pods: []WatchedPod{}}
	}
	if !h.AskedAt.IsZero() {
		at := h.AskedAt.UTC()
		list.AskedAt = &at
	}
	slices.SortFunc(list.Pods, func(a, b WatchedPod) int { return cmp.Compare(a.TaskID, b.TaskID) })
	return encode(list)
}

// runs says whether a task runs as far as is known. An unreachable one most likely does, and its prober with it.
func runs(s machine.TaskState) bool {
	return s == machine.Running || s == machine.Killing || s == machine.Unreachable
}

// launched says whether a task may run without Mesos having said so.
func launched(s machine.TaskState) bool { return s == machine.Staging || s == machine.Starting }
