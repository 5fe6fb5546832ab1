package standin

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// pageTemplate is shared by the status page and the web console.
const pageTemplate = `<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{{.Title}}</title></head>
<body><h1>{{.Title}}</h1><p>{{.Health}}</p>
<table>{{range .Rows}}
<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>{{end}}
</table></body></html>
`

type page struct {
	Title, Health string
	Rows          [][]string
}

func writePage(w http.ResponseWriter, status int, p page) {
	var text strings.Builder
	if err := template.Must(template.New("page").Parse(pageTemplate)).Execute(&text, p); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, text.String())
}

// statusHandler is the http port: it answers from the start, also during the start delay.
func (p *process) statusHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /serviceHealth", p.onHealth)
	mux.HandleFunc("GET /prometheus", p.onMetrics)
	mux.HandleFunc("GET /{$}", p.onStatusPage)
	return mux
}

func (p *process) onHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if reason := p.health(); reason != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, reason)
		return
	}
	fmt.Fprintln(w, "OK")
}

func (p *process) onStatusPage(w http.ResponseWriter, _ *http.Request) {
	health := p.health()
	if health == "" {
		health = "healthy"
	}
	s := p.settings
	shown := page{Title: "Quobyte " + s.Service + " on " + s.Host.String() + " (stand-in)", Health: health}
	for _, f := range p.factsNow() {
		shown.Rows = append(shown.Rows, []string{f.label, f.text})
	}
	writePage(w, http.StatusOK, shown)
}

func (p *process) factsNow() []fact {
	s, healthy := p.settings, 0.0
	if p.health() == "" {
		healthy = 1
	}
	up := time.Since(p.began).Round(time.Second)
	facts := []fact{
		{label: "healthy", text: fmt.Sprint(healthy == 1), metric: "healthy", value: healthy},
		{label: "uptime", text: up.String(), metric: "uptime_seconds", value: up.Seconds()},
		{label: "rpc", text: s.rpcAddress()},
		{label: "http", text: s.httpAddress()},
	}
	return append(facts, p.role.facts()...)
}

func (p *process) onMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	for _, f := range p.factsNow() {
		if f.metric == "" {
			continue
		}
		name := "quobyte_standin_" + f.metric
		fmt.Fprintf(w, "# HELP %s %s of the stand-in.\n# TYPE %s gauge\n%s{service=%q} %g\n",
			name, f.label, name, name, p.settings.Service, f.value)
	}
}

// rpcStatus answers GET /rpc/status, which every RPC port has.
type rpcStatus struct {
	Service string            `json:"service"`
	Healthy bool              `json:"healthy"`
	Reason  string            `json:"reason,omitempty"`
	Facts   map[string]string `json:"facts"`
}

func (p *process) rpcHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rpc/status", func(w http.ResponseWriter, _ *http.Request) {
		reason := p.health()
		status := rpcStatus{Service: p.settings.Service, Healthy: reason == "", Reason: reason, Facts: map[string]string{}}
		for _, f := range p.role.facts() {
			status.Facts[f.label] = f.text
		}
		writeJSON(w, http.StatusOK, status)
	})
	mux.Handle("/", p.role.handler())
	return mux
}
