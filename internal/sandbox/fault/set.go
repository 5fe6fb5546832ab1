package fault

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"
)

// Active is a fault that has not ended.
type Active struct {
	ID int `json:"id"`
	Fault
	Since  time.Time `json:"since"`
	Ends   time.Time `json:"ends,omitzero"`    // zero: when it is cleared, or has struck often enough
	Left   int       `json:"left,omitempty"`   // how often a rule will strike yet; -1 for no end
	Struck int       `json:"struck,omitempty"` // how often it has
	passed int
}

// Subject is something that happens, for a fault to strike.
type Subject struct {
	Framework []string // its id and its name
	Agents    []string // all names of all agents that it concerns
	Call      string
	Event     string
	Tasks     []string
	State     string
	Endpoint  string
	Action    string
}

// Set holds the faults that are active, in the order in which they were added. The zero value is empty.
type Set struct {
	active []*Active
	lastID int
}

// Add makes a complete fault active. One whose Nature is Act is not for a Set.
func (s *Set) Add(now time.Time, f Fault) Active {
	s.lastID++
	a := &Active{ID: s.lastID, Fault: f, Since: now, Left: f.Count}
	if f.For > 0 {
		a.Ends = now.Add(time.Duration(f.For))
	}
	s.active = append(s.active, a)
	return *a
}

// Empty tells whether nothing is active.
func (s *Set) Empty() bool { return len(s.active) == 0 }

// List gives what is active, oldest first.
func (s *Set) List() []Active {
	list := []Active{}
	for _, a := range s.active {
		list = append(list, *a)
	}
	return list
}

// Find gives the first active fault that is wanted.
func (s *Set) Find(wanted func(*Active) bool) (Active, bool) {
	for _, a := range s.active {
		if wanted(a) {
			return *a, true
		}
	}
	return Active{}, false
}

// Clear ends faults by their ids, or all if none is named, and gives them, so that what they did can be undone. It ends
// nothing if an id is wrong.
func (s *Set) Clear(ids ...int) ([]Active, error) {
	var problems *multierror.Error
	for _, id := range ids {
		if !slices.ContainsFunc(s.active, func(a *Active) bool { return a.ID == id }) {
			problems = multierror.Append(problems, fmt.Errorf("fault %d: it is not active; %s", id, s.ids()))
		}
	}
	if err := problems.ErrorOrNil(); err != nil {
		return nil, err
	}
	return s.take(func(a *Active) bool { return len(ids) == 0 || slices.Contains(ids, a.ID) }), nil
}

func (s *Set) ids() string {
	if len(s.active) == 0 {
		return "none is"
	}
	var texts []string
	for _, a := range s.active {
		texts = append(texts, fmt.Sprint(a.ID))
	}
	return "active are " + strings.Join(texts, ", ")
}

// Expire ends the faults whose time is over and gives them.
func (s *Set) Expire(now time.Time) []Active {
	return s.take(func(a *Active) bool { return a.over(now) })
}

func (a *Active) over(now time.Time) bool { return !a.Ends.IsZero() && !a.Ends.After(now) }

func (s *Set) take(ends func(*Active) bool) []Active {
	var ended []Active
	s.active = slices.DeleteFunc(s.active, func(a *Active) bool {
		if ends(a) {
			ended = append(ended, *a)
			return true
		}
		return false
	})
	return ended
}

// Next is when Expire has something to do; zero for never.
func (s *Set) Next() time.Time {
	var next time.Time
	for _, a := range s.active {
		if !a.Ends.IsZero() && (next.IsZero() || a.Ends.Before(next)) {
			next = a.Ends
		}
	}
	return next
}

// Strike gives the oldest rule of one of the kinds that is about what happens, and counts that it has struck.
func (s *Set) Strike(now time.Time, subject Subject, kinds ...Kind) (Fault, bool) {
	for i, a := range s.active {
		if a.Left == 0 || a.over(now) || !slices.Contains(kinds, a.Kind) || !a.about(&subject) {
			continue
		}
		if a.passed < a.Skip {
			a.passed++
			continue
		}
		a.Struck++
		if a.Left > 0 {
			a.Left--
		}
		if a.Left == 0 {
			s.active = slices.Delete(s.active, i, i+1)
		}
		return a.Fault, true
	}
	return Fault{}, false
}

// about tells whether a fault is about a subject: what it does not choose is anything.
func (f *Fault) about(s *Subject) bool {
	return (f.Call == "" || f.Call == s.Call) &&
		(f.Event == "" || f.Event == s.Event) &&
		(f.State == "" || f.State == s.State) &&
		(f.Action == "" || f.Action == s.Action) &&
		(f.Endpoint == "" || means(f.Endpoint, s.Endpoint)) &&
		(f.Framework == "" || slices.Contains(s.Framework, f.Framework)) &&
		(f.Agent == "" || slices.Contains(s.Agents, f.Agent)) &&
		(s.Endpoint == "" || (f.Agent == "") == (len(s.Agents) == 0)) && // an endpoint of a master, unless it is to be an agent's
		(f.Task == "" || slices.ContainsFunc(s.Tasks, f.MeansTask))
}

// MeansTask tells whether a fault is about the task of that id.
func (f *Fault) MeansTask(id string) bool { return means(f.Task, id) }

// means tells whether a name is the one that was chosen, or begins so if that ends with a star.
func means(chosen, name string) bool {
	if prefix, is := strings.CutSuffix(chosen, "*"); is {
		return strings.HasPrefix(name, prefix)
	}
	return chosen == name
}

// String is a fault in one line: its kind and what was chosen, as on the command line.
func (f Fault) String() string {
	words := []string{string(f.Kind)}
	for _, p := range params() {
		if !p.given(&f) {
			continue
		}
		switch v := p.Value(&f).(type) {
		case *string:
			words = append(words, p.Name+"="+*v)
		case *int:
			words = append(words, fmt.Sprint(p.Name, "=", *v))
		case *bool:
			words = append(words, p.Name)
		case *Duration:
			words = append(words, p.Name+"="+time.Duration(*v).String())
		}
	}
	return strings.Join(words, " ")
}
