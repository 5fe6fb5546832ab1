package wire

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quobyte/mesos-framework/offers"
)

// Remains says in words what the answer to GET_STATE shows of a service that a framework without a state would be started over, apart from
// namesakes. Sure are
//
//   - tasks that carry our service's name, whatever their framework is called now, and reservations that do;
//   - tasks of another service of this kind in a framework of our first role. Services share no role of their own, so that one was renamed.
//
// Two services are kept apart by their roles, so a service that was given another name and another role at once looks like one more; and whoever may
// not see the tasks and the agents (view_tasks, view_roles) finds nothing. Ids of tasks prove nothing: other schedulers form them the same way.
//
// The label is the key under which tasks name their service; empty: they don't.
func Remains(f Framework, label string, text []byte) ([]string, error) {
	state, err := answer[stateJSON]("GET_STATE", text, "get_state")
	if err != nil {
		return nil, err
	}
	return f.remains(label, state), nil
}

func (f Framework) remains(label string, s stateJSON) []string {
	return append(f.remainingTasks(label, s), f.remainingReservations(s)...)
}

// Awaited is how many agents a master knows of by its registry that have not come back to it since it was elected, by its answer to GET_STATE. What runs on
// them, and what is reserved there, it does not know before they have, or have had their time to (--agent_reregister_timeout, 10 min).
func Awaited(text []byte) (int, error) {
	state, err := answer[stateJSON]("GET_STATE", text, "get_state")
	return len(state.Agents.Recovered), err
}

// tasksOf is whose tasks they are: of which service, in which framework.
type tasksOf struct{ framework, service string }

func (f Framework) remainingTasks(label string, s stateJSON) []string {
	known := map[string]frameworkJSON{}
	for _, other := range s.Frameworks.Frameworks {
		known[other.Info.ID.Value] = other
	}
	tasks := map[tasksOf]int{}
	for _, t := range slices.Concat(s.Tasks.Live, s.Tasks.Unreachable) {
		if service := t.Labels.value(label); label != "" && service != "" {
			tasks[tasksOf{t.framework(), service}]++
		}
	}
	var out []string
	for _, of := range slices.SortedFunc(maps.Keys(tasks), func(a, b tasksOf) int {
		return strings.Compare(a.framework+" "+a.service, b.framework+" "+b.service)
	}) {
		other := known[of.framework]
		switch {
		case of.service == f.Name:
			out = append(out, fmt.Sprintf("framework %s (%q) has %d tasks of the service %q", of.framework, other.Info.Name, tasks[of], of.service))
		case len(f.Roles) > 0 && slices.Contains(other.Info.Roles, f.Roles[0]):
			out = append(out, fmt.Sprintf("framework %s (%q) has %d tasks of the service %q in the same role %q: if this is it under another name, give the old name; if it is another service, give this one a role of its own",
				of.framework, other.Info.Name, tasks[of], of.service, f.Roles[0]))
		}
	}
	return out
}

func (f Framework) remainingReservations(s stateJSON) []string {
	count, pods := map[string]int{}, map[string][]string{} // by role
	for _, a := range s.Agents.Agents {
		for _, r := range a.Total {
			role, pod := r.of(f.Name)
			if pod == "" {
				continue
			}
			count[role]++
			pods[role] = append(pods[role], pod)
		}
	}
	var out []string
	for _, role := range slices.Sorted(maps.Keys(count)) {
		names := slices.Compact(sorted(pods[role]))
		out = append(out, fmt.Sprintf("%d resources are reserved in role %q for %d pods of the service %q (%s)", count[role], role, len(names), f.Name, first(names, 3)))
	}
	return out
}

// of is the pod of a service that a resource is reserved for, and in which role; empty: it is not. A master may write a reservation in its old and in its
// new form at once.
func (r resourceJSON) of(service string) (role, pod string) {
	for _, reservation := range append(r.Reservations, r.Reservation) {
		l := reservation.Labels
		if l.value(offers.LabelService) == service && l.value(offers.LabelResource) != "" {
			return cmp.Or(reservation.Role, r.Role), l.value(offers.LabelPod)
		}
	}
	return "", ""
}

// first names the first of a list, and that there are more.
func first(names []string, n int) string {
	if len(names) > n {
		return strings.Join(names[:n], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// value is that of the first label with the key; empty: there is none.
func (l labelsJSON) value(key string) string {
	for _, x := range l.Labels {
		if x.Key == key {
			return x.Value
		}
	}
	return ""
}
