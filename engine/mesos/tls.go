package mesos

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/hashicorp/go-multierror"
)

// TLSFiles say with which files to speak TLS. Zero values are usable: the certificate authorities of the system, and no certificate of
// our own.
type TLSFiles struct {
	CA         string // PEM file of the certificate authorities to trust, and no others
	Cert, Key  string // PEM files of our certificate, with what leads to its authority, and of its key
	ServerName string // the name that certificates of masters must have; empty: the one in the master's address
}

// Config reads the files. Our certificate is read again for each connection, so that it may be renewed.
func (f TLSFiles) Config() (*tls.Config, error) {
	var all *multierror.Error
	out := &tls.Config{ServerName: f.ServerName, MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		pool, err := authorities(f.CA)
		if err != nil {
			all = multierror.Append(all, err)
		}
		out.RootCAs = pool
	}
	switch {
	case (f.Cert == "") != (f.Key == ""):
		all = multierror.Append(all, errors.New("certificate and key: one is given without the other"))
	case f.Cert != "":
		if _, err := f.certificate(); err != nil {
			all = multierror.Append(all, err)
		}
		out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.certificate() }
	}
	return out, all.ErrorOrNil()
}

func authorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("certificate authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("certificate authorities: %s: holds no PEM certificate", file)
	}
	return pool, nil
}

func (f TLSFiles) certificate() (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", f.Cert, f.Key, err)
	}
	return &c, nil
}
