package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// EndpointAnswers are what the endpoints from before the operator API say, in JSON: /state and /slaves. Of a master's operations they say nothing.
type EndpointAnswers struct{ State, Slaves []byte }

// What is read of them. All else is skipped.
type (
	endpointState struct {
		ID         string              `json:"id"`
		Frameworks []endpointFramework `json:"frameworks"`
		// Recovered are agents that a master knows of by its registry and that have not come back to it.
		Recovered []json.RawMessage `json:"recovered_slaves"`
	}
	endpointFramework struct {
		ID          string                     `json:"id"`
		Name        string                     `json:"name"`
		Principal   string                     `json:"principal"`
		Roles       []string                   `json:"roles"`
		Role        string                     `json:"role"` // of one that has a single role
		Connected   bool                       `json:"connected"`
		Recovered   bool                       `json:"recovered"`
		Since       float64                    `json:"reregistered_time"` // s; absent before the first time that it came back
		Made        float64                    `json:"registered_time"`   // s
		Used        map[string]json.RawMessage `json:"used_resources"`
		Tasks       []endpointTask             `json:"tasks"`
		Unreachable []endpointTask             `json:"unreachable_tasks"`
		Completed   []endpointTask             `json:"completed_tasks"`
		Executors   []struct{}                 `json:"executors"`
	}
	endpointTask struct {
		Labels []labelJSON `json:"labels"`
	}
	endpointSlaves struct {
		Slaves []struct {
			Reserved map[string][]resourceJSON `json:"reserved_resources_full"` // by role
		} `json:"slaves"`
	}
)

// Seen is what the older endpoints show of a framework's namesakes (Namesakes), of remains of its service (Remains), and how many agents the master waits
// for (Awaited). A namesake with operations under way, and nothing else, can't be told from one with nothing.
func (a EndpointAnswers) Seen(f Framework, label string) (namesakes []Namesake, remains []string, awaited int, err error) {
	state, id, err := a.read()
	if err != nil {
		return nil, nil, 0, err
	}
	var summary summaryJSON
	for _, other := range state.Frameworks.Frameworks {
		summary.Frameworks = append(summary.Frameworks, summaryFramework{ID: other.Info.ID.Value})
	}
	namesakes, err = f.namesakes(id, state, nil, summary)
	return namesakes, f.remains(label, state), len(state.Agents.Recovered), err
}

// read makes of the answers what GET_STATE would say, as far as it is read of that, and the id of the master.
func (a EndpointAnswers) read() (out stateJSON, id string, err error) {
	var state endpointState
	if err := json.Unmarshal(a.State, &state); err != nil {
		return out, "", fmt.Errorf("answer to /state: %w", err)
	}
	var slaves endpointSlaves
	if err := json.Unmarshal(a.Slaves, &slaves); err != nil {
		return out, "", fmt.Errorf("answer to /slaves: %w", err)
	}
	if state.ID == "" || state.Frameworks == nil {
		return out, "", errors.New("answer to /state: no id, or no frameworks, in it; is it a Mesos master?")
	}
	if slaves.Slaves == nil {
		return out, "", errors.New("answer to /slaves: no slaves in it; is it a Mesos master?")
	}
	for _, f := range state.Frameworks {
		out.add(f)
	}
	for _, s := range slaves.Slaves {
		var total []resourceJSON
		for _, role := range slices.Sorted(maps.Keys(s.Reserved)) {
			total = append(total, s.Reserved[role]...)
		}
		out.Agents.Agents = append(out.Agents.Agents, agentJSON{Total: total})
	}
	out.Agents.Recovered = state.Recovered
	return out, state.ID, nil
}

// add adds a framework, and what it has.
func (s *stateJSON) add(f endpointFramework) {
	id := idJSON{f.ID}
	other := frameworkJSON{Connected: f.Connected, Recovered: f.Recovered, Reregistered: timeJSON{int64(max(f.Since, f.Made) * 1e9)}}
	other.Info.ID, other.Info.Name, other.Info.Principal, other.Info.Roles = id, f.Name, f.Principal, f.Roles
	if len(f.Roles) == 0 && f.Role != "" {
		other.Info.Roles = []string{f.Role}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Used)) {
		amount := f.Used[name]
		if n := 0.0; json.Unmarshal(amount, &n) != nil || n != 0 { // ranges are text, and there if they are not empty
			other.Allocated = append(other.Allocated, amount)
		}
	}
	s.Frameworks.Frameworks = append(s.Frameworks.Frameworks, other)
	tasks := func(list []endpointTask) (out []taskJSON) {
		for _, t := range list {
			out = append(out, taskJSON{ofFramework{id}, labelsJSON{t.Labels}})
		}
		return out
	}
	s.Tasks.Live = append(s.Tasks.Live, tasks(f.Tasks)...)
	s.Tasks.Unreachable = append(s.Tasks.Unreachable, tasks(f.Unreachable)...)
	for range f.Completed {
		s.Tasks.Completed = append(s.Tasks.Completed, ofFramework{id})
	}
	for range f.Executors {
		s.Executors.Executors = append(s.Executors.Executors, executorJSON{ofFramework{id}})
	}
}
