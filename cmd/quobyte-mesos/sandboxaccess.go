package main

import (
	"crypto/rsa"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/pflag"

	"github.com/quobyte/mesos-framework/internal/sandbox"
)

// certificates is the directory of a cluster's certificates, below its own.
const certificates = "tls"

// accessOptions are who may speak with the embedded cluster, and how.
type accessOptions struct {
	Credentials     string   // file, "" for none
	ServiceAccounts []string // UID=FILE
	Operators       bool
	Executors       bool
	TLS             bool
	ClientCert      bool
}

func (o *accessOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.Credentials, "credentials", "", "file with a principal and a secret a line, or JSON as a master's: schedulers must show one (default: nobody is asked)")
	f.StringArrayVar(&o.ServiceAccounts, "service-account", nil, "UID=FILE: service account that may log in at /acs/api/v1/auth/login, and PEM file of its public key (repeatable)")
	f.BoolVar(&o.Operators, "authenticate-operators", false, "ask who calls the operator API and reads the state, too")
	f.BoolVar(&o.Executors, "authenticate-executors", false, "give executors tokens, and ask for them")
	f.BoolVar(&o.TLS, "tls", false, "masters and agents speak TLS, with certificates that are made in DIR/tls")
	f.BoolVar(&o.ClientCert, "tls-client-cert", false, "whoever speaks with them must show a certificate, such as DIR/tls/client.pem; implies --tls")
}

// complete adds to a Config what the flags say. Certificates are made in dir.
func (o *accessOptions) complete(cfg *sandbox.Config, dir string) error {
	var problems *multierror.Error
	if o.Credentials != "" {
		text, err := os.ReadFile(o.Credentials)
		if err == nil {
			if cfg.Credentials, err = sandbox.ParseCredentials(text); err != nil {
				err = fmt.Errorf("%s: %w", o.Credentials, err)
			}
		}
		if err != nil {
			problems = multierror.Append(problems, fmt.Errorf("--credentials: %w", err))
		}
	}
	for _, given := range o.ServiceAccounts {
		uid, file, _ := strings.Cut(given, "=")
		if uid == "" || file == "" {
			problems = multierror.Append(problems, fmt.Errorf("--service-account: %q: must be UID=FILE, such as quobyte=public.pem", given))
			continue
		}
		text, err := os.ReadFile(file)
		var key *rsa.PublicKey
		if err == nil {
			if key, err = sandbox.ParsePublicKey(text); err != nil {
				err = fmt.Errorf("%s: %w", file, err)
			}
		}
		if err != nil {
			problems = multierror.Append(problems, fmt.Errorf("--service-account: %s: %w", uid, err))
			continue
		}
		if cfg.ServiceAccounts == nil {
			cfg.ServiceAccounts = map[string]*rsa.PublicKey{}
		}
		cfg.ServiceAccounts[uid] = key
	}
	cfg.AuthenticateOperators, cfg.AuthenticateExecutors = o.Operators, o.Executors
	if o.Operators && o.Credentials == "" && len(o.ServiceAccounts) == 0 {
		problems = multierror.Append(problems, fmt.Errorf("--authenticate-operators: nobody is known; give --credentials or --service-account"))
	}
	if err := problems.ErrorOrNil(); err != nil || !o.secure() {
		return err
	}
	var addresses []string
	for _, master := range append([]string{cfg.MasterAddress}, cfg.Standbys...) {
		host, _, _ := net.SplitHostPort(master) // which has been checked
		addresses = append(addresses, host)
	}
	for _, a := range cfg.Agents {
		addresses = append(addresses, a.IP)
	}
	files, err := sandbox.MakeCertificates(dir, addresses...)
	cfg.TLS = &sandbox.TLS{Certificates: files, RequireClientCert: o.ClientCert}
	return err
}

func (o *accessOptions) secure() bool { return o.TLS || o.ClientCert }

// serveFlags are what serve needs for it, as far as that is known: not who it is.
func (o *accessOptions) serveFlags(dir string) []string {
	if !o.secure() {
		return nil
	}
	flags := []string{"--master-ca-file " + quote(filepath.Join(dir, "ca.pem"))}
	if o.ClientCert {
		flags = append(flags, "--master-cert-file "+quote(filepath.Join(dir, "client.pem")), "--master-key-file "+quote(filepath.Join(dir, "client-key.pem")))
	}
	return flags
}
