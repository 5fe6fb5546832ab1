package sandbox_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/internal/sandbox"
)

// authorized makes a request, with an Authorization header if it is not empty.
func authorized(t *testing.T, method, url, authorization, body string) (status int, challenge, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(deadline(t), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("WWW-Authenticate"), string(got)
}

func basic(principal, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(principal+":"+secret))
}

// Operators are asked if that is wanted, but for what everybody may know.
func TestOperatorsAreAsked(t *testing.T) {
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.Credentials, cfg.AuthenticateOperators = map[string]string{"ops": "s3cret"}, true
	s := start(t, cfg)
	for _, tc := range []struct{ method, path, body, realm string }{
		{http.MethodGet, "/state", "", "mesos-master-readonly"},
		{http.MethodGet, "/master/slaves", "", "mesos-master-readonly"},
		{http.MethodGet, "/metrics/snapshot", "", "mesos-master-readonly"},
		{http.MethodGet, "/quota", "", "mesos-master-readwrite"},
		{http.MethodPost, "/api/v1", `{"type":"GET_HEALTH"}`, "mesos-master-readwrite"},
		{http.MethodGet, "/health", "", ""},
		{http.MethodGet, "/version", "", ""},
	} {
		url := "http://" + s.MasterAddress() + tc.path
		status, challenge, text := authorized(t, tc.method, url, "", tc.body)
		switch {
		case tc.realm == "" && status != http.StatusOK:
			t.Errorf("%s: %d", tc.path, status)
		case tc.realm != "" && (status != http.StatusUnauthorized || challenge != `Basic realm="`+tc.realm+`"` || text != "401 Unauthorized."):
			t.Errorf("%s: %d %q %q, want 401 of %s", tc.path, status, challenge, text, tc.realm)
		}
		if status, _, _ := authorized(t, tc.method, url, basic("ops", "s3cret"), tc.body); status != http.StatusOK {
			t.Errorf("%s with a credential: %d", tc.path, status)
		}
	}
}

// What an operator reserves is in his name, if he has shown one.
func TestOperatorsReserveInTheirName(t *testing.T) {
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.Credentials, cfg.AuthenticateOperators = map[string]string{"ops": "s3cret"}, true
	s := start(t, cfg)
	_, _, slaves := authorized(t, http.MethodGet, "http://"+s.MasterAddress()+"/slaves", basic("ops", "s3cret"), "")
	var view struct{ Slaves []struct{ ID string } }
	if err := json.Unmarshal([]byte(slaves), &view); err != nil || len(view.Slaves) != 1 {
		t.Fatal(slaves, err)
	}
	const attempt = "A reserve operation was attempted by "
	for _, test := range []struct {
		principal, want string
		status          int
	}{
		{``, attempt + "principal 'ops', but there is a reserved resource in the request with no principal set", 400},
		{`,"principal":"p1"`, attempt + "authenticated principal 'ops', which does not match a reserved resource in the request with principal 'p1'", 400},
		{`,"principal":"ops"`, "", 202},
	} {
		body := `{"type":"RESERVE_RESOURCES","reserve_resources":{"agent_id":{"value":"` + view.Slaves[0].ID + `"},"resources":[{"name":"cpus","type":"SCALAR",` +
			`"scalar":{"value":0.5},"reservations":[{"type":"DYNAMIC","role":"ops"` + test.principal + `}]}]}}`
		status, _, text := authorized(t, http.MethodPost, "http://"+s.MasterAddress()+"/api/v1", basic("ops", "s3cret"), body)
		if status != test.status || !strings.HasSuffix(text, test.want) {
			t.Errorf("%s: %d %q, want %d %q", test.principal, status, text, test.status, test.want)
		}
	}
}

// account is a service account with its key.
type account struct {
	uid string
	key *rsa.PrivateKey
}

func newAccount(t testing.TB, uid string) account {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return account{uid, key}
}

func (a account) proof(t testing.TB, alg string, expires time.Time) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"`+alg+`","typ":"JWT"}`)) + "." + encode([]byte(fmt.Sprintf(`{"uid":%q,"exp":%d}`, a.uid, expires.Unix())))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(signature)
}

// A service account logs in with a token that it has signed, and is then the principal that it is called.
func TestServiceAccounts(t *testing.T) {
	store, other := newAccount(t, "store"), newAccount(t, "store")
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.ServiceAccounts = map[string]*rsa.PublicKey{"store": &store.key.PublicKey}
	s := start(t, cfg)
	base := "http://" + s.MasterAddress()
	login := func(uid, token string) (int, string, string) {
		body, err := json.Marshal(map[string]string{"uid": uid, "token": token})
		if err != nil {
			t.Fatal(err)
		}
		return authorized(t, http.MethodPost, base+"/acs/api/v1/auth/login", "", string(body))
	}
	soon := time.Now().Add(time.Minute)
	for name, proof := range map[string]string{
		"another key":     other.proof(t, "RS256", soon),
		"expired":         store.proof(t, "RS256", time.Now().Add(-time.Second)),
		"another method":  store.proof(t, "none", soon),
		"no token at all": "",
		"rubbish":         "a.b.c",
	} {
		if status, challenge, _ := login("store", proof); status != http.StatusUnauthorized || challenge != "acsjwt" {
			t.Errorf("%s: %d %q, want 401", name, status, challenge)
		}
	}
	if status, _, _ := login("nobody", store.proof(t, "RS256", soon)); status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", status)
	}
	if status, _, _ := authorized(t, http.MethodPost, base+"/acs/api/v1/auth/login", "", "rubbish"); status != http.StatusBadRequest {
		t.Errorf("no JSON: %d", status)
	}
	status, _, text := login("store", store.proof(t, "RS256", soon))
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	const call = `{"type":"REVIVE","framework_id":{"value":"F"}}`
	for authorization, want := range map[string]int{
		"token=" + answer.Token:       http.StatusBadRequest, // it is let in, and there is no such framework
		"token=" + answer.Token + "x": http.StatusUnauthorized,
		"Bearer " + answer.Token:      http.StatusUnauthorized,
		"":                            http.StatusUnauthorized,
		basic("store", "any"):         http.StatusUnauthorized,
	} {
		if status, _, text := authorized(t, http.MethodPost, base+"/api/v1/scheduler", authorization, call); status != want {
			t.Errorf("%q: %d %s, want %d", authorization, status, text, want)
		}
	}
}

func TestParsePublicKey(t *testing.T) {
	a := newAccount(t, "a")
	der, err := x509.MarshalPKIXPublicKey(&a.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sandbox.ParsePublicKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if err != nil || !key.Equal(&a.key.PublicKey) {
		t.Errorf("%v, %v", key, err)
	}
	for _, text := range [][]byte{nil, []byte("rubbish"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})} {
		if _, err := sandbox.ParsePublicKey(text); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
}

func FuzzCheckProof(f *testing.F) {
	a := newAccount(f, "a")
	at := time.Unix(1_800_000_000, 0)
	good := a.proof(f, "RS256", at.Add(time.Minute))
	f.Add(good)
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		if err := sandbox.CheckProof(token, "a", &a.key.PublicKey, at); err == nil && !bytes.Equal([]byte(token), []byte(good)) {
			// Base64 has several ways to write the last bits; the same bytes are the same token.
			parts, want := strings.Split(token, "."), strings.Split(good, ".")
			if parts[0] != want[0] || parts[1] != want[1] {
				t.Errorf("%q is taken", token)
			}
		}
	})
}

// Executors get a token, and are asked for it. One does not speak for another.
func TestExecutorsAreAsked(t *testing.T) {
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.AuthenticateExecutors = true
	s := start(t, cfg)
	url := "http://" + s.AgentAddresses()[0] + "/api/v1/executor"
	call := func(framework, executor string) string {
		return fmt.Sprintf(`{"type":"SUBSCRIBE","framework_id":{"value":%q},"executor_id":{"value":%q},"subscribe":{}}`, framework, executor)
	}
	const realm = `Bearer realm="mesos-agent-executor"`
	for authorization, want := range map[string]string{
		"":                  realm,
		"Bearer":            realm + `, error="invalid_token", error_description="Malformed 'Authorization' header"`,
		"Basic x":           realm + `, error="invalid_token", error_description="Scheme 'Basic' unsupported"`,
		"Bearer made.up.by": realm + `, error="invalid_token", error_description="Invalid JWT: Token signature does not match"`,
	} {
		if status, challenge, _ := authorized(t, http.MethodPost, url, authorization, call("F", "e")); status != http.StatusUnauthorized || challenge != want {
			t.Errorf("%q: %d %q, want %q", authorization, status, challenge, want)
		}
	}
}

// Whether there is the executor that somebody calls himself is told before whether he is it.
func TestWhoseTokenIsLookedAtLast(t *testing.T) {
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.AuthenticateExecutors, cfg.AllocationInterval = true, 20*time.Millisecond
	s := start(t, cfg)
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	task := mesos.TaskInfo{Name: "t1", TaskID: mesos.TaskID{Value: "t1"}, Executor: &mesos.ExecutorInfo{
		ExecutorID: mesos.ExecutorID{Value: "e1"}, Type: mesos.ExecutorInfo_CUSTOM, Command: shell("", "echo $MESOS_EXECUTOR_AUTHENTICATION_TOKEN > token; sleep 1000").Command,
	}}
	c.call(acceptOf(c.offer(), task))
	var token string
	for token == "" {
		select {
		case <-c.ctx.Done():
			t.Fatal("the executor was given no token")
		case <-time.After(time.Millisecond):
		}
		found, _ := filepath.Glob(filepath.Join(cfg.Agents[0].WorkDir, "slaves", "*", "frameworks", "*", "executors", "e1", "runs", "*", "token"))
		if len(found) > 0 {
			text, _ := os.ReadFile(found[0])
			token = strings.TrimSpace(string(text))
		}
	}
	url := "http://" + s.AgentAddresses()[0] + "/api/v1/executor"
	for _, tc := range []struct {
		framework, executor string
		status              int
		text                string
	}{
		{"F", "e1", 400, "Framework cannot be found"},
		{c.id, "e2", 400, "Executor cannot be found"},
		{c.id, "e1", 403, "Executor is not subscribed"},
	} {
		body := fmt.Sprintf(`{"type":"MESSAGE","framework_id":{"value":%q},"executor_id":{"value":%q},"message":{"data":""}}`, tc.framework, tc.executor)
		if status, _, text := authorized(t, http.MethodPost, url, "Bearer "+token, body); status != tc.status || text != tc.text {
			t.Errorf("%s of %s: %d %q, want %d %q", tc.executor, tc.framework, status, text, tc.status, tc.text)
		}
	}
}
