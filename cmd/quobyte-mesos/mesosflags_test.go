package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/offers"
)

func serviceAccount(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]string{
		"uid": "svc", "scheme": "RS256", "login_endpoint": "https://leader.mesos/acs/api/v1/auth/login",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMesosFlags(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	dir := t.TempDir()
	secret := write(t, filepath.Join(dir, "secret"), "s3cret\n")
	json := serviceAccount(t)
	file := write(t, filepath.Join(dir, "account.json"), json)
	service := func(principal string) mesos.Config {
		return mesos.Config{Framework: mesos.Framework{Roles: []string{"quobyte"}, Checkpoint: true, Principal: principal}, MaxRecord: 256 << 20}
	}
	for _, c := range []struct {
		name string
		vars map[string]string
		args []string
		want mesos.Config
		who  string // the credentials
	}{
		{"nothing", nil, nil, service("store"), ""},
		{"secret in a file", nil, []string{"--framework-secret-file", secret}, service("store"), "principal store with a secret"},
		{"secret in the environment", map[string]string{envSecret: "s3cret"}, nil, service("store"), "principal store with a secret"},
		{"service account in a file", nil, []string{"--service-account-file", file, "-p", ""}, service("svc"), "service account svc"},
		{"service account in the environment", map[string]string{envServiceAccount: json}, []string{"-p", "svc"}, service("svc"), "service account svc"},
		{"its file in the environment", map[string]string{envServiceAccount: file}, []string{"-p", ""}, service("svc"), "service account svc"},
		{"all else", nil, []string{
			"--pre-reserved-roles=slave_public,dev/x", "--framework-checkpoint=false", "--framework-hostname=h", "--webui-url=https://h/x",
			"--framework-labels=b=1,a=2", "--max-event-size=1GiB",
		}, mesos.Config{
			Framework: mesos.Framework{
				Roles: []string{"quobyte", "slave_public", "dev/x"}, Hostname: "h", WebUIURL: "https://h/x", Principal: "store",
				Labels: []offers.Label{{Key: "a", Value: "2"}, {Key: "b", Value: "1"}},
			},
			MaxRecord: 1 << 30,
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := defaultMesosOptions()
			o.getenv = func(name string) string { return c.vars[name] }
			f := pflag.NewFlagSet("", pflag.ContinueOnError)
			principal := f.StringP("principal", "p", "store", "")
			o.bind(f)
			if err := f.Parse(c.args); err != nil {
				t.Fatal(err)
			}
			got := mesos.Config{Framework: mesos.Framework{Roles: []string{"quobyte"}, Principal: *principal}}
			if err := o.complete(&got); err != nil {
				t.Fatal(err)
			}
			who := ""
			if s, ok := got.Credentials.(interface{ String() string }); ok {
				who = s.String()
			}
			got.Credentials = nil
			if diff := cmp.Diff(c.want, got); diff != "" || who != c.who {
				t.Errorf("credentials of %q, want %q; config (-want +got)\n%s", who, c.who, diff)
			}
			if got := o.principal(*principal); got != c.want.Framework.Principal {
				t.Errorf("principal = %q", got)
			}
		})
	}
}

func TestMaxEventSize(t *testing.T) {
	for text, want := range map[string]string{
		"256MiB": "256MiB", "1024KiB": "1MiB", "1000": "1000B", "1000B": "1000B", "2GiB": "2GiB",
		"": "", "0": "", "-1": "", "1.5GiB": "", "1MB": "", "9999999999999GiB": "",
	} {
		var s sizeFlag
		err := s.Set(text)
		if (err == nil) != (want != "") || err == nil && s.String() != want {
			t.Errorf("%q: %s, %v", text, s.String(), err)
		}
	}
}

// The problems of these flags are told with all others, and never show what is secret.
func TestProblemsOfMesosFlags(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	dir := t.TempDir()
	good := []string{"--master=zk://u:s3cret@h1,h2:2182/mesos", "--state-dir=x", "--containerizer=command", "--server-command=x"}
	secret, empty := write(t, filepath.Join(dir, "secret"), "s3cret\n"), write(t, filepath.Join(dir, "empty"), "\n")
	file := write(t, filepath.Join(dir, "account.json"), serviceAccount(t))
	none := filepath.Join(dir, "none")
	for _, c := range []struct {
		name string
		vars map[string]string
		args []string
		want []string
	}{
		{"several", nil, []string{
			"--pre-reserved-roles=a b,quobyte", "--webui-url=h", "--master-ca-file=" + none, "--master-key-file=" + none, "--framework-secret-file=" + none, "--max-event-size=1MB",
		}, []string{
			`--max-event-size: "1MB": must be a whole number of bytes, or of KiB, MiB or GiB, such as 256MiB`,
			`--pre-reserved-roles: "a b" contains white space or a control character`,
			`--pre-reserved-roles: "quobyte": is there already`,
			`--webui-url: "h": must be http://… or https://…`,
			"--master-ca-file: open " + none + ": no such file or directory",
			"--master-cert-file: certificate and key: one is given without the other",
			"--framework-secret-file: open " + none + ": no such file or directory",
		}},
		{"secret without a principal", map[string]string{envSecret: "s3cret"}, nil, []string{"--framework-principal: principal is empty: a secret is the secret of a principal"}},
		{"empty secret", nil, []string{"--framework-principal=p", "--framework-secret-file=" + empty}, []string{"--framework-secret-file: secret is empty"}},
		{"two kinds", nil, []string{"--framework-secret-file=" + secret, "--service-account-file=" + file}, []string{
			"--framework-secret-file: there is a service account, too; give one of them"}},
		{"two principals", map[string]string{envServiceAccount: file}, []string{"--framework-principal=p"}, []string{
			`--framework-principal: "p": the service account is "svc"; leave one of them out, or make them the same`}},
		{"no account", map[string]string{envServiceAccount: `{"uid": s3cret}`}, nil, []string{
			envServiceAccount + ": service account: not a JSON object with uid, private_key, login_endpoint and scheme"}},
		{"zookeeper", nil, []string{"--master=zk://u:s3cret@h1:2181"}, []string{ // added to what good says
			`--master "zk://…@h1:2181": other masters are named beside it; allowed is zk://[user:password@]host[:port],…/path`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := outcome{Code: 1}
			for _, l := range c.want {
				want.Stderr = append(want.Stderr, "quobyte-mesos: "+l)
			}
			got := runHere(t, c.vars, append(append([]string{"validate"}, good...), c.args...)...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if strings.Contains(strings.Join(got.Stderr, "\n"), "s3cret") {
				t.Error("a secret is shown")
			}
		})
	}
	if got := runHere(t, map[string]string{envSecret: "s3cret"}, append(append([]string{"validate"}, good...), "--framework-principal=p")...); got.Code != 0 {
		t.Errorf("a good setting: %+v", got)
	}
}

func TestRolesOfPodsAreSubscribedWith(t *testing.T) {
	got := withRoles([]string{"quobyte", "dev"}, map[string]string{"s3": "slave_public", "api": "slave_public", "webconsole": "dev", "data": ""})
	if want := []string{"quobyte", "dev", "slave_public"}; !slices.Equal(got, want) {
		t.Errorf("roles %v, want %v", got, want)
	}
}
