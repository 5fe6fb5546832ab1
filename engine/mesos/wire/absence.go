package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// Absence is what a master that does not list a framework knows of who could bring that back, by its answer to /state: of a framework whose scheduler does not
// run, a new master learns from the agents that have tasks of it.
type Absence struct {
	// Listed says that it is there after all.
	Listed bool
	// Ended says that this master has seen it end. It would be ended on agents that come back, too.
	Ended bool
	// Awaited is how many agents have not come back since the master was elected (Awaited), as far as it knows agents of before.
	Awaited int
	// Unreachable is how many agents the master has given up. They may come back all the same.
	Unreachable int
	// Registry is where the master keeps its agents (--registry); empty if it does not say, as it does to whoever may not see its flags.
	Registry string
	// Elected is when it was elected, by its own clock; zero if it does not say.
	Elected time.Time
}

// agentsPatience is how long agents have to come back to a new master before it gives them up (--agent_reregister_timeout, as masters have it if it is not given).
const agentsPatience = 10 * time.Minute

// durable is the registry that outlives a master: the next one knows for whom to wait.
const durable = "replicated_log"

// absenceJSON is what is read of /state. What must be there is looked for.
type absenceJSON struct {
	Frameworks  []struct{ ID string }      `json:"frameworks"`
	Completed   []struct{ ID string }      `json:"completed_frameworks"`
	Recovered   *[]json.RawMessage         `json:"recovered_slaves"`
	Unreachable float64                    `json:"unreachable_slaves"`
	Elected     float64                    `json:"elected_time"` // s
	Flags       map[string]json.RawMessage `json:"flags"`
}

// AbsenceOf reads the answer to /state.
func AbsenceOf(id string, text []byte) (Absence, error) {
	var s absenceJSON
	if err := json.Unmarshal(text, &s); err != nil {
		return Absence{}, fmt.Errorf("answer to /state: %w", err)
	}
	if s.Frameworks == nil || s.Recovered == nil {
		return Absence{}, errors.New("answer to /state: no frameworks, or no recovered_slaves, in it; is it a Mesos master?")
	}
	a := Absence{Awaited: len(*s.Recovered), Unreachable: int(s.Unreachable)}
	for _, f := range s.Frameworks {
		a.Listed = a.Listed || f.ID == id
	}
	for _, f := range s.Completed {
		a.Ended = a.Ended || f.ID == id
	}
	if s.Elected > 0 {
		whole, part := math.Modf(s.Elected)
		a.Elected = time.Unix(int64(whole), int64(part*1e9))
	}
	var registry string
	if json.Unmarshal(s.Flags["registry"], &registry) == nil {
		a.Registry = registry
	}
	return a, nil
}

// Doubt says why a framework that is not listed may run all the same; empty: it does not, as far as a master can know.
func (a Absence) Doubt(now time.Time) string {
	age := now.Sub(a.Elected)
	switch {
	case a.Ended:
		return ""
	case a.Awaited > 0:
		return fmt.Sprintf("%d agents have not come back since this master was elected, and what runs on them is not known to it yet; "+
			"wait until they have, or the master gives them up (after %s)", a.Awaited, minutes(agentsPatience))
	case a.Registry == durable || !a.Elected.IsZero() && age >= agentsPatience:
		return ""
	}
	keeps := "and does not say whether it knows the agents of the one before it (its flag --registry is not shown)"
	if a.Registry != "" {
		keeps = fmt.Sprintf("and does not know the agents of the one before it (--registry=%s)", a.Registry)
	}
	elected := "at a time that it does not tell"
	if !a.Elected.IsZero() {
		elected = fmt.Sprintf("%s ago", max(age, 0).Round(time.Second))
	}
	return fmt.Sprintf("this master was elected %s, %s; agents have %s to come back to it", elected, keeps, minutes(agentsPatience))
}

func minutes(d time.Duration) string { return fmt.Sprintf("%.0f minutes", d.Minutes()) }
