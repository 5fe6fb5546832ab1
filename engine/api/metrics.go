package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// Metric is something that is counted or measured, for Prometheus.
type Metric struct {
	// Name has the unit at its end, and _total if it only rises.
	Name string
	Help string
	// Counter only rises; anything else is a gauge.
	Counter bool
	Samples []Sample
}

// Sample is a value of a metric.
type Sample struct {
	// Labels are pairs of name and value.
	Labels []string
	Value  float64
}

// metrics writes the text format of Prometheus, version 0.0.4.
func (s *server) metrics(w http.ResponseWriter, _ *http.Request) {
	v, ok := s.current(w)
	if !ok {
		return
	}
	all := viewMetrics(v)
	if s.Metrics != nil {
		all = append(all, s.Metrics()...)
	}
	var b strings.Builder
	for _, m := range all {
		m.write(&b)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write([]byte(b.String()))
}

func (m Metric) write(b *strings.Builder) {
	kind := "gauge"
	if m.Counter {
		kind = "counter"
	}
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", m.Name, m.Help, m.Name, kind)
	for _, s := range m.Samples {
		b.WriteString(m.Name)
		for i := 0; i+1 < len(s.Labels); i += 2 {
			b.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + s.Labels[i] + `="` + escapeLabel(s.Labels[i+1]) + `"`)
		}
		if len(s.Labels) > 1 {
			b.WriteString("}")
		}
		b.WriteString(" " + strconv.FormatFloat(s.Value, 'g', -1, 64) + "\n")
	}
}

func escapeLabel(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
}

// viewMetrics are what a view says in numbers.
func viewMetrics(v *machine.View) []Metric {
	one := func(value float64) []Sample { return []Sample{{Value: value}} }
	excluded := 0.0
	for i := range v.Hosts {
		if v.Hosts[i].Excluded {
			excluded++
		}
	}
	connected := 0.0
	if v.Connection.Connected {
		connected = 1
	}
	steps := Metric{Name: "framework_plan_steps", Help: "Steps of a plan."}
	done := Metric{Name: "framework_plan_steps_complete", Help: "Steps of a plan that are COMPLETE."}
	status := Metric{Name: "framework_plan_status", Help: "1 for the status that a plan has."}
	for i := range v.Plans {
		p := &v.Plans[i]
		steps.Samples = append(steps.Samples, Sample{[]string{"plan", p.Name}, float64(p.StepsTotal)})
		done.Samples = append(done.Samples, Sample{[]string{"plan", p.Name}, float64(p.StepsDone)})
		status.Samples = append(status.Samples, Sample{[]string{"plan", p.Name, "status", p.Status.String()}, 1})
	}
	return []Metric{
		{Name: "framework_connected", Help: "1 while there is a session with a Mesos master.", Samples: one(connected)},
		{Name: "framework_revision", Help: "Number of the view that this is read from.", Counter: true, Samples: one(float64(v.Revision))},
		{Name: "framework_hosts", Help: "Mesos agents that are known.", Samples: one(float64(len(v.Hosts)))},
		{Name: "framework_hosts_excluded", Help: "Mesos agents that are idle and that Mesos is asked not to offer.", Samples: one(excluded)},
		{Name: "framework_warnings", Help: "Things to look at that hold up nothing.", Samples: one(float64(len(v.Warnings)))},
		{Name: "framework_stranger_tasks", Help: "Tasks that may run and belong to no pod.", Samples: one(float64(len(v.Strangers)))},
		steps, done, status, podMetric(v.Pods),
	}
}

// podMetric counts pods by type, state and health.
func podMetric(pods []machine.PodView) Metric {
	m := Metric{Name: "framework_pods", Help: "Pods by type, state of the task (NONE: never launched) and whether they are ready."}
	for _, p := range pods {
		labels := []string{"type", p.Type, "state", cmp.Or(string(p.State), "NONE"), "ready", strconv.FormatBool(p.Healthy)}
		at := slices.IndexFunc(m.Samples, func(s Sample) bool { return slices.Equal(s.Labels, labels) })
		if at < 0 {
			at = len(m.Samples)
			m.Samples = append(m.Samples, Sample{Labels: labels})
		}
		m.Samples[at].Value++
	}
	slices.SortFunc(m.Samples, func(a, b Sample) int { return slices.Compare(a.Labels, b.Labels) })
	return m
}
