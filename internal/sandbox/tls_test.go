package sandbox_test

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// secured is a configuration of a cluster that speaks TLS, with the directory of its certificates.
func secured(t *testing.T, clientCert bool) (sandbox.Config, string) {
	t.Helper()
	dir := t.TempDir()
	files, err := sandbox.MakeCertificates(filepath.Join(dir, "tls"), "127.0.0.1", "127.0.3.1")
	if err != nil {
		t.Fatal(err)
	}
	cfg := oneAgent(filepath.Join(dir, "agent"))
	cfg.TLS = &sandbox.TLS{Certificates: files, RequireClientCert: clientCert}
	return cfg, filepath.Join(dir, "tls")
}

// speaking is a client with a TLS configuration, nil for the system's.
func speaking(t *testing.T, secure *tls.Config) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: secure, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func health(t *testing.T, client *http.Client, url string) error {
	t.Helper()
	request, err := http.NewRequestWithContext(deadline(t), http.MethodGet, url+"/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", url, response.Status)
	}
	return nil
}

// Masters and agents speak TLS and nothing else, with certificates of an authority that only this cluster knows.
func TestTLS(t *testing.T) {
	cfg, dir := secured(t, false)
	s := start(t, cfg)
	trusting, err := sandbox.ClientTLS(dir)
	if err != nil {
		t.Fatal(err)
	}
	withoutCert := trusting.Clone()
	withoutCert.Certificates = nil
	for _, address := range []string{s.MasterAddress(), s.AgentAddresses()[0]} {
		for name, client := range map[string]*http.Client{"with a certificate": speaking(t, trusting), "without one": speaking(t, withoutCert)} {
			if err := health(t, client, "https://"+address); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := health(t, speaking(t, nil), "https://"+address); err == nil || !strings.Contains(err.Error(), "unknown authority") {
			t.Errorf("whoever does not know the authority: %v", err)
		}
		response, err := http.Get("http://" + address + "/health")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("plain HTTP: %s", response.Status)
		}
	}
	if _, err := (sandbox.Remote{Address: s.MasterAddress()}).Faults(deadline(t)); err == nil || !strings.Contains(err.Error(), "it speaks TLS") {
		t.Errorf("somebody who does not speak TLS: %v", err)
	}
}

func TestClientCertificates(t *testing.T) {
	cfg, dir := secured(t, true)
	s := start(t, cfg)
	trusting, err := sandbox.ClientTLS(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := health(t, speaking(t, trusting), "https://"+s.MasterAddress()); err != nil {
		t.Error(err)
	}
	without := trusting.Clone()
	without.Certificates = nil
	if err := health(t, speaking(t, without), "https://"+s.MasterAddress()); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without a certificate: %v", err)
	}
	_, otherDir := secured(t, true)
	other, err := sandbox.ClientTLS(otherDir)
	if err != nil {
		t.Fatal(err)
	}
	other.RootCAs = trusting.RootCAs
	if err := health(t, speaking(t, other), "https://"+s.MasterAddress()); err == nil {
		t.Error("a certificate of somebody else's authority is taken")
	}
	remote := sandbox.Remote{Address: s.MasterAddress(), TLS: trusting}
	if _, err := remote.Inject(deadline(t), fault.Fault{Kind: fault.MasterDown}); err != nil {
		t.Fatal(err)
	}
	if err := health(t, speaking(t, trusting), "https://"+s.MasterAddress()); err == nil || !strings.Contains(err.Error(), "reset by peer") {
		t.Errorf("a master that is down: %v, want the connection to be reset below TLS", err)
	}
}

// Who trusts the authority of a directory may go on doing so; what it has signed is new each time.
func TestCertificatesAreMadeAgain(t *testing.T) {
	dir := t.TempDir()
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	make := func() {
		t.Helper()
		if _, err := sandbox.MakeCertificates(dir, "127.0.0.1", "127.0.0.1"); err != nil {
			t.Fatal(err)
		}
	}
	make()
	ca, server := read("ca.pem"), read("server.pem")
	make()
	if !bytes.Equal(ca, read("ca.pem")) || bytes.Equal(server, read("server.pem")) {
		t.Error("want the same authority and another certificate")
	}
	if err := os.WriteFile(filepath.Join(dir, "ca-key.pem"), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	make()
	if bytes.Equal(ca, read("ca.pem")) {
		t.Error("an authority without its key goes on")
	}
	if info, err := os.Stat(filepath.Join(dir, "server-key.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v; want it to be its owner's alone", info.Mode(), err)
	}
	if _, err := sandbox.MakeCertificates(dir, "localhost"); err == nil || !strings.Contains(err.Error(), `address "localhost"`) {
		t.Errorf("an address that is none: %v", err)
	}
	if _, err := sandbox.ClientTLS(t.TempDir()); err == nil {
		t.Error("a directory without certificates is good for a client")
	}
}
