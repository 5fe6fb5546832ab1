package mesos

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/mesos/internal/transport"
)

// DefaultLoginEndpoint is where service accounts log in from inside a DC/OS cluster.
const DefaultLoginEndpoint = "https://leader.mesos/acs/api/v1/auth/login"

const (
	loginTimeout = 15 * time.Second
	loginExpiry  = 2 * time.Minute  // of the token that proves who logs in
	earlyRefresh = 30 * time.Minute // before a token expires, or after nine tenths of its life if that is later
	failurePause = time.Second      // in which a failed login is not tried again
	maxLogin     = 64 << 10         // bytes of an answer
)

// ServiceAccount are the credentials of a DC/OS service account: it logs in with its private key, and shows masters the token that it
// gets. Make it with ParseServiceAccount.
type ServiceAccount struct {
	UID      string // also the principal to Mesos
	endpoint string
	key      *rsa.PrivateKey
	client   *http.Client
	turn     chan struct{} // who holds the only element may touch what follows, and log in

	token    string
	expires  time.Time // zero: not known
	issued   time.Time
	failed   error
	failedAt time.Time
}

// ParseServiceAccount reads the secret of a service account, a JSON object. How to speak with the login endpoint is told by tls, and dial
// may be nil. Errors never show what is secret.
func ParseServiceAccount(secret []byte, tls *tls.Config, dial transport.Dial) (*ServiceAccount, error) {
	var in struct {
		UID           string `json:"uid"`
		PrivateKey    string `json:"private_key"`
		LoginEndpoint string `json:"login_endpoint"`
		Scheme        string `json:"scheme"`
	}
	if err := json.Unmarshal(secret, &in); err != nil {
		return nil, errors.New("service account: not a JSON object with uid, private_key, login_endpoint and scheme") // err may quote it
	}
	if in.UID == "" {
		return nil, errors.New("service account: uid is empty")
	}
	if in.Scheme != "" && in.Scheme != "RS256" {
		return nil, fmt.Errorf("service account %q: scheme %q is not supported: only RS256 is", in.UID, in.Scheme)
	}
	endpoint := cmp.Or(in.LoginEndpoint, DefaultLoginEndpoint)
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("service account %q: login_endpoint %q is not an http or https URL, such as %s", in.UID, endpoint, DefaultLoginEndpoint)
	}
	key, err := parseKey(in.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("service account %q: private_key: %w", in.UID, err)
	}
	trip := transport.New(dial)
	trip.TLSClientConfig = tls
	trip.DisableKeepAlives = true // one login in days
	return &ServiceAccount{
		UID: in.UID, endpoint: endpoint, key: key, turn: make(chan struct{}, 1),
		client: &http.Client{Transport: trip, CheckRedirect: keepRedirect, Timeout: loginTimeout},
	}, nil
}

func parseKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("not PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("neither PKCS #8 nor PKCS #1 (%s)", block.Type)
	}
	key, ok := any.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key, which RS256 needs")
	}
	return key, nil
}

// String hides the key from whatever prints it.
func (a *ServiceAccount) String() string { return "service account " + a.UID }

// GoString hides it as well.
func (a *ServiceAccount) GoString() string { return a.String() }

// Authorization returns the token of the last login, or logs in if there is none, it is about to expire, or it is the one that was
// rejected. Who comes during a login waits for it.
func (a *ServiceAccount) Authorization(ctx context.Context, rejected string) (string, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("service account %q: login: %w", a.UID, ctx.Err())
	}
	now := time.Now()
	header := "token=" + a.token
	usable := a.token != "" && header != rejected && (a.expires.IsZero() || now.Before(a.expires))
	if usable && !a.stale(now) {
		return header, nil
	}
	if a.failed != nil && now.Sub(a.failedAt) < failurePause {
		if usable {
			return header, nil
		}
		return "", a.failed
	}
	token, err := a.login(ctx)
	if err == nil {
		a.token, a.issued, a.expires, a.failed = token, now, expiry(token), nil
		return "token=" + token, nil
	}
	a.failed, a.failedAt = fmt.Errorf("service account %q: login at %s: %w", a.UID, a.endpoint, err), now
	if usable {
		return header, nil
	}
	return "", a.failed
}

// stale says that the token should be replaced, though it may still be good.
func (a *ServiceAccount) stale(now time.Time) bool {
	if a.expires.IsZero() {
		return false
	}
	early := min(earlyRefresh, a.expires.Sub(a.issued)/10)
	return !now.Before(a.expires.Add(-early))
}

func (a *ServiceAccount) login(ctx context.Context) (string, error) {
	proof, err := a.proof(time.Now())
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]string{"uid": a.UID, "token": proof})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.endpoint, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		return "", errors.New(transport.Explain(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text := strings.ReplaceAll(transport.Text(resp.Body), proof, "…") // should it echo what it was sent
		return "", fmt.Errorf("%d %s", resp.StatusCode, text)
	}
	var out struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxLogin)).Decode(&out); err != nil || out.Token == "" {
		return "", errors.New("the answer holds no token")
	}
	if strings.ContainsFunc(out.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("the token can't stand in a header")
	}
	return out.Token, nil
}

// proof is a JSON Web Token with which the account shows that it has the key (RFC 7519, RS256 of RFC 7518).
func (a *ServiceAccount) proof(now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{"uid": a.UID, "exp": now.Add(loginExpiry).Unix()})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("signature: %w", err)
	}
	return text + "." + encode(signature), nil
}

// expiry is when a token says that it expires; zero if it does not say so. Whether it is genuine is for masters to judge.
func expiry(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	var in struct {
		Exp float64 `json:"exp"`
	}
	if err := json.Unmarshal(claims, &in); err != nil || in.Exp <= 0 || in.Exp > 1e11 {
		return time.Time{}
	}
	return time.Unix(int64(in.Exp), 0)
}
