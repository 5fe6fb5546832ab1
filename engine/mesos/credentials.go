package mesos

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
)

// Credentials make the Authorization header of requests to masters. They may be asked from any goroutine.
type Credentials interface {
	// Authorization returns the header's value. A master has just answered 401 to rejected, unless that is empty; who knows of
	// no other value returns it again.
	Authorization(ctx context.Context, rejected string) (string, error)
}

// Basic are the credentials of a principal with a secret, by HTTP basic authentication.
type Basic struct{ Principal, Secret string }

// Validate says whether the principal and secret can be sent.
func (b Basic) Validate() error {
	switch {
	case b.Principal == "":
		return errors.New("principal is empty: a secret is the secret of a principal")
	case strings.Contains(b.Principal, ":"):
		return errors.New("principal contains a colon: basic authentication does not allow it")
	case b.Secret == "":
		return errors.New("secret is empty")
	}
	return nil
}

// Authorization is always the same.
func (b Basic) Authorization(context.Context, string) (string, error) {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(b.Principal+":"+b.Secret)), nil
}

// String hides the secret from whatever prints it.
func (b Basic) String() string { return "principal " + b.Principal + " with a secret" }

// GoString hides it as well.
func (b Basic) GoString() string { return b.String() }
