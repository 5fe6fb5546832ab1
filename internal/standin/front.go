package standin

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"
)

// frontPage is what answers on the port that users talk to.
func frontPage(s Settings, u *uplink) http.Handler {
	switch s.Service {
	case "api":
		return &jsonRPC{uplink: u}
	case "webconsole":
		return webconsolePage(u)
	case "s3":
		return s3Endpoint(s.S3Hostname)
	}
	return nil
}

// webconsolePage lists the services that a registry knows.
func webconsolePage(u *uplink) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		shown := page{Title: "Quobyte web console (stand-in)"}
		view, err := u.cluster(r.Context())
		if err != nil {
			shown.Health = err.Error()
			writePage(w, http.StatusServiceUnavailable, shown)
			return
		}
		shown.Health = fmt.Sprintf("replica set: %d of %d up", len(view.Up), len(view.Replica.Members))
		shown.Rows = [][]string{{"service", "host", "address", "available", "primary", "last seen"}}
		for _, s := range view.Services {
			shown.Rows = append(shown.Rows, []string{s.Presence.Type, s.Presence.Name, strings.Join(s.Presence.Addresses, " "),
				fmt.Sprint(s.Available), fmt.Sprint(s.Primary), s.LastSeen.UTC().Format(time.RFC3339)})
		}
		writePage(w, http.StatusOK, shown)
	})
	return mux
}

// s3Endpoint refuses everything as an S3 service does without credentials: it is there, and it has no buckets.
func s3Endpoint(hostname string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>stand-in without buckets</Message>"+
			"<Resource>%s</Resource><HostId>%s</HostId></Error>\n", html.EscapeString(r.URL.Path), html.EscapeString(hostname))
	})
}
