package sandbox_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

func TestParseCredentials(t *testing.T) {
	store := map[string]string{"store": "s3cret", "other": "x"}
	for _, tc := range []struct {
		name, text string
		want       map[string]string
		problems   []string
	}{
		{"lines", "store s3cret\n\n other\tx \n", store, nil},
		{"JSON", `{"credentials":[{"principal":"store","secret":"s3cret"},{"principal":"other","secret":"x"}]}`, store, nil},
		{"nothing", "\n", nil, []string{"none given"}},
		{"a word", "store s3cret\nhidden", nil, []string{"line 2: 1 words"}},
		{"no JSON", `{"credentials":"hidden"}`, nil, []string{"no JSON of the form"}},
		{"several problems", `{"credentials":[{"secret":"hidden"},{"principal":"a"},{"principal":"b","secret":"hidden"},{"principal":"b","secret":"x"},{"principal":"c:d","secret":"x"}]}`,
			nil, []string{"number 1: principal: missing", `"a": secret: missing`, `"b": twice`, `"c:d": must have no colon`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := sandbox.ParseCredentials([]byte(tc.text))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if (err == nil) != (tc.problems == nil) {
				t.Fatal(err)
			}
			for _, problem := range tc.problems {
				if !strings.Contains(err.Error(), problem) || strings.Contains(err.Error(), "hidden") {
					t.Errorf("%v: want %q, and no secret", err, problem)
				}
			}
		})
	}
}

func FuzzParseCredentials(f *testing.F) {
	f.Add([]byte("store s3cret\n"))
	f.Add([]byte(`{"credentials":[{"principal":"store","secret":"s3cret"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		secrets, err := sandbox.ParseCredentials(text)
		if (err == nil) != (len(secrets) > 0) {
			t.Fatalf("%v, %v", secrets, err)
		}
		for principal, secret := range secrets {
			if principal == "" || secret == "" || strings.Contains(principal, ":") {
				t.Fatalf("%q: %q", principal, secret)
			}
		}
	})
}

func TestCredentials(t *testing.T) {
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.Credentials = map[string]string{"store": "s3cret", "other": "x"}
	s := start(t, cfg)
	url := "http://" + s.MasterAddress() + "/api/v1/scheduler"
	post := func(t *testing.T, principal, secret, stream, body string) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(deadline(t), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if principal != "" {
			request.SetBasicAuth(principal, secret)
		}
		if stream != "" {
			request.Header.Set("Mesos-Stream-Id", stream)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		if response.StatusCode == http.StatusOK {
			return response, "" // a stream
		}
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(text)
	}
	subscribe := func(principal string) string {
		return `{"type":"SUBSCRIBE","framework_id":{"value":"F"},"subscribe":{"framework_info":{"id":{"value":"F"},"user":"root","name":"n","roles":["dev"],` +
			`"capabilities":[{"type":"MULTI_ROLE"}]` + principal + `}}}`
	}
	refused := func(t *testing.T, principal, secret, stream, body string, status int, want string) {
		t.Helper()
		response, text := post(t, principal, secret, stream, body)
		if response.StatusCode != status || text != want {
			t.Errorf("%s %q, want %d %q", response.Status, text, status, want)
		}
		challenge := response.Header.Get("WWW-Authenticate")
		if (status == http.StatusUnauthorized) != (challenge == `Basic realm="mesos-master-scheduler"`) {
			t.Errorf("challenge %q", challenge)
		}
	}
	const unauthorized = "401 Unauthorized."
	const stranger = "Authenticated principal 'other' does not match principal 'store' set in `FrameworkInfo`"

	t.Run("who is asked", func(t *testing.T) {
		refused(t, "", "", "", subscribe(""), http.StatusUnauthorized, unauthorized)
		refused(t, "store", "wrong", "", subscribe(""), http.StatusUnauthorized, unauthorized)
		refused(t, "nobody", "s3cret", "", subscribe(""), http.StatusUnauthorized, unauthorized)
		refused(t, "", "", "", "no call at all", http.StatusUnauthorized, unauthorized) // before anything else
		response, err := http.Get("http://" + s.MasterAddress() + "/state")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("an operator: %s", response.Status)
		}
	})
	t.Run("principals", func(t *testing.T) {
		refused(t, "other", "x", "", subscribe(`,"principal":"store"`), http.StatusBadRequest, "Failed to validate scheduler::Call: "+stranger)
		response, _ := post(t, "store", "s3cret", "", subscribe(""))
		stream := response.Header.Get("Mesos-Stream-Id")
		if response.StatusCode != http.StatusOK || stream == "" {
			t.Fatalf("SUBSCRIBE: %s", response.Status)
		}
		const revive = `{"type":"REVIVE","framework_id":{"value":"F"}}`
		refused(t, "store", "s3cret", stream, revive, http.StatusAccepted, "")
		refused(t, "other", "x", stream, revive, http.StatusBadRequest, stranger) // it got the principal that it showed
		refused(t, "other", "x", "", strings.ReplaceAll(revive, `"F"`, `"G"`), http.StatusBadRequest, "Framework cannot be found")
	})
	t.Run("without a leader", func(t *testing.T) {
		inject(t, s, fault.Fault{Kind: fault.NoLeader})
		refused(t, "", "", "", subscribe(""), http.StatusUnauthorized, unauthorized)
		refused(t, "store", "s3cret", "", subscribe(""), http.StatusServiceUnavailable, "No leader elected")
	})
}
