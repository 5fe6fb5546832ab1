package sandbox

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// loginPath is where service accounts log in, as at the Admin Router of DC/OS.
const loginPath = "/acs/api/v1/auth/login"

// tokenLife is how long the token of a service account is good (DC/OS: five days).
const tokenLife = 5 * 24 * time.Hour

// login is a service account that has a token.
type login struct {
	uid     string
	expires time.Time
}

// authenticates tells whether schedulers are asked who they are.
func (s *Sandbox) authenticates() bool {
	return s.cfg.Credentials != nil || s.cfg.ServiceAccounts != nil
}

// principalOf is who makes a request, false if that was not shown.
func (s *Sandbox) principalOf(r *http.Request) (string, bool) {
	if token, is := strings.CutPrefix(r.Header.Get("Authorization"), "token="); is {
		s.mu.Lock()
		defer s.mu.Unlock()
		l, known := s.logins[token]
		return l.uid, known && time.Now().Before(l.expires)
	}
	principal, shown, given := r.BasicAuth()
	secret, known := s.cfg.Credentials[principal]
	return principal, given && known && subtle.ConstantTimeCompare([]byte(shown), []byte(secret)) == 1
}

// challenged answers a request that has to show who makes it and does not, whatever the state of the master: libprocess asks before a master sees
// anything. It tells whether it did.
func (s *Sandbox) challenged(w http.ResponseWriter, r *http.Request, path string) bool {
	realm := "mesos-master-scheduler"
	if !strings.HasPrefix(path, "/api/v1/scheduler") {
		if realm = operatorRealm(path); !s.cfg.AuthenticateOperators || realm == "" {
			return false
		}
	}
	if !s.authenticates() {
		return false
	}
	if _, ok := s.principalOf(r); ok {
		return false
	}
	challenge := `Basic realm="` + realm + `"`
	if s.cfg.Credentials == nil {
		challenge = "acsjwt"
	}
	w.Header().Set("WWW-Authenticate", challenge)
	refuse(w, http.StatusUnauthorized, "401 Unauthorized.")
	return true
}

// operator is the principal of an operator, "" if nobody asks for it.
func (s *Sandbox) operator(r *http.Request) string {
	if !s.cfg.AuthenticateOperators || !s.authenticates() {
		return ""
	}
	principal, _ := s.principalOf(r)
	return principal
}

// operatorRealm is what operators show themselves to at a path, "" where nobody is asked.
func operatorRealm(path string) string {
	switch {
	case slices.Contains([]string{"/health", "/redirect", "/version"}, path):
		return ""
	case slices.ContainsFunc([]string{"/api/v1", "/teardown", "/quota", "/weights", "/maintenance/schedule", "/machine/", "/reserve", "/unreserve",
		"/create-volumes", "/destroy-volumes"}, func(begin string) bool { return strings.HasPrefix(path, begin) }):
		return "mesos-master-readwrite"
	}
	return "mesos-master-readonly"
}

// claim takes the principal that a scheduler has shown for that of a subscription which names none. The text tells what is wrong
// if it names another.
func (s *Sandbox) claim(r *http.Request, call *scheduler.Call) (problem string) {
	if !s.authenticates() || call.Type != scheduler.Call_SUBSCRIBE {
		return ""
	}
	shown, _ := s.principalOf(r)
	if info := call.Subscribe.FrameworkInfo; info.Principal != nil {
		return mismatch(shown, *info.Principal)
	}
	call.Subscribe.FrameworkInfo.Principal = &shown
	return ""
}

// foreign tells what is wrong if a call is for a framework of another principal.
func (s *Sandbox) foreign(r *http.Request, call *scheduler.Call) (problem string) {
	if !s.authenticates() || call.Type == scheduler.Call_SUBSCRIBE {
		return ""
	}
	s.mu.Lock()
	principal, known := s.cluster.Principal(call.FrameworkID.GetValue())
	s.mu.Unlock()
	if !known {
		return "" // the model has an answer to that
	}
	shown, _ := s.principalOf(r)
	return mismatch(shown, principal)
}

// mismatch is what a master says of another principal than the one that was shown, "" if it is the same.
func mismatch(shown, named string) string {
	if shown == named {
		return ""
	}
	return "Authenticated principal '" + shown + "' does not match principal '" + named + "' set in `FrameworkInfo`"
}

// logIn answers a service account that has signed a token with one of ours.
func (s *Sandbox) logIn(w http.ResponseWriter, r *http.Request) {
	var given struct{ UID, Token string }
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(body, &given)
	}
	switch {
	case r.Method != http.MethodPost:
		refuseMethod(w, r)
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "no JSON with uid and token")
		return
	}
	if err := checkProof(given.Token, given.UID, s.cfg.ServiceAccounts[given.UID], time.Now()); err != nil {
		s.log.Warn("a service account may not log in", "uid", given.UID, "error", err)
		w.Header().Set("WWW-Authenticate", "acsjwt")
		refuse(w, http.StatusUnauthorized, "401 Unauthorized.")
		return
	}
	expires := time.Now().Add(tokenLife)
	token := newToken(object{"uid": given.UID, "exp": expires.Unix()})
	s.mu.Lock()
	s.logins[token] = login{given.UID, expires}
	s.mu.Unlock()
	writeJSON(w, object{"token": token})
}

var unpadded = base64.RawURLEncoding

// newToken makes a JSON Web Token. Nobody else can check its signature: whoever issued it knows it.
func newToken(claims object) string {
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err) // of texts and numbers there is always a JSON form
	}
	signature := make([]byte, 32)
	_, _ = rand.Read(signature) // which never fails
	return unpadded.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + unpadded.EncodeToString(text) + "." + unpadded.EncodeToString(signature)
}

// checkProof checks the token that a service account has made to log in with: RS256, of that account, and not expired.
func checkProof(token, uid string, key *rsa.PublicKey, now time.Time) error {
	if key == nil {
		return errors.New("nobody knows it")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return fmt.Errorf("its token has %d parts, want 3", len(parts))
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = unpadded.DecodeString(part); err != nil {
			return fmt.Errorf("part %d of its token: %w", i+1, err)
		}
	}
	var head struct{ Alg string }
	var claims struct {
		UID string
		Exp int64
	}
	if err := errors.Join(json.Unmarshal(decoded[0], &head), json.Unmarshal(decoded[1], &claims)); err != nil {
		return fmt.Errorf("its token: %w", err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	switch err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], decoded[2]); {
	case head.Alg != "RS256":
		return fmt.Errorf("its token is signed with %q, want RS256", head.Alg)
	case err != nil:
		return fmt.Errorf("its token: %w", err)
	case claims.UID != uid:
		return fmt.Errorf("its token is of %q", claims.UID)
	case !now.Before(time.Unix(claims.Exp, 0)):
		return errors.New("its token has expired")
	}
	return nil
}

// ParsePublicKey reads the public key of a service account, in PEM.
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	block, _ := pem.Decode(bytes.TrimSpace(text))
	if block == nil {
		return nil, errors.New("public key: not PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("public key: %s: not a PUBLIC KEY", block.Type)
	}
	key, is := parsed.(*rsa.PublicKey)
	if !is {
		return nil, fmt.Errorf("public key: %T: must be of RSA", parsed)
	}
	return key, nil
}

// executorToken makes the token of an executor.
func (s *Sandbox) executorToken(c *container) string {
	claims := object{"fid": c.start.Framework, "eid": c.start.Executor, "cid": c.start.Container}
	token := newToken(claims)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executorTokens[token] = executorClaims{c.start.Framework, c.start.Executor}
	return token
}

// executorClaims are whom a token makes an executor.
type executorClaims struct{ framework, executor string }

// challengedExecutor answers an executor that shows no token, or a wrong one. It tells whether it did.
func (s *Sandbox) challengedExecutor(w http.ResponseWriter, r *http.Request) bool {
	if !s.cfg.AuthenticateExecutors {
		return false
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	why := ""
	switch _, known := s.claimsOf(token); {
	case scheme == "Bearer" && known:
		return false
	case scheme == "":
	case token == "":
		why = "Malformed 'Authorization' header"
	case scheme != "Bearer":
		why = "Scheme '" + scheme + "' unsupported"
	default:
		why = "Invalid JWT: Token signature does not match"
	}
	challenge := `Bearer realm="mesos-agent-executor"`
	if why != "" {
		challenge += `, error="invalid_token", error_description="` + why + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	refuse(w, http.StatusUnauthorized, "401 Unauthorized.")
	return true
}

func (s *Sandbox) claimsOf(token string) (executorClaims, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	claims, known := s.executorTokens[token]
	return claims, known
}

// otherExecutor tells what is wrong if an executor speaks for another.
func (s *Sandbox) otherExecutor(r *http.Request, call *executor.Call) (problem string) {
	if !s.cfg.AuthenticateExecutors {
		return ""
	}
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	claims, _ := s.claimsOf(token)
	principal := fmt.Sprintf("{ eid: %s, fid: %s }", claims.executor, claims.framework)
	switch {
	case claims.framework != call.FrameworkID.Value:
		return "Authenticated principal '" + principal + "' does not contain an 'fid' claim with the framework ID " + call.FrameworkID.Value +
			", which is set in the call"
	case claims.executor != call.ExecutorID.Value:
		return "Authenticated principal '" + principal + "' does not contain an 'eid' claim with the executor ID " + call.ExecutorID.Value +
			", which is set in the call"
	}
	return ""
}
