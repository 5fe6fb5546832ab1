package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Certificates are PEM files for a cluster that speaks TLS: of an authority that only this cluster knows, and of what it has signed.
type Certificates struct {
	CA, CAKey         string
	Server, ServerKey string // of masters and agents
	Client, ClientKey string // for frameworks, executors and operators
}

// certificateLife is how long certificates are good. Nobody renews them while a sandbox runs.
const certificateLife = 365 * 24 * time.Hour

// certificatesIn names the files of a directory.
func certificatesIn(dir string) Certificates {
	in := func(name string) string { return filepath.Join(dir, name) }
	return Certificates{
		CA: in("ca.pem"), CAKey: in("ca-key.pem"), Server: in("server.pem"), ServerKey: in("server-key.pem"),
		Client: in("client.pem"), ClientKey: in("client-key.pem"),
	}
}

// MakeCertificates makes those of a cluster whose masters and agents have these IP addresses, in a directory. An authority that is there already
// signs them, so that whoever trusts it may go on.
func MakeCertificates(dir string, addresses ...string) (Certificates, error) {
	files := certificatesIn(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return files, fmt.Errorf("certificates: %w", err)
	}
	authority, err := files.authority()
	if err != nil {
		return files, fmt.Errorf("certificates: %w", err)
	}
	server := &x509.Certificate{
		Subject: pkix.Name{CommonName: "sandbox"}, DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	slices.Sort(addresses)
	for _, address := range slices.Compact(addresses) {
		ip := net.ParseIP(address)
		if ip == nil {
			return files, fmt.Errorf("certificates: address %q: want an IP address", address)
		}
		server.IPAddresses = append(server.IPAddresses, ip)
	}
	client := &x509.Certificate{Subject: pkix.Name{CommonName: "client"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if err := errors.Join(authority.sign(server, files.Server, files.ServerKey), authority.sign(client, files.Client, files.ClientKey)); err != nil {
		return files, fmt.Errorf("certificates: %w", err)
	}
	return files, nil
}

// signer is an authority with its key.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// authority reads the one that is there, if it is good for long enough, and else makes one.
func (files Certificates) authority() (signer, error) {
	if pair, err := tls.LoadX509KeyPair(files.CA, files.CAKey); err == nil {
		key, is := pair.PrivateKey.(*ecdsa.PrivateKey)
		if is && time.Until(pair.Leaf.NotAfter) > 24*time.Hour {
			return signer{pair.Leaf, key}, nil
		}
	}
	own := &x509.Certificate{
		Subject: pkix.Name{CommonName: "sandbox authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var s signer
	if err := s.sign(own, files.CA, files.CAKey); err != nil {
		return s, err
	}
	pair, err := tls.LoadX509KeyPair(files.CA, files.CAKey)
	if err != nil {
		return s, err
	}
	return signer{pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)}, nil
}

// sign makes a key and a certificate for it. The zero signer makes certificates that sign themselves.
func (s signer) sign(cert *x509.Certificate, certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	const clocks = time.Hour // may differ by so much
	cert.SerialNumber, cert.NotBefore, cert.NotAfter = number, time.Now().Add(-clocks), time.Now().Add(certificateLife)
	if !cert.IsCA {
		cert.KeyUsage = x509.KeyUsageDigitalSignature
	}
	parent, by := s.cert, s.key
	if parent == nil {
		parent, by = cert, key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, by)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	// The key first: a certificate without its key is good for nothing.
	return errors.Join(writePEM(keyFile, "PRIVATE KEY", keyDER, 0o600), writePEM(certFile, "CERTIFICATE", der, 0o644))
}

func writePEM(file, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

// pool is what trusts the authority alone.
func (files Certificates) pool() (*x509.CertPool, error) {
	text, err := os.ReadFile(files.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificate in it", files.CA)
	}
	return pool, nil
}

// ClientTLS is how to speak with a cluster whose certificates are in a directory, as somebody whom it trusts.
func ClientTLS(dir string) (*tls.Config, error) {
	files := certificatesIn(dir)
	pool, err := files.pool()
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(files.Client, files.ClientKey)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// TLS is how masters and agents speak TLS, and nothing else (Mesos: LIBPROCESS_SSL_ENABLED without SSL_SUPPORT_DOWNGRADE).
type TLS struct {
	Certificates
	RequireClientCert bool // nobody may speak without one that the authority has signed (Mesos: LIBPROCESS_SSL_REQUIRE_CLIENT_CERT)
}

func (t *TLS) config() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(t.Server, t.ServerKey)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if t.RequireClientCert {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
		if cfg.ClientCAs, err = t.pool(); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

// environment is what an agent passes on to executors, so that they can speak with it.
func (t *TLS) environment() []string {
	return []string{
		"LIBPROCESS_SSL_ENABLED=1", "LIBPROCESS_SSL_VERIFY_SERVER_CERT=1", "LIBPROCESS_SSL_CA_FILE=" + t.CA,
		"LIBPROCESS_SSL_CERT_FILE=" + t.Client, "LIBPROCESS_SSL_KEY_FILE=" + t.ClientKey,
	}
}
