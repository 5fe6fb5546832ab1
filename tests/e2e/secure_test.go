package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quobyte/mesos-framework/plans"
)

// write makes a file that only we may read.
func write(t *testing.T, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A whole deployment on a cluster that speaks TLS alone, wants certificates of everybody, a secret of the framework and of operators, and tokens of
// executors; and through the failover of its master.
func TestDeployOverTLS(t *testing.T) {
	t.Parallel()
	keys := t.TempDir()
	c := startClusterWith(t, "127.0.98.", 3, append([]string{
		"--tls-client-cert", "--authenticate-operators", "--authenticate-executors",
		"--credentials", write(t, filepath.Join(keys, "credentials"), []byte("store s3cret\nother x\n")),
	}, quickFaults...)...)
	c.find(`--master-key-file`) // the command line that is printed says what is needed for TLS
	certificates := filepath.Join(c.dir, "tls")
	file := func(name string) string { return filepath.Join(certificates, name) }
	access := []string{
		"--master-ca-file", file("ca.pem"), "--master-cert-file", file("client.pem"), "--master-key-file", file("client-key.pem"),
		"--framework-principal=store",
	}

	wrong := append(access[:len(access):len(access)], "--framework-secret-file", write(t, filepath.Join(keys, "wrong"), []byte("x")))
	refused, _ := c.serve(t, "serve with a wrong secret", wrong...)
	refused.find(`401`)
	refused.cmd.Process.Kill()
	refused.wait()
	if strings.Contains(refused.text(), "msg=subscribed") {
		t.Error("a wrong secret lets the framework in")
	}

	right := append(access, "--framework-secret-file", write(t, filepath.Join(keys, "right"), []byte("s3cret\n")), "--expect=registry=3,metadata=3,data=3")
	serve, api := c.serve(t, "serve", right...)
	serve.find(`msg=subscribed master=\S*` + c.master)
	eventually(t, "registry-0 is being launched", func() bool { return api.pod("registry-0").TaskID != "" })
	c.fault(t, "master-failover", "--for=400ms", "--delay=200ms", "--spread=200ms", "--tls", certificates)
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
	if text := serve.text(); strings.Contains(text, "s3cret") {
		t.Error("the secret is in the log")
	}
}

// The same with a service account as of DC/OS, which logs in at the master.
func TestDeployWithAServiceAccount(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	keys := t.TempDir()
	publicFile := write(t, filepath.Join(keys, "public.pem"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	c := startClusterWith(t, "127.0.99.", 1, append([]string{"--tls", "--service-account", "store=" + publicFile}, quickFaults...)...)
	secret, err := json.Marshal(map[string]string{
		"uid": "store", "scheme": "RS256", "login_endpoint": "https://" + c.master + "/acs/api/v1/auth/login",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, api := c.serve(t, "serve", "--master-ca-file", filepath.Join(c.dir, "tls", "ca.pem"),
		"--service-account-file", write(t, filepath.Join(keys, "account.json"), secret), "--expect=registry=1,metadata=1,data=1")
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
}
