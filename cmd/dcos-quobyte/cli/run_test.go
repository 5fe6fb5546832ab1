package cli

import (
	"errors"
	"os/user"
	"testing"

	"github.com/quobyte/mesos-framework/engine/api"
)

func TestUserName(t *testing.T) {
	known := func() (*user.User, error) { return &user.User{Username: "bob"}, nil }
	unknown := func() (*user.User, error) { return nil, errors.New("unknown userid 1000") }
	for _, c := range []struct {
		name    string
		env     map[string]string
		current func() (*user.User, error)
		uid     int
		want    string
	}{
		{"the environment", map[string]string{"USER": "ann", "LOGNAME": "eve"}, known, 1000, "ann"},
		{"another variable", map[string]string{"LOGNAME": "ann"}, known, 1000, "ann"},
		{"the system", nil, known, 1000, "bob"},
		{"a number", nil, unknown, 1000, "uid-1000"},
		{"nothing", nil, unknown, -1, ""},
	} {
		if got := userName(func(name string) string { return c.env[name] }, c.current, c.uid); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestHealthTextIsSafeOnATerminal(t *testing.T) {
	got := healthText(api.Health{Value: 206, Status: "DEGRADED", Message: "a\x1b[2Jb\nc", Reasons: []string{"x\ry"}}, true)
	if want := "DEGRADED (206): a\ufffd[2Jb c\nx y\n"; got != want {
		t.Errorf("healthText = %q, want %q", got, want)
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"deploy": "deploy", "http://h:1/a": "http://h:1/a", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$(x)": "'$(x)'", "a;b": "'a;b'",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q) = %s, want %s", in, got, want)
		}
	}
}
