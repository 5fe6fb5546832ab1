package sandbox

import (
	"net/http"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

func (s *Sandbox) snapshot() cluster.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cluster.Snapshot()
}

func (s *Sandbox) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]string{"version": s.snapshot().Version})
}

// The types below are the fields of a master's /state that a person looks at, with the names that it uses there.
type (
	stateView struct {
		Version    string           `json:"version"`
		ID         string           `json:"id"`
		PID        string           `json:"pid"`
		Leader     string           `json:"leader"`
		StartTime  float64          `json:"start_time"`
		Activated  int              `json:"activated_slaves"`
		Slaves     []slaveView      `json:"slaves"`
		Frameworks []frameworkState `json:"frameworks"`
	}
	slaveView struct {
		ID         string            `json:"id"`
		Hostname   string            `json:"hostname"`
		Port       int               `json:"port"`
		PID        string            `json:"pid"`
		Active     bool              `json:"active"`
		Registered float64           `json:"registered_time"`
		Attributes map[string]string `json:"attributes"`
		Resources  resourcesView     `json:"resources"`
		Used       resourcesView     `json:"used_resources"`
		Offered    resourcesView     `json:"offered_resources"`
	}
	resourcesView struct {
		CPUs  float64 `json:"cpus"`
		Mem   float64 `json:"mem"`
		Disk  float64 `json:"disk"`
		Ports string  `json:"ports,omitempty"`
	}
	frameworkState struct {
		ID        string     `json:"id"`
		Name      string     `json:"name"`
		User      string     `json:"user"`
		Roles     []string   `json:"roles"`
		WebUIURL  string     `json:"webui_url,omitempty"`
		Active    bool       `json:"active"`
		Connected bool       `json:"connected"`
		Tasks     []taskView `json:"tasks"`
		Completed []taskView `json:"completed_tasks"`
	}
	taskView struct {
		ID        string        `json:"id"`
		Name      string        `json:"name"`
		Framework string        `json:"framework_id"`
		Executor  string        `json:"executor_id"`
		Slave     string        `json:"slave_id"`
		State     string        `json:"state"`
		Resources resourcesView `json:"resources"`
	}
)

func (s *Sandbox) masterState(w http.ResponseWriter, _ *http.Request) {
	snapshot := s.snapshot()
	pid := "master@" + s.MasterAddress()
	view := stateView{
		Version: snapshot.Version, ID: snapshot.MasterID, PID: pid, Leader: pid,
		StartTime: unixSeconds(snapshot.Started), Activated: len(snapshot.Agents),
		Slaves: []slaveView{}, Frameworks: []frameworkState{},
	}
	for _, a := range snapshot.Agents {
		view.Slaves = append(view.Slaves, viewAgent(a))
	}
	for _, f := range snapshot.Frameworks {
		view.Frameworks = append(view.Frameworks, frameworkState{
			ID: f.ID, Name: f.Info.Name, User: f.Info.User, Roles: f.Roles, WebUIURL: f.Info.GetWebUiURL(),
			Active: f.Connected, Connected: f.Connected, Tasks: viewTasks(f.Tasks), Completed: viewTasks(f.Completed),
		})
	}
	writeJSON(w, view)
}

func viewAgent(a cluster.AgentView) slaveView {
	view := slaveView{
		ID: a.ID, Hostname: a.Hostname, Port: a.Port, PID: slavePID(a.IP, a.Port), Active: true,
		Registered: unixSeconds(a.Registered), Attributes: map[string]string{},
		Resources: viewResources(a.Total), Used: viewResources(a.Used), Offered: viewResources(a.Offered),
	}
	for _, attribute := range a.Attributes {
		view.Attributes[attribute.Name] = attribute.GetText().GetValue()
	}
	return view
}

func viewTasks(tasks []cluster.TaskView) []taskView {
	views := []taskView{}
	for _, t := range tasks {
		views = append(views, taskView{
			ID: t.ID, Name: t.Name, Framework: t.Framework, Executor: t.Executor, Slave: t.Agent,
			State: t.State.String(), Resources: viewResources(t.Resources),
		})
	}
	return views
}

func viewResources(r cluster.Resources) resourcesView {
	return resourcesView{CPUs: r.Scalar("cpus"), Mem: r.Scalar("mem"), Disk: r.Scalar("disk"), Ports: r.Ranges("ports")}
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// metrics gives a few of a master's gauges, under its names.
func (s *Sandbox) metrics(w http.ResponseWriter, _ *http.Request) {
	snapshot := s.snapshot()
	values := map[string]float64{
		"master/elected":            1,
		"master/uptime_secs":        time.Since(snapshot.Started).Seconds(),
		"master/slaves_connected":   float64(len(snapshot.Agents)),
		"master/slaves_active":      float64(len(snapshot.Agents)),
		"master/frameworks_active":  0,
		"master/outstanding_offers": float64(snapshot.Offers),
		"master/tasks_staging":      0,
		"master/tasks_running":      0,
	}
	for _, f := range snapshot.Frameworks {
		if f.Connected {
			values["master/frameworks_active"]++
		}
		for _, t := range f.Tasks {
			values["master/tasks_"+strings.ToLower(strings.TrimPrefix(t.State.String(), "TASK_"))]++
		}
	}
	writeJSON(w, values)
}
