package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/executor"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// longestRead is how much of a file one /files/read gives, in bytes.
const longestRead = 1 << 20

func slavePID(ip string, port int) string { return fmt.Sprintf("slave(1)@%s:%d", ip, port) }

func (s *Sandbox) agentHandler(a *agentShell) http.Handler {
	mux := http.NewServeMux()
	for path, handler := range map[string]http.HandlerFunc{
		"/api/v1/executor": func(w http.ResponseWriter, r *http.Request) { s.executorCall(w, r, a) },
		"/health":          healthy,
		"/version":         s.version,
		"/state":           func(w http.ResponseWriter, _ *http.Request) { s.agentState(w, a) },
		"/files/browse":    a.browse,
		"/files/read":      a.read,
		"/files/download":  a.download,
	} {
		mux.HandleFunc(path, handler)
		mux.HandleFunc("/slave(1)"+path, handler)
	}
	mux.HandleFunc("/", notFound)
	return mux
}

func (s *Sandbox) executorCall(w http.ResponseWriter, r *http.Request, a *agentShell) {
	call := &executor.Call{}
	if !readCall(w, r, call) {
		return
	}
	if err := cluster.ValidateExecutorCall(call); err != nil {
		refuse(w, http.StatusBadRequest, "Failed to validate Executor::Call: "+err.Error())
		return
	}
	if call.Type == executor.Call_SUBSCRIBE {
		s.subscribeExecutor(w, r, a, call)
		return
	}
	var answer cluster.Answer
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		answer, effects = s.cluster.ExecutorCall(now, a.id, call)
		return effects
	})
	s.answer(w, answer)
}

func (s *Sandbox) subscribeExecutor(w http.ResponseWriter, r *http.Request, a *agentShell, call *executor.Call) {
	media := acceptedMedia(r.Header.Values("Accept"))
	if media == "" {
		refuse(w, http.StatusNotAcceptable, "Expecting 'Accept' to allow 'application/json' or 'application/x-protobuf'")
		return
	}
	st := newStream(media)
	var id string
	var answer cluster.Answer
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		id, answer, effects = s.cluster.ExecutorSubscribe(now, a.id, call)
		if id != "" {
			s.streams[id] = st
		}
		return effects
	})
	if id == "" {
		s.answer(w, answer)
		return
	}
	s.log.Info("executor subscribed", "executor", call.ExecutorID.Value, "agent", a.Hostname)
	s.send(w, r, st)
	s.apply(func(now time.Time) []cluster.Effect {
		delete(s.streams, id)
		return s.cluster.ExecutorDisconnect(now, id)
	})
}

func (s *Sandbox) agentState(w http.ResponseWriter, a *agentShell) {
	state, _, _ := s.state()
	view := versionView()
	for i := range state.GetAgents.Agents {
		if state.GetAgents.Agents[i].AgentInfo.ID.Value == a.id {
			for key, value := range slaveView(&state.GetAgents.Agents[i], true) {
				view[key] = value
			}
		}
	}
	tasks := []object{}
	for i := range state.GetTasks.Tasks {
		if t := &state.GetTasks.Tasks[i]; t.AgentID.Value == a.id {
			tasks = append(tasks, taskView(t))
		}
	}
	view["work_dir"], view["tasks"] = a.WorkDir, tasks
	writeJSON(w, view)
}

// open opens a file of the agent's work directory by its absolute path. Nothing outside is reachable, links included.
func (a *agentShell) open(w http.ResponseWriter, r *http.Request) *os.File {
	path := r.FormValue("path")
	if path == "" {
		refuse(w, http.StatusBadRequest, "Expecting 'path=value' in query.\n")
		return nil
	}
	relative, err := filepath.Rel(a.WorkDir, path)
	if err != nil {
		notFound(w, r)
		return nil
	}
	file, err := os.OpenInRoot(a.WorkDir, relative)
	if err != nil {
		notFound(w, r)
		return nil
	}
	return file
}

// read answers /files/read: text from an offset on, and where it ends with offset=-1.
func (a *agentShell) read(w http.ResponseWriter, r *http.Request) {
	file := a.open(w, r)
	if file == nil {
		return
	}
	defer file.Close()
	offset, length := int64(-1), int64(longestRead)
	for _, argument := range []struct {
		name  string
		value *int64
	}{{"offset", &offset}, {"length", &length}} {
		text := r.FormValue(argument.name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < -1 {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("Failed to parse %s: '%s' is not a number.\n", argument.name, text))
			return
		}
		*argument.value = n
	}
	if offset < 0 {
		end, err := file.Seek(0, io.SeekEnd)
		if err != nil {
			notFound(w, r)
			return
		}
		writeJSON(w, fileText{Offset: end})
		return
	}
	if length < 0 || length > longestRead {
		length = longestRead
	}
	data, err := io.ReadAll(io.NewSectionReader(file, offset, length))
	if err != nil {
		notFound(w, r)
		return
	}
	writeJSON(w, fileText{Data: string(data), Offset: offset})
}

type fileText struct {
	Data   string `json:"data"`
	Offset int64  `json:"offset"`
}

func (a *agentShell) download(w http.ResponseWriter, r *http.Request) {
	file := a.open(w, r)
	if file == nil {
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.Copy(w, file)
}

type fileView struct {
	Path string  `json:"path"`
	Size int64   `json:"size"`
	Mode string  `json:"mode"`
	Time float64 `json:"mtime"`
}

func (a *agentShell) browse(w http.ResponseWriter, r *http.Request) {
	directory := a.open(w, r)
	if directory == nil {
		return
	}
	defer directory.Close()
	entries, err := directory.ReadDir(-1)
	if err != nil {
		notFound(w, r)
		return
	}
	views := []fileView{}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue // it went away while we looked
		}
		views = append(views, fileView{
			Path: strings.TrimRight(r.FormValue("path"), "/") + "/" + entry.Name(),
			Size: info.Size(), Mode: info.Mode().String(), Time: unixSeconds(info.ModTime()),
		})
	}
	writeJSON(w, views)
}
