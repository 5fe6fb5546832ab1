package client_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/quobyte/mesos-framework/engine/api"
	"github.com/quobyte/mesos-framework/engine/api/client"
)

// An instance that stands by redirects to the leader. The client follows it with who gives the verb; with a token it follows nobody.
func TestStandbysAreFollowed(t *testing.T) {
	asked := ""
	leader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.String() + " " + r.Header.Get(api.ActorHeader) + r.Header.Get("Authorization")
		w.Header().Set(api.BuildHeader, "1")
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`["deploy"]`))
	}))
	defer leader.Close()
	build := "1"
	standby := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if build != "" {
			w.Header().Set(api.BuildHeader, build)
		}
		http.Redirect(w, r, leader.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	}))
	defer standby.Close()
	ask := func(token string) error {
		asked = ""
		c, err := client.New(client.Config{URL: standby.URL, Actor: "ann", Token: token})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Plans(t.Context())
		return err
	}
	if err := ask(""); err != nil || asked != "GET /v1/plans " {
		t.Errorf("the leader was asked %q: %v", asked, err)
	}
	if err := ask("secret"); err == nil || asked != "" {
		t.Errorf("with a token the leader was asked %q: %v", asked, err)
	}
	build = ""
	if err := ask(""); err == nil || asked != "" {
		t.Errorf("a stranger's redirect was followed: %q, %v", asked, err)
	}
}
