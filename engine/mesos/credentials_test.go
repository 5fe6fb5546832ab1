package mesos_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
)

// wants makes a master that takes only requests with this header. It returns what it was shown.
func wants(m *fakeMaster, header func() string) *[]string {
	var mu sync.Mutex
	shown := &[]string{}
	m.guard = func(r *http.Request) answer {
		mu.Lock()
		defer mu.Unlock()
		got := r.Header.Get("Authorization")
		*shown = append(*shown, got)
		if got != header() {
			return answer{status: 401, text: "Unauthorized"}
		}
		return answer{}
	}
	return shown
}

func TestBasicAuthentication(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a, b := newMaster(t, network, masterA), newMaster(t, network, masterB)
		defer a.server.Close()
		defer b.server.Close()
		header := "Basic " + base64.StdEncoding.EncodeToString([]byte("store:s3cret"))
		wants(a, func() string { return header })
		wants(b, func() string { return header })
		a.refuse = func() answer { return answer{status: 307, location: "//master-b:5050/master/api/v1/scheduler"} }
		cfg := config(masterA, masterB)
		cfg.Credentials = session.Basic{Principal: "store", Secret: "s3cret"}
		h := start(t, network, cfg, "")
		wantEvents(t, h, welcome)
		h.session.Send(machine.Revive{})
		h.after(time.Second)
		if diff := cmp.Diff([]string{"REVIVE"}, b.received()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		h.stop()
	})
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		shown := wants(m, func() string { return "other" })
		var log strings.Builder
		cfg := config(masterA)
		cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		cfg.Credentials = session.Basic{Principal: "store", Secret: "s3cret"}
		h := start(t, network, cfg, "")
		err := h.result()
		if !errors.Is(err, session.ErrRefused) || len(*shown) != 1 {
			t.Errorf("run = %v after %d requests", err, len(*shown))
		}
		cfg.Logger.Info("config", "config", fmt.Sprintf("%v %+v %#v", cfg.Credentials, cfg.Credentials, cfg.Credentials))
		for _, secret := range []string{"s3cret", (*shown)[0]} {
			if strings.Contains(log.String(), secret) || strings.Contains(err.Error(), secret) {
				t.Errorf("secret in the log or in the error:\n%s\n%v", log.String(), err)
			}
		}
	})
}

// Whoever a redirect names gets no credentials, with no call, unless somebody who is to be believed has named him.
func TestCredentialsAreForKnownMasters(t *testing.T) {
	const refused = "master master-a:5050: redirect to http://master-b:5050, which was neither configured nor detected, and credentials are only for masters " +
		"that were: name it as well"
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte("store:s3cret"))
	to := answer{status: 307, location: "//master-b:5050/master/api/v1/scheduler"}
	run := func(name string, during func(t *testing.T, a, b *fakeMaster, network *pipenet.Network, cfg session.Config) *harness) {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				a, b := newMaster(t, network, masterA), newMaster(t, network, masterB)
				defer a.server.Close()
				defer b.server.Close()
				wants(a, func() string { return header })
				shown := wants(b, func() string { return header })
				cfg := config(masterA)
				cfg.Credentials = session.Basic{Principal: "store", Secret: "s3cret"}
				h := during(t, a, b, network, cfg)
				h.stop()
				if len(*shown) > 0 {
					t.Errorf("the other master was sent %d requests", len(*shown))
				}
			})
		})
	}
	run("subscribe", func(t *testing.T, a, b *fakeMaster, network *pipenet.Network, cfg session.Config) *harness {
		a.refuse = func() answer { return to }
		h := start(t, network, cfg, "")
		wantEvents(t, h, machine.Disconnected{Err: refused})
		return h
	})
	run("call", func(t *testing.T, a, b *fakeMaster, network *pipenet.Network, cfg session.Config) *harness {
		a.guard = func(r *http.Request) answer {
			if r.Header.Get("Mesos-Stream-Id") != "" {
				return to
			}
			return answer{}
		}
		h := start(t, network, cfg, "")
		h.session.Send(machine.Revive{})
		wantEvents(t, h, welcome, machine.Disconnected{Err: "master master-a:5050: REVIVE: " + refused + "; subscribing again"})
		return h
	})
	t.Run("detected", func(t *testing.T) {
		bubble(t, func(t *testing.T, network *pipenet.Network) {
			a, b := newMaster(t, network, masterA), newMaster(t, network, masterB)
			defer a.server.Close()
			defer b.server.Close()
			wants(a, func() string { return header })
			wants(b, func() string { return header })
			a.refuse = func() answer { return to }
			cfg, detector := detected()
			cfg.Credentials = session.Basic{Principal: "store", Secret: "s3cret"}
			h := start(t, network, cfg, "")
			detector <- leader(masterB) // led once
			h.after(time.Second)
			detector <- leader(masterA)
			h.take()
			h.after(5 * time.Second)
			wantEvents(t, h, welcome)
			h.stop()
		})
	})
}

// iam is an identity service: it gives tokens to who proves to have the key.
type iam struct {
	t        *testing.T
	key      *rsa.PublicKey
	lifetime time.Duration // of tokens; zero: they do not say
	refuse   int           // status to answer with, zero for none
	slow     time.Duration

	mu     sync.Mutex
	logins int
}

func (s *iam) token(n int) string {
	if n == 0 {
		return "none"
	}
	claims := map[string]any{"uid": "svc"}
	if s.lifetime > 0 {
		claims["exp"] = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(s.lifetime * time.Duration(n)).Unix()
	}
	b, _ := json.Marshal(claims)
	return fmt.Sprintf("e30.%s.%d", base64.RawURLEncoding.EncodeToString(b), n)
}

func (s *iam) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ UID, Token string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/login" || r.Header.Get("Content-Type") != "application/json" {
		s.t.Errorf("login: %v at %s as %q", err, r.URL, r.Header.Get("Content-Type"))
	}
	s.prove(in.UID, in.Token)
	<-time.After(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins++
	if s.refuse != 0 {
		http.Error(w, "no "+in.Token, s.refuse)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"token": s.token(s.logins)})
}

// prove checks the JSON Web Token of the login.
func (s *iam) prove(uid, token string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || uid != "svc" {
		s.t.Errorf("login as %q with %q", uid, token)
		return
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.DecodeString(p)
		if err != nil {
			s.t.Error(err)
		}
		raw[i] = b
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		UID string
		Exp int64
	}
	if err := errors.Join(json.Unmarshal(raw[0], &header), json.Unmarshal(raw[1], &claims)); err != nil {
		s.t.Error(err)
	}
	left := time.Until(time.Unix(claims.Exp, 0))
	if header.Alg != "RS256" || header.Typ != "JWT" || claims.UID != "svc" || left <= 0 || left > 5*time.Minute {
		s.t.Errorf("proof: %+v %+v", header, claims)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(s.key, crypto.SHA256, sum[:], raw[2]); err != nil {
		s.t.Error(err)
	}
}

func (s *iam) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// accountKey is made once: that takes a while.
var accountKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func accountSecret(t *testing.T, change map[string]string) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(accountKey())
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]string{
		"uid": "svc", "private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"login_endpoint": "http://iam:80/login", "scheme": "RS256",
	}
	for k, v := range change {
		in[k] = v
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// login runs an identity service and returns it with an account of its.
func login(t *testing.T, network *pipenet.Network, lifetime time.Duration) (*iam, *session.ServiceAccount) {
	t.Helper()
	service := &iam{t: t, key: &accountKey().PublicKey, lifetime: lifetime}
	server := &http.Server{Handler: service}
	go server.Serve(network.Listen("iam:80"))
	t.Cleanup(func() { server.Close() })
	account, err := session.ParseServiceAccount(accountSecret(t, nil), nil, network.Dial)
	if err != nil {
		t.Fatal(err)
	}
	return service, account
}

// A service account logs in before the first request, once for all who wait; again before the token expires; and once when a master
// refuses it.
func TestServiceAccount(t *testing.T) {
	accountKey()
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		service, account := login(t, network, 5*24*time.Hour)
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		m.heartbeat = 0
		good := 1
		wants(m, func() string { return "token=" + service.token(good) })
		cfg := config(masterA)
		cfg.Credentials = account
		h := start(t, network, cfg, "")
		for range 10 {
			h.session.Send(ack)
		}
		h.after(time.Second)
		if service.count() != 1 || len(m.received()) != 10 {
			t.Errorf("%d logins, calls %v", service.count(), m.received())
		}
		good = 2 // the master has forgotten the first token
		service.slow = time.Second
		for range 10 {
			h.session.Send(ack)
		}
		h.after(5 * time.Second)
		if service.count() != 2 || len(m.received()) != 20 {
			t.Errorf("%d logins, %d calls", service.count(), len(m.received()))
		}
		good = 99 // and takes no other
		h.session.Send(machine.Revive{})
		h.after(2 * time.Second)
		got := h.take()
		want := machine.CallFailed{Call: machine.Revive{}, Err: "master master-a:5050: REVIVE: 401 Unauthorized"}
		silent := welcome
		silent.Heartbeat = 0
		if diff := cmp.Diff([]machine.Event{silent, want}, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if service.count() != 3 {
			t.Errorf("%d logins", service.count())
		}
		h.stop()
	})
}

// A token is replaced half an hour before it expires, and used to its end if that fails.
func TestServiceAccountRefresh(t *testing.T) {
	accountKey()
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		service, account := login(t, network, 24*time.Hour)
		ask := func() string {
			t.Helper()
			got, err := account.Authorization(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		first, second := "token="+service.token(1), "token="+service.token(2)
		for _, tt := range []struct {
			after  time.Duration
			refuse int
			want   string
			logins int
		}{
			{0, 0, first, 1},
			{23*time.Hour + 29*time.Minute, 0, first, 1},
			{2 * time.Minute, 503, first, 2},
			{0, 503, first, 2}, // not again at once
			{10 * time.Minute, 503, first, 3},
		} {
			service.mu.Lock()
			service.refuse = tt.refuse
			service.mu.Unlock()
			<-time.After(tt.after)
			if got := ask(); got != tt.want || service.count() != tt.logins {
				t.Errorf("after %v: %s and %d logins; want %s and %d", tt.after, got, service.count(), tt.want, tt.logins)
			}
		}
		<-time.After(20 * time.Minute)
		_, err := account.Authorization(t.Context(), "")
		want := `service account "svc": login at http://iam:80/login: 503 no …`
		if err == nil || err.Error() != want {
			t.Errorf("after the end: %v\nwant %s", err, want)
		}
		service.mu.Lock()
		service.refuse, service.logins = 0, 1
		service.mu.Unlock()
		<-time.After(time.Second)
		if got := ask(); got != second {
			t.Errorf("then: %s", got)
		}
	})
}

// Without a login nothing is sent to the master, and the session tries again.
func TestServiceAccountThatCannotLogIn(t *testing.T) {
	accountKey()
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		service, account := login(t, network, time.Hour)
		service.refuse = 401
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		cfg := config(masterA)
		cfg.Credentials = account
		h := start(t, network, cfg, "")
		wantEvents(t, h, machine.Disconnected{
			Err: `master master-a:5050: not sent: service account "svc": login at http://iam:80/login: 401 no …`,
		})
		service.mu.Lock()
		service.refuse = 0
		service.mu.Unlock()
		h.after(5 * time.Second)
		got := h.take()
		if !cmp.Equal(got[len(got)-1], machine.Event(welcome)) {
			t.Errorf("events = %v", got)
		}
		h.stop()
		synctest.Wait()
	})
}

func TestParseServiceAccount(t *testing.T) {
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(accountKey())}))
	for _, change := range []map[string]string{nil, {"private_key": pkcs1}, {"login_endpoint": "", "scheme": ""}} {
		a, err := session.ParseServiceAccount(accountSecret(t, change), nil, nil)
		if err != nil || a.UID != "svc" {
			t.Errorf("%v: %v", change, err)
		}
		if shown := fmt.Sprintf("%v %+v %#v", a, a, a); strings.Contains(shown, "key") {
			t.Errorf("the key is shown: %s", shown)
		}
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		change map[string]string
		want   string
	}{
		{map[string]string{"uid": ""}, "service account: uid is empty"},
		{map[string]string{"scheme": "HS256"}, `service account "svc": scheme "HS256" is not supported: only RS256 is`},
		{map[string]string{"private_key": "s3cret"}, `service account "svc": private_key: not PEM`},
		{map[string]string{"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("s3cret")}))},
			`service account "svc": private_key: neither PKCS #8 nor PKCS #1 (PRIVATE KEY)`},
		{map[string]string{"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))},
			`service account "svc": private_key: not an RSA key, which RS256 needs`},
		{map[string]string{"login_endpoint": "iam/login"},
			`service account "svc": login_endpoint "iam/login" is not an http or https URL, such as https://leader.mesos/acs/api/v1/auth/login`},
	} {
		if _, err := session.ParseServiceAccount(accountSecret(t, tt.change), nil, nil); err == nil || err.Error() != tt.want {
			t.Errorf("error = %v\nwant    %s", err, tt.want)
		}
	}
	if _, err := session.ParseServiceAccount([]byte(`{"private_key": s3cret}`), nil, nil); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error = %v", err)
	}
}

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("ca", true)
	return a
}

// sign makes a certificate with the files name.crt and name.key.
func (a *authority) sign(name string, ca bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	in := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = in, key
	}
	der, err := x509.CreateCertificate(rand.Reader, in, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		name + ".crt": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "EC PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(a.file(file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return cert, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// Over TLS: the master's certificate is checked by our authority and for the name, and ours by the master.
func TestTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	ours.sign("master", false)
	ours.sign("framework", false)
	pair, err := tls.LoadX509KeyPair(ours.file("master.crt"), ours.file("master.key"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ours.cert)
	m := &fakeMaster{t: t, heartbeat: 15}
	server := httptest.NewUnstartedServer(m)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.StartTLS()
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	full := session.TLSFiles{CA: ours.file("ca.crt"), Cert: ours.file("framework.crt"), Key: ours.file("framework.key"), ServerName: "master"}
	for _, tt := range []struct {
		name   string
		change func(*session.TLSFiles)
		want   string // of the error; empty: it works
	}{
		{"all is right", func(f *session.TLSFiles) {}, ""},
		{"other authority", func(f *session.TLSFiles) { f.CA = theirs.file("ca.crt") }, "certificate signed by unknown authority"},
		{"other name", func(f *session.TLSFiles) { f.ServerName = "m2" }, "certificate is valid for master, not m2"},
		{"no certificate", func(f *session.TLSFiles) { f.Cert, f.Key = "", "" }, "certificate required"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := full
			tt.change(&files)
			cfg := config("127.0.0.1:" + port) // with TLS that means https
			if cfg.TLS, err = files.Config(); err != nil {
				t.Fatal(err)
			}
			s, err := session.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var first machine.Event
			s.Run(ctx, "", func(e machine.Event) {
				if first == nil {
					first = e
				}
				cancel()
			})
			switch e := first.(type) {
			case machine.Subscribed:
				if tt.want != "" {
					t.Error("subscribed")
				}
			case machine.Disconnected:
				if tt.want == "" || !strings.Contains(e.Err, tt.want) {
					t.Errorf("error = %s; want %q", e.Err, tt.want)
				}
			default:
				t.Errorf("event = %v", first)
			}
		})
	}
}

func TestTLSFiles(t *testing.T) {
	a := newAuthority(t)
	for want, files := range map[string]session.TLSFiles{
		"certificate and key: one is given without the other":      {Cert: a.file("ca.crt")},
		"certificate authorities: open /none/ca.crt: no such file": {CA: "/none/ca.crt"},
		"ca.key: holds no PEM certificate":                         {CA: a.file("ca.key")},
		"ca.key with key":                                          {Cert: a.file("ca.key"), Key: a.file("ca.key")},
	} {
		if _, err := files.Config(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v; want %q", err, want)
		}
	}
	if _, err := (session.TLSFiles{}).Config(); err != nil {
		t.Errorf("no files: %v", err)
	}
}
