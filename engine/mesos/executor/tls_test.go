package executor_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/executor"
)

// authority makes certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	der, key := a.make(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, a.key = cert, key
	return a
}

func (a *authority) make(c *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return der, key
}

// files writes a certificate and its key.
func (a *authority) files(c *x509.Certificate) (cert, key string) {
	a.t.Helper()
	der, private := a.make(c)
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return writePEM(a.t, "CERTIFICATE", der), writePEM(a.t, "PRIVATE KEY", text)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// secureAgent is an agent at 127.0.0.1 that speaks TLS and authenticates executors; the empty token lets all in.
func secureAgent(t *testing.T, certificate, key, token string, clients tls.ClientAuthType) (endpoint string, updated <-chan string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	took := make(chan string, 10)
	a := &fakeAgent{t: t, onUpdate: func(st mesos.TaskStatus) int { took <- st.TaskID.Value; return http.StatusAccepted }}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
			w.Header().Set("WWW-Authenticate", `Bearer realm="mesos-agent-executor"`)
			http.Error(w, "", http.StatusUnauthorized)
			return
		}
		a.ServeHTTP(w, r)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: clients}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String(), took
}

// heard is a log that tells when it has a text.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
	want string
	has  chan struct{}
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text.Write(p)
	if h.has != nil && strings.Contains(h.text.String(), h.want) {
		close(h.has)
		h.has = nil
	}
	return len(p), nil
}

func TestAgentsThatSpeakTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	local := func() *x509.Certificate { return &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}} }
	ca := writePEM(t, "CERTIFICATE", ours.cert.Raw)
	clientCert, clientKey := ours.files(&x509.Certificate{Subject: pkix.Name{CommonName: "agent"}})
	broken := filepath.Join(t.TempDir(), "none.pem")
	names, _ := net.DefaultResolver.LookupAddr(t.Context(), "127.0.0.1")
	tests := []struct {
		name    string
		by      *authority
		cert    *x509.Certificate
		clients tls.ClientAuthType
		env     map[string]string
		want    string // in the log; empty: it gets through
		skip    bool
	}{
		{name: "verified", by: ours, cert: local(), env: map[string]string{"VERIFY_SERVER_CERT": "1", "CA_FILE": ca}},
		{name: "verified by the old name", by: ours, cert: local(), env: map[string]string{"VERIFY_CERT": "true", "CA_DIR": filepath.Dir(ca)}},
		{name: "not verified", by: theirs, cert: &x509.Certificate{DNSNames: []string{"other.example"}}, env: nil},
		{name: "unknown authority", by: theirs, cert: local(), env: map[string]string{"VERIFY_SERVER_CERT": "1", "CA_FILE": ca}, want: "its certificate is not trusted: x509: certificate signed by unknown authority"},
		{name: "another host", by: ours, cert: &x509.Certificate{DNSNames: []string{"other.example"}}, env: map[string]string{"REQUIRE_CERT": "1", "CA_FILE": ca}, want: "its certificate is of another host"},
		{
			name: "the name of the address", by: ours, cert: &x509.Certificate{DNSNames: []string{"localhost"}}, env: map[string]string{"VERIFY_SERVER_CERT": "1", "CA_FILE": ca},
			skip: !slices.Contains(names, "localhost") && !slices.Contains(names, "localhost."),
		},
		{name: "wants a certificate", by: ours, cert: local(), clients: tls.RequireAnyClientCert, env: map[string]string{"CERT_FILE": clientCert, "KEY_FILE": clientKey}},
		{name: "a key that is not for us", by: ours, cert: local(), env: map[string]string{"CERT_FILE": clientCert, "KEY_FILE": broken}},
		{name: "wants a certificate, and gets none", by: ours, cert: local(), clients: tls.RequireAnyClientCert, env: nil, want: "certificate required"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.skip {
				t.Skipf("127.0.0.1 is known as %v here", names)
			}
			cert, key := test.by.files(test.cert)
			endpoint, updated := secureAgent(t, cert, key, "secret", test.clients)
			cfg, err := executor.FromEnviron(environ(endpoint, "secret", test.env))
			if err != nil {
				t.Fatal(err)
			}
			said := make(chan struct{})
			log := &heard{want: test.want, has: said}
			if test.want == "" {
				log.has = nil
			}
			cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
			s, err := executor.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				ended <- s.Run(ctx, func(e executor.Event) {
					if _, is := e.(executor.Subscribed); is {
						if err := s.Update("t1", machine.Running, "", nil); err != nil {
							t.Error(err)
						}
					}
				})
			}()
			select {
			case <-updated:
				if test.want != "" {
					t.Errorf("it got through")
				}
			case <-said:
			case err := <-ended:
				t.Fatalf("run: %v", err)
			case <-time.After(30 * time.Second):
				t.Errorf("nothing happens; log:\n%s", &log.text)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("run: %v", err)
			}
			if strings.Contains(log.text.String(), "secret") {
				t.Errorf("the token is in the log:\n%s", &log.text)
			}
		})
	}
}

// environ is what an agent with TLS gives to executors.
func environ(endpoint, token string, ssl map[string]string) func(string) string {
	return func(name string) string {
		if v, is := map[string]string{
			"MESOS_AGENT_ENDPOINT": endpoint, "MESOS_EXECUTOR_ID": "e1", "MESOS_FRAMEWORK_ID": "F-0000", "MESOS_SANDBOX": "/sandbox",
			"MESOS_EXECUTOR_AUTHENTICATION_TOKEN": token, "LIBPROCESS_SSL_ENABLED": "1",
		}[name]; is {
			return v
		}
		if name, is := strings.CutPrefix(name, "LIBPROCESS_SSL_"); is {
			return ssl[name]
		}
		return ""
	}
}

// Who shows no token, or another one, is told what is wrong, at once.
func TestTokensThatAreNotTaken(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.files(&x509.Certificate{})
	endpoint, _ := secureAgent(t, cert, key, "secret", tls.NoClientCert)
	for token, want := range map[string]string{
		"":      "it wants executors to authenticate, and there is no token in MESOS_EXECUTOR_AUTHENTICATION_TOKEN",
		"other": "it does not take the token that is in MESOS_EXECUTOR_AUTHENTICATION_TOKEN",
	} {
		cfg, err := executor.FromEnviron(environ(endpoint, token, nil))
		if err != nil {
			t.Fatal(err)
		}
		s, err := executor.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context(), func(executor.Event) {}); !errors.Is(err, executor.ErrRefused) || !strings.Contains(err.Error(), "agent "+endpoint+": 401 : "+want) {
			t.Errorf("token %q: %v, want %v with %q", token, err, executor.ErrRefused, want)
		}
	}
}

func TestSSLThatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{
		"ENABLED=on":                           `LIBPROCESS_SSL_ENABLED: "on" is none of 1, true, 0, false`,
		"VERIFY_CERT=yes":                      `LIBPROCESS_SSL_VERIFY_CERT: "yes" is none of`,
		"VERIFY_CERT=1 CA_FILE=" + dir + "/no": "LIBPROCESS_SSL_CA_FILE: open " + dir + "/no: no such file",
		"VERIFY_CERT=1 CA_DIR=" + dir + "/no":  "LIBPROCESS_SSL_CA_DIR: open " + dir + "/no: no such file",
	} {
		ssl := map[string]string{}
		for _, pair := range strings.Fields(name) {
			key, value, _ := strings.Cut(pair, "=")
			ssl[key] = value
		}
		getenv := environ("127.0.0.1:5051", "", ssl)
		_, err := executor.FromEnviron(func(name string) string {
			if v, is := ssl[strings.TrimPrefix(name, "LIBPROCESS_SSL_")]; is {
				return v
			}
			return getenv(name)
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", name, err, want)
		}
	}
	cfg, err := executor.FromEnviron(environ("127.0.0.1:5051", "a\nb", nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := executor.New(cfg); err == nil || !strings.Contains(err.Error(), "authentication token: has spaces or control characters") || strings.Contains(err.Error(), "b\"") {
		t.Errorf("token with a line break: %v", err)
	}
}
