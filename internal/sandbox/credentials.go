package sandbox

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// ParseCredentials reads what a master reads with --credentials: JSON, {"credentials":[{"principal":…,"secret":…}]}, or a
// line with a principal and a secret each. The result has the secrets by principal. Errors tell no secret.
func ParseCredentials(text []byte) (map[string]string, error) {
	type credential struct{ Principal, Secret string }
	var given struct{ Credentials []credential }
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte("{")) {
		if err := json.Unmarshal(trimmed, &given); err != nil {
			return nil, errors.New("credentials: no JSON of the form {\"credentials\":[{\"principal\":\"…\",\"secret\":\"…\"}]}")
		}
	} else {
		for i, line := range strings.Split(string(text), "\n") {
			switch fields := strings.Fields(line); len(fields) {
			case 0:
			case 2:
				given.Credentials = append(given.Credentials, credential{fields[0], fields[1]})
			default:
				return nil, fmt.Errorf("credentials: line %d: %d words: want a principal and a secret", i+1, len(fields))
			}
		}
	}
	secrets := map[string]string{}
	var problems *multierror.Error
	for i, c := range given.Credentials {
		_, twice := secrets[c.Principal]
		switch {
		case c.Principal == "":
			problems = multierror.Append(problems, fmt.Errorf("credentials: number %d: principal: missing", i+1))
		case strings.Contains(c.Principal, ":"):
			problems = multierror.Append(problems, fmt.Errorf("credentials: principal %q: must have no colon", c.Principal))
		case c.Secret == "":
			problems = multierror.Append(problems, fmt.Errorf("credentials: principal %q: secret: missing", c.Principal))
		case twice:
			problems = multierror.Append(problems, fmt.Errorf("credentials: principal %q: twice", c.Principal))
		}
		secrets[c.Principal] = c.Secret
	}
	if len(given.Credentials) == 0 {
		problems = multierror.Append(problems, errors.New("credentials: none given"))
	}
	if err := problems.ErrorOrNil(); err != nil {
		return nil, err
	}
	return secrets, nil
}

// challenged answers a scheduler that shows no credential, whatever the state of the master: libprocess asks before a
// master sees anything. It tells whether it did.
func (s *Sandbox) challenged(w http.ResponseWriter, r *http.Request, path string) bool {
	if s.cfg.Credentials == nil || !strings.HasPrefix(path, "/api/v1/scheduler") {
		return false
	}
	principal, shown, given := r.BasicAuth()
	secret, known := s.cfg.Credentials[principal]
	if given && known && subtle.ConstantTimeCompare([]byte(shown), []byte(secret)) == 1 {
		return false
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="mesos-master-scheduler"`)
	refuse(w, http.StatusUnauthorized, "401 Unauthorized.")
	return true
}

// claim takes the principal that a scheduler has shown for that of a subscription which names none. The text tells what is wrong
// if it names another.
func (s *Sandbox) claim(r *http.Request, call *scheduler.Call) (problem string) {
	if s.cfg.Credentials == nil || call.Type != scheduler.Call_SUBSCRIBE {
		return ""
	}
	shown, _, _ := r.BasicAuth()
	if info := call.Subscribe.FrameworkInfo; info.Principal != nil {
		return mismatch(shown, *info.Principal)
	}
	call.Subscribe.FrameworkInfo.Principal = &shown
	return ""
}

// foreign tells what is wrong if a call is for a framework of another principal.
func (s *Sandbox) foreign(r *http.Request, call *scheduler.Call) (problem string) {
	if s.cfg.Credentials == nil || call.Type == scheduler.Call_SUBSCRIBE {
		return ""
	}
	s.mu.Lock()
	principal, known := s.cluster.Principal(call.FrameworkID.GetValue())
	s.mu.Unlock()
	if !known {
		return "" // the model has an answer to that
	}
	shown, _, _ := r.BasicAuth()
	return mismatch(shown, principal)
}

// mismatch is what a master says of another principal than the one that was shown, "" if it is the same.
func mismatch(shown, named string) string {
	if shown == named {
		return ""
	}
	return "Authenticated principal '" + shown + "' does not match principal '" + named + "' set in `FrameworkInfo`"
}
