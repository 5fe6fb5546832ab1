package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/go-multierror"
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
