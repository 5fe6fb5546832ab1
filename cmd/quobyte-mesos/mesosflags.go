package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/pflag"

	"github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
	"github.com/quobyte/mesos-framework/offers"
)

// Secrets come from files or from these variables, never from a command line, which everybody on the machine can read.
const (
	envSecret         = envPrefix + "FRAMEWORK_SECRET"
	envServiceAccount = "DCOS_SERVICE_ACCOUNT_CREDENTIAL" // a JSON object, or the path of a file with one
)

// mesosOptions are the flags about the session with Mesos that go beyond who and where.
type mesosOptions struct {
	PreReservedRoles []string
	Checkpoint       bool
	Hostname         string
	WebUIURL         string
	Labels           map[string]string

	SecretFile         string
	ServiceAccountFile string

	TLS  bool
	With mesos.TLSFiles

	MaxEventSize int

	getenv func(string) string // nil: there is no environment
}

func defaultMesosOptions() mesosOptions {
	return mesosOptions{Checkpoint: true, MaxEventSize: recordio.DefaultMax}
}

func (o *mesosOptions) bind(f *pflag.FlagSet) {
	f.StringSliceVar(&o.PreReservedRoles, "pre-reserved-roles", o.PreReservedRoles, "further Mesos roles whose resources are offered, such as slave_public")
	f.BoolVar(&o.Checkpoint, "framework-checkpoint", o.Checkpoint, "tasks survive a restart of their agent; cannot be changed later")
	f.StringVar(&o.Hostname, "framework-hostname", o.Hostname, "name of this machine that Mesos shows (default: its hostname)")
	f.StringVar(&o.WebUIURL, "webui-url", o.WebUIURL, "page of the framework that Mesos links to (default: --framework-url)")
	f.StringToStringVar(&o.Labels, "framework-labels", o.Labels, "labels of the framework that Mesos shows, as key=value")
	f.Var((*sizeFlag)(&o.MaxEventSize), "max-event-size", "longest event that is taken from a master; one OFFERS event holds all offers of a cluster, some 1 KiB each")
	o.bindAccess(f)
}

// bindAccess declares the flags of whoever speaks with masters.
func (o *mesosOptions) bindAccess(f *pflag.FlagSet) {
	f.StringVar(&o.SecretFile, "framework-secret-file", o.SecretFile, "file with the secret of --framework-principal (or "+envSecret+" holds it)")
	f.StringVar(&o.ServiceAccountFile, "service-account-file", o.ServiceAccountFile, "file with a DC/OS service account (or "+envServiceAccount+" holds it)")
	f.BoolVar(&o.TLS, "master-tls", o.TLS, "masters without http:// or https://, and those found in ZooKeeper, speak TLS; implied by the other --master- flags")
	f.StringVar(&o.With.CA, "master-ca-file", o.With.CA, "PEM file of the certificate authorities of masters and login endpoint (default: the system's)")
	f.StringVar(&o.With.Cert, "master-cert-file", o.With.Cert, "PEM file of the framework's own certificate")
	f.StringVar(&o.With.Key, "master-key-file", o.With.Key, "PEM file of the key of --master-cert-file")
	f.StringVar(&o.With.ServerName, "master-server-name", o.With.ServerName, "name that certificates of masters must have (default: that of the address)")
}

// validate tells all problems at once. Each begins with its flag.
func (o *mesosOptions) validate(role, principal string) error {
	c := mesos.Config{Framework: mesos.Framework{Roles: []string{role}, Principal: principal}}
	return o.complete(&c)
}

// principal is who the framework is: the one given, or the service account.
func (o *mesosOptions) principal(given string) string {
	if given != "" {
		return given
	}
	if a, err := o.serviceAccount(nil); err == nil && a != nil {
		return a.UID
	}
	return ""
}

// complete adds to a Config what the flags say. The Config is complete only if there is no error.
func (o *mesosOptions) complete(c *mesos.Config) error {
	var all *multierror.Error
	for _, r := range o.PreReservedRoles {
		if slices.Contains(c.Framework.Roles, r) {
			all = multierror.Append(all, fmt.Errorf("--pre-reserved-roles: %q: is there already", r))
		}
		c.Framework.Roles = append(slices.Clip(c.Framework.Roles), r)
		if err := (mesos.Framework{User: "any", Name: "any", Roles: []string{r}}).Validate(); err != nil {
			all = multierror.Append(all, fmt.Errorf("--pre-reserved-roles: %s", strings.TrimPrefix(strings.Join(problems(err), "; "), "framework role ")))
		}
	}
	c.Framework.Checkpoint = o.Checkpoint
	if o.Hostname != "" {
		c.Framework.Hostname = o.Hostname
	}
	if o.WebUIURL != "" {
		if u, err := url.Parse(o.WebUIURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			all = multierror.Append(all, fmt.Errorf("--webui-url: %q: must be http://… or https://…", o.WebUIURL))
		}
		c.Framework.WebUIURL = o.WebUIURL
	}
	for _, key := range slices.Sorted(maps.Keys(o.Labels)) {
		c.Framework.Labels = append(c.Framework.Labels, offers.Label{Key: key, Value: o.Labels[key]})
	}
	c.MaxRecord = o.MaxEventSize
	all = multierror.Append(all, o.access(c))
	return all.ErrorOrNil()
}

// access adds to a Config how to speak with masters, and as whom.
func (o *mesosOptions) access(c *mesos.Config) error {
	var all *multierror.Error
	if o.TLS || o.With != (mesos.TLSFiles{}) {
		config, err := o.With.Config()
		c.TLS = config
		if err != nil {
			for _, text := range problems(err) {
				all = multierror.Append(all, fmt.Errorf("--master-%s", tlsFlag(text)))
			}
		}
	}
	all = multierror.Append(all, o.authenticate(c)...)
	return all.ErrorOrNil()
}

// tlsFlag begins a problem of TLS files with the rest of the name of its flag.
func tlsFlag(text string) string {
	if rest, ok := strings.CutPrefix(text, "certificate authorities: "); ok {
		return "ca-file: " + rest
	}
	return "cert-file: " + text
}

// authenticate makes the credentials.
func (o *mesosOptions) authenticate(c *mesos.Config) []error {
	secret, from, err := o.secret()
	if err != nil {
		return []error{err}
	}
	account, err := o.serviceAccount(c)
	switch {
	case err != nil:
		return []error{err}
	case account != nil && from != "":
		return []error{fmt.Errorf("%s: there is a service account, too; give one of them", from)}
	case account != nil && c.Framework.Principal != "" && c.Framework.Principal != account.UID:
		return []error{fmt.Errorf("--framework-principal: %q: the service account is %q; leave one of them out, or make them the same",
			c.Framework.Principal, account.UID)}
	case account != nil:
		c.Framework.Principal, c.Credentials = account.UID, account
	case from != "":
		b := mesos.Basic{Principal: c.Framework.Principal, Secret: secret}
		if err := b.Validate(); err != nil {
			flag := "--framework-principal"
			if secret == "" {
				flag = from
			}
			return []error{fmt.Errorf("%s: %w", flag, err)}
		}
		c.Credentials = b
	}
	return nil
}

// secret returns the secret and where it is from; that is empty if there is none.
func (o *mesosOptions) secret() (secret, from string, err error) {
	if o.SecretFile != "" {
		b, err := os.ReadFile(o.SecretFile)
		if err != nil {
			return "", "", fmt.Errorf("--framework-secret-file: %w", err)
		}
		return strings.TrimRight(string(b), "\r\n"), "--framework-secret-file", nil
	}
	if s := o.env(envSecret); s != "" {
		return s, envSecret, nil
	}
	return "", "", nil
}

// serviceAccount returns the service account, nil if there is none. It speaks TLS as the session of c does.
func (o *mesosOptions) serviceAccount(c *mesos.Config) (*mesos.ServiceAccount, error) {
	text, file, from := o.env(envServiceAccount), o.ServiceAccountFile, "--service-account-file"
	switch {
	case file != "":
	case text == "":
		return nil, nil
	case strings.HasPrefix(strings.TrimSpace(text), "{"):
		from = envServiceAccount
	default:
		file, from = text, envServiceAccount
	}
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		text = string(b)
	}
	var config mesos.Config
	if c != nil {
		config = *c
	}
	login := config.TLS.Clone()
	if login != nil {
		login.ServerName = "" // that is the masters' name
	}
	a, err := mesos.ParseServiceAccount([]byte(text), login, config.Dial)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return a, nil
}

func (o *mesosOptions) env(name string) string {
	if o.getenv == nil {
		return ""
	}
	return o.getenv(name)
}

// sizeFlag is a flag with a number of bytes.
type sizeFlag int

var sizeUnits = []struct {
	name  string
	bytes int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

func (s *sizeFlag) Type() string { return "size" }

func (s *sizeFlag) String() string {
	for _, u := range sizeUnits {
		if n := int(*s); n >= u.bytes && n%u.bytes == 0 {
			return strconv.Itoa(n/u.bytes) + u.name
		}
	}
	return strconv.Itoa(int(*s))
}

func (s *sizeFlag) Set(text string) error {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n <= 0 || n > math.MaxInt32*int64(1<<10)/int64(u.bytes) {
			break
		}
		*s = sizeFlag(n * int64(u.bytes))
		return nil
	}
	return errors.New("must be a whole number of bytes, or of KiB, MiB or GiB, such as 256MiB")
}
