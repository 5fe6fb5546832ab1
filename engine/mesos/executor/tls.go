package executor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// lookupTimeout bounds the search for the name of an agent's address.
const lookupTimeout = 5 * time.Second

// tlsFromEnviron reads what libprocess calls SSL. Agents pass it on to executors, which have to speak TLS with them if it is enabled. The result is nil if it
// is not.
//
// Mesos: who connects looks at no certificate unless it is told to (VERIFY_SERVER_CERT, before 1.10 VERIFY_CERT), presents its own, and expects
// the name of the server in that of the server, or the name that its address is known under: agents are connected to by address.
func tlsFromEnviron(getenv func(string) string, endpoint string) (*tls.Config, []error) {
	e := sslEnviron{getenv: getenv}
	if !e.flag("LIBPROCESS_SSL_ENABLED") {
		return nil, e.problems
	}
	host, _, _ := net.SplitHostPort(endpoint) // New refuses one that is none
	verify := e.flag("LIBPROCESS_SSL_VERIFY_SERVER_CERT", "LIBPROCESS_SSL_VERIFY_CERT") || e.flag("LIBPROCESS_SSL_REQUIRE_CERT")
	out := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // below, in Mesos's way, if at all
	}
	if verify {
		pool := e.authorities()
		out.VerifyConnection = func(s tls.ConnectionState) error { return verifyAgent(s.PeerCertificates, host, pool) }
	}
	out.Certificates = e.certificate()
	return out, e.problems
}

// sslEnviron collects what is wrong.
type sslEnviron struct {
	getenv   func(string) string
	problems []error
}

func (e *sslEnviron) refuse(format string, args ...any) {
	e.problems = append(e.problems, fmt.Errorf(format, args...))
}

// flag is the value of the first of the variables that is set.
func (e *sslEnviron) flag(names ...string) bool {
	for _, name := range names {
		switch v := e.getenv(name); v {
		case "":
			continue
		case "1", "true":
			return true
		case "0", "false":
			return false
		default:
			e.refuse("%s: %q is none of 1, true, 0, false", name, v)
		}
	}
	return false
}

// authorities are those of the file, and of the files in the directory; nil, those of the system, if neither is given.
func (e *sslEnviron) authorities() *x509.CertPool {
	var files []string
	if file := e.getenv("LIBPROCESS_SSL_CA_FILE"); file != "" {
		files = append(files, file)
	}
	if dir := e.getenv("LIBPROCESS_SSL_CA_DIR"); dir != "" {
		entries, err := os.ReadDir(dir)
		if err != nil {
			e.refuse("LIBPROCESS_SSL_CA_DIR: %w", err)
		}
		for _, entry := range entries {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil
	}
	pool, any := x509.NewCertPool(), false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil && file == e.getenv("LIBPROCESS_SSL_CA_FILE") {
			e.refuse("LIBPROCESS_SSL_CA_FILE: %w", err)
			return nil
		}
		any = pool.AppendCertsFromPEM(text) || any // a directory may hold other files
	}
	if !any {
		e.refuse("LIBPROCESS_SSL_CA_FILE, LIBPROCESS_SSL_CA_DIR: no PEM certificate in %v", files)
	}
	return pool
}

// certificate is our own. An agent may not want one, and the executor's user may not be allowed to read the agent's key, which is what is passed on: then
// none is presented.
func (e *sslEnviron) certificate() []tls.Certificate {
	cert, key := e.getenv("LIBPROCESS_SSL_CERT_FILE"), e.getenv("LIBPROCESS_SSL_KEY_FILE")
	if cert == "" || key == "" {
		return nil
	}
	c, err := tls.LoadX509KeyPair(cert, key)
	switch {
	case errors.Is(err, os.ErrPermission), errors.Is(err, os.ErrNotExist): // in a container of its own there may be no such file
		return nil
	case err != nil:
		e.refuse("LIBPROCESS_SSL_CERT_FILE %s, LIBPROCESS_SSL_KEY_FILE %s: %w", cert, key, err)
		return nil
	}
	return []tls.Certificate{c}
}

func verifyAgent(presented []*x509.Certificate, host string, roots *x509.CertPool) error {
	leaf, others := presented[0], x509.NewCertPool()
	for _, c := range presented[1:] {
		others.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: others}); err != nil {
		return fmt.Errorf("its certificate is not trusted: %w", err)
	}
	err := leaf.VerifyHostname(host)
	if err == nil || net.ParseIP(host) == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	names, _ := net.DefaultResolver.LookupAddr(ctx, host) // without names there is no other way
	if slices.ContainsFunc(names, func(name string) bool { return leaf.VerifyHostname(strings.TrimSuffix(name, ".")) == nil }) {
		return nil
	}
	return fmt.Errorf("its certificate is of another host: %w; nor of its names %v", err, names)
}
