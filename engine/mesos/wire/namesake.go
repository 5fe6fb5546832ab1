package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Namesake is a framework with our name that a master knows and that has not ended: it is another instance, or was ours before the state was
// lost.
type Namesake struct {
	ID string
	// Unlike says in words which settings are not ours, as operators change them between runs; empty: none. Only without can it be what a
	// SUBSCRIBE with the settings of now has left behind.
	Unlike    string
	Connected bool
	// Attached says what it has, or has ever had, in words; empty: nothing.
	Attached string
	// Foreign says that its id was made by an earlier master. The one that leads now learnt of it from agents or from the framework
	// itself, and may not know all of its tasks.
	Foreign bool
	// Subscriptions changes with each subscription: the time of the last, in ns.
	Subscriptions int64
}

// OperatorAnswers are what a master's operator API says, in JSON: the answers to GET_MASTER, GET_STATE and GET_OPERATIONS, and /state-summary.
type OperatorAnswers struct{ Master, State, Operations, Summary []byte }

// ErrDisagree says that the cluster has changed between two answers.
var ErrDisagree = errors.New("answers do not agree")

// What is read of the answers. All else is skipped.
type (
	idJSON struct {
		Value string `json:"value"`
	}
	frameworksJSON struct {
		Frameworks []frameworkJSON `json:"frameworks"`
	}
	frameworkJSON struct {
		Info struct {
			ID        idJSON   `json:"id"`
			Name      string   `json:"name"`
			Principal string   `json:"principal"`
			Roles     []string `json:"roles"`
		} `json:"framework_info"`
		Connected    bool              `json:"connected"`
		Recovered    bool              `json:"recovered"`
		Reregistered timeJSON          `json:"reregistered_time"`
		Allocated    []json.RawMessage `json:"allocated_resources"`
	}
	timeJSON struct {
		Nanoseconds int64 `json:"nanoseconds"`
	}
	ofFramework struct {
		ID idJSON `json:"framework_id"`
	}
	stateJSON struct {
		Tasks struct {
			Live        []taskJSON    `json:"tasks"`
			Unreachable []taskJSON    `json:"unreachable_tasks"`
			Completed   []ofFramework `json:"completed_tasks"`
		} `json:"get_tasks"`
		Executors struct {
			Executors []executorJSON `json:"executors"`
		} `json:"get_executors"`
		Frameworks frameworksJSON `json:"get_frameworks"`
		Agents     struct {
			Agents    []agentJSON       `json:"agents"`
			Recovered []json.RawMessage `json:"recovered_agents"`
		} `json:"get_agents"`
	}
	executorJSON struct {
		Info ofFramework `json:"executor_info"`
	}
	agentJSON struct {
		Total []resourceJSON `json:"total_resources"`
	}
	resourceJSON struct {
		Role         string            `json:"role"`        // before refinement
		Reservation  reservationJSON   `json:"reservation"` // before refinement
		Reservations []reservationJSON `json:"reservations"`
	}
	reservationJSON struct {
		Role   string     `json:"role"`
		Labels labelsJSON `json:"labels"`
	}
	labelsJSON struct {
		Labels []labelJSON `json:"labels"`
	}
	labelJSON struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	taskJSON struct {
		ofFramework
		Labels labelsJSON `json:"labels"`
	}
	// summaryJSON counts tasks. Unlike GET_STATE it also counts those that whoever asks may not see.
	summaryJSON struct {
		Frameworks []summaryFramework `json:"frameworks"`
	}
	summaryFramework struct {
		ID          string `json:"id"`
		Staging     int    `json:"TASK_STAGING"`
		Starting    int    `json:"TASK_STARTING"`
		Running     int    `json:"TASK_RUNNING"`
		Killing     int    `json:"TASK_KILLING"`
		Unreachable int    `json:"TASK_UNREACHABLE"`
		Lost        int    `json:"TASK_LOST"`
		Finished    int    `json:"TASK_FINISHED"`
		Killed      int    `json:"TASK_KILLED"`
		Failed      int    `json:"TASK_FAILED"`
		Error       int    `json:"TASK_ERROR"`
	}
)

func (f summaryFramework) live() int {
	return f.Staging + f.Starting + f.Running + f.Killing + f.Unreachable
}

func (f summaryFramework) ended() int { return f.Lost + f.Finished + f.Killed + f.Failed + f.Error }

// TasksOf is how many tasks of a framework may run by what /state-summary was answered with, and whether the master knows the framework.
func TasksOf(id string, text []byte) (tasks int, known bool, err error) {
	var s summaryJSON
	if err := json.Unmarshal(text, &s); err != nil {
		return 0, false, fmt.Errorf("answer to /state-summary: %w", err)
	}
	if s.Frameworks == nil {
		return 0, false, errors.New("answer to /state-summary: no frameworks in it; is it a Mesos master?")
	}
	for _, f := range s.Frameworks {
		if f.ID == id {
			return f.live(), true, nil
		}
	}
	return 0, false, nil
}

// answer reads what a call of the operator API was answered with. Absent lists are empty ones, an absent answer is an error.
func answer[T any](call string, text []byte, field string) (T, error) {
	var all map[string]json.RawMessage
	var out T
	if err := json.Unmarshal(text, &all); err != nil {
		return out, fmt.Errorf("answer to %s: %w", call, err)
	}
	if all[field] == nil {
		return out, fmt.Errorf("answer to %s: no %s in it", call, field)
	}
	if err := json.Unmarshal(all[field], &out); err != nil {
		return out, fmt.Errorf("answer to %s: %w", call, err)
	}
	return out, nil
}

// GlimpseNamesakes lists all namesakes with what GET_FRAMEWORKS alone tells: whether they use anything now, not what, nor what they have used.
func GlimpseNamesakes(f Framework, text []byte) ([]Namesake, error) {
	all, err := answer[frameworksJSON]("GET_FRAMEWORKS", text, "get_frameworks")
	if err != nil {
		return nil, err
	}
	var out []Namesake
	for _, other := range all.Frameworks {
		if f.names(other) {
			n := Namesake{ID: other.Info.ID.Value, Unlike: f.unlike(other), Connected: other.Connected, Foreign: other.Recovered, Subscriptions: other.Reregistered.Nanoseconds}
			if len(other.Allocated) > 0 {
				n.Attached = inUse
			}
			out = append(out, n)
		}
	}
	return out, nil
}

const inUse = "resources in use"

// names says whether a framework is a namesake.
func (f Framework) names(other frameworkJSON) bool { return other.Info.Name == f.Name }

// unlike says how a namesake differs from us.
func (f Framework) unlike(other frameworkJSON) string {
	var words []string
	if p := other.Info.Principal; p != f.Principal {
		words = append(words, fmt.Sprintf("principal %q and not %q", p, f.Principal))
	}
	if theirs, ours := sorted(other.Info.Roles), sorted(f.Roles); !slices.Equal(theirs, ours) {
		words = append(words, fmt.Sprintf("roles %q and not %q", theirs, ours))
	}
	return strings.Join(words, ", ")
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// Namesakes lists all namesakes with what they have, by their ids.
func Namesakes(f Framework, a OperatorAnswers) ([]Namesake, error) {
	master, err := answer[struct {
		Info struct {
			ID string `json:"id"`
		} `json:"master_info"`
	}]("GET_MASTER", a.Master, "get_master")
	if err != nil {
		return nil, err
	}
	state, err := answer[stateJSON]("GET_STATE", a.State, "get_state")
	if err != nil {
		return nil, err
	}
	operations, err := answer[struct {
		Operations []ofFramework `json:"operations"`
	}]("GET_OPERATIONS", a.Operations, "get_operations")
	if err != nil {
		return nil, err
	}
	var summary summaryJSON
	if err := json.Unmarshal(a.Summary, &summary); err != nil {
		return nil, fmt.Errorf("answer to /state-summary: %w", err)
	}
	return f.namesakes(master.Info.ID, state, operations.Operations, summary)
}

func (f Framework) namesakes(master string, state stateJSON, operations []ofFramework, summary summaryJSON) ([]Namesake, error) {
	var out []Namesake
	for _, other := range state.Frameworks.Frameworks {
		if !f.names(other) {
			continue
		}
		id := other.Info.ID.Value
		attached, err := attached(other, state, count(operations, id), summary)
		if err != nil {
			return nil, err
		}
		out = append(out, Namesake{
			ID: id, Unlike: f.unlike(other), Connected: other.Connected, Attached: attached, Subscriptions: other.Reregistered.Nanoseconds,
			Foreign: other.Recovered || !madeBy(master, id),
		})
	}
	slices.SortFunc(out, func(x, y Namesake) int { return strings.Compare(x.ID, y.ID) })
	return out, nil
}

// madeBy says whether a master made the id: of its own and a number.
func madeBy(master, id string) bool {
	number, ok := strings.CutPrefix(id, master+"-")
	return ok && master != "" && number != "" && strings.Trim(number, "0123456789") == ""
}

func (x ofFramework) framework() string { return x.ID.Value }

func count[T interface{ framework() string }](list []T, id string) int {
	n := 0
	for _, x := range list {
		if x.framework() == id {
			n++
		}
	}
	return n
}

// attached says what a framework has. That something has ended counts as well: only a framework whose id somebody kept can have launched it.
func attached(f frameworkJSON, s stateJSON, operations int, summary summaryJSON) (string, error) {
	id := f.Info.ID.Value
	executors, reserved := 0, 0
	for _, e := range s.Executors.Executors {
		executors += count([]ofFramework{e.Info}, id)
	}
	for _, a := range s.Agents.Agents {
		for _, r := range a.Total {
			if r.labelled(id) {
				reserved++
			}
		}
	}
	live, ended := count(s.Tasks.Live, id)+count(s.Tasks.Unreachable, id), count(s.Tasks.Completed, id)
	counted := false
	for _, t := range summary.Frameworks {
		if t.ID == id {
			counted = true
			live, ended = max(live, t.live()), max(ended, t.ended())
		}
	}
	if !counted {
		return "", fmt.Errorf("%w: framework %s is not in that to /state-summary", ErrDisagree, id)
	}
	var words []string
	for _, n := range []struct {
		count int
		what  string
	}{
		{live, "tasks that may run"}, {ended, "tasks that have ended"}, {executors, "executors"}, {operations, "operations"}, {reserved, "reserved resources"},
	} {
		if n.count > 0 {
			words = append(words, fmt.Sprintf("%d %s", n.count, n.what))
		}
	}
	if len(words) == 0 && len(f.Allocated) > 0 {
		words = append(words, inUse)
	}
	return strings.Join(words, ", "), nil
}

// labelled says whether a label of a reservation names the framework; those that this framework makes do (offers.LabelFramework).
func (r resourceJSON) labelled(id string) bool {
	for _, reservation := range append(r.Reservations, r.Reservation) {
		for _, l := range reservation.Labels.Labels {
			if l.Value == id {
				return true
			}
		}
	}
	return false
}
