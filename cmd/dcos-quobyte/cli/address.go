package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/quobyte/mesos-framework/engine/api/client"
)

const (
	// defaultURL is where "quobyte-mesos demo" serves its API.
	defaultURL = "http://127.0.0.1:7888"
	// defaultName is the service's name in the DC/OS package.
	defaultName = "quobyte"
)

// address finds the scheduler: --url, else QUOBYTE_MESOS_URL, else the service behind DCOS_URL, else the demo.
func (c *command) address() (client.Config, error) {
	dcos := strings.TrimRight(c.env.Getenv("DCOS_URL"), "#/")
	direct := c.flags.url
	if direct == "" {
		direct = c.env.Getenv("QUOBYTE_MESOS_URL")
	}
	if c.named && (direct != "" || dcos == "") {
		const why = "--name: names a service of DC/OS, so it needs DCOS_URL, and neither --url nor QUOBYTE_MESOS_URL"
		return client.Config{}, errors.New(why)
	}
	switch {
	case direct != "":
		return c.withToken(direct, dcos)
	case dcos != "":
		service, err := c.serviceURL(dcos)
		if err != nil {
			return client.Config{}, err
		}
		return c.withToken(service, dcos)
	}
	return client.Config{URL: defaultURL}, nil
}

// serviceURL is where DC/OS's Admin Router serves the API. A path in DCOS_URL is dropped, as the SDK's CLI does.
func (c *command) serviceURL(dcos string) (string, error) {
	u, err := url.Parse(dcos)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("DCOS_URL %q: want https://HOST", dcos)
	}
	name := c.flags.name
	if name == "" {
		name = c.env.Getenv("DCOS_QUOBYTE_SERVICE_NAME")
	}
	if name = strings.Trim(name, "/"); name == "" {
		name = defaultName
	}
	root := &url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}
	parts := append([]string{"service"}, strings.Split(name, "/")...) // a service in a folder is folder/name
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return root.JoinPath(parts...).String(), nil
}

// withToken adds the DC/OS token and TLS settings for an address in the same cluster. Other servers don't get the token.
func (c *command) withToken(address, dcos string) (client.Config, error) {
	cfg := client.Config{URL: address}
	if dcos == "" || !sameOrigin(address, dcos) {
		return cfg, nil
	}
	cfg.Token = strings.TrimSpace(c.env.Getenv("DCOS_ACS_TOKEN"))
	settings, err := c.tlsSettings()
	if settings != nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = settings
		cfg.HTTP = &http.Client{Transport: transport}
	}
	return cfg, err
}

func sameOrigin(a, b string) bool {
	x, err := url.Parse(a)
	if err != nil {
		return false
	}
	y, err := url.Parse(b)
	return err == nil && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}

// tlsSettings are those that the DC/OS CLI hands to its plugins; nil: the system's.
func (c *command) tlsSettings() (*tls.Config, error) {
	if c.env.Getenv("DCOS_TLS_INSECURE") == "1" {
		return &tls.Config{InsecureSkipVerify: true}, nil // the user has told the DC/OS CLI so
	}
	path := c.env.Getenv("DCOS_TLS_CA_PATH")
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("DCOS_TLS_CA_PATH: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("DCOS_TLS_CA_PATH %q: has no certificate in PEM form", path)
	}
	return &tls.Config{RootCAs: pool}, nil
}
