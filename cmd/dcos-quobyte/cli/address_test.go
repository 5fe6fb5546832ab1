package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/quobyte/mesos-framework/engine/api/client"
)

func TestAddress(t *testing.T) {
	for _, c := range []struct {
		name       string
		env        map[string]string
		url        string // --url
		service    string // --name
		want       string
		token, err string
	}{
		{name: "nothing is set", want: "http://127.0.0.1:7888"},
		{name: "a token without a cluster is not sent", env: map[string]string{"DCOS_ACS_TOKEN": "t"}, want: defaultURL},
		{name: "environment", env: map[string]string{"QUOBYTE_MESOS_URL": "http://a:1"}, want: "http://a:1"},
		{name: "flag before environment", env: map[string]string{"QUOBYTE_MESOS_URL": "http://a:1"}, url: "http://b:2", want: "http://b:2"},
		{
			name: "cluster", env: map[string]string{"DCOS_URL": "https://m/ignored/#/", "DCOS_ACS_TOKEN": "t"},
			want: "https://m/service/quobyte", token: "t",
		},
		{
			name: "another address before the cluster", env: map[string]string{"DCOS_URL": "https://m", "DCOS_ACS_TOKEN": "t", "QUOBYTE_MESOS_URL": "http://m"},
			want: "http://m",
		},
		{
			name: "address in the cluster", env: map[string]string{"DCOS_URL": "https://m", "DCOS_ACS_TOKEN": "t"}, url: "https://M/service/x",
			want: "https://M/service/x", token: "t",
		},
		{name: "name from the configuration", env: map[string]string{"DCOS_URL": "https://m", "DCOS_QUOBYTE_SERVICE_NAME": "/prod/q b"}, want: "https://m/service/prod/q%20b"},
		{name: "name from the flag", env: map[string]string{"DCOS_URL": "https://m", "DCOS_QUOBYTE_SERVICE_NAME": "x"}, service: "y", want: "https://m/service/y"},
		{name: "a name without a cluster", service: "y", err: "--name"},
		{name: "a name and an address", env: map[string]string{"DCOS_URL": "https://m"}, url: "http://b", service: "y", err: "--name"},
		{name: "no URL", env: map[string]string{"DCOS_URL": "m"}, err: `DCOS_URL "m"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := &command{env: Env{Getenv: func(name string) string { return c.env[name] }}, named: c.service != ""}
			cmd.flags.url, cmd.flags.name = c.url, c.service
			got, err := cmd.address()
			if c.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), c.err) {
					t.Errorf("error %v, want one about %s", err, c.err)
				}
				return
			}
			if err != nil || got.URL != c.want || got.Token != c.token {
				t.Errorf("address %q, token %q, error %v; want %q, %q", got.URL, got.Token, err, c.want, c.token)
			}
		})
	}
}

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("x"), 1}, {&codeError{code: exitFailed}, 2}, {fmt.Errorf("x: %w", &codeError{code: exitTimeout}), 5},
		{fmt.Errorf("x: %w", client.ErrAlready), 6}, {&client.DeniedError{Code: 403}, 7}, {context.Canceled, 130},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}
