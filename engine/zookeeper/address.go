package zookeeper

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// defaultPort is where ZooKeeper listens unless it is told otherwise.
const defaultPort = "2181"

// Address is a node in ZooKeeper, the servers that know it, and as whom to ask them.
type Address struct {
	Servers  []string // host:port
	Path     string   // begins with a slash and does not end with one; empty: the root
	User     string   // empty: nobody
	Password string
}

// ParseAddress reads zk://[user:password@]host[:port][,host[:port]]…[/path]; zk:// may be left out. It tells all problems at once, and
// never the password.
func ParseAddress(text string) (Address, error) {
	rest, _ := strings.CutPrefix(text, "zk://")
	if scheme, _, found := strings.Cut(rest, "://"); found && !strings.ContainsAny(scheme, "/@,") {
		return Address{}, fmt.Errorf("scheme %q: must be zk://", scheme)
	}
	var a Address
	var problems *multierror.Error
	// A password may contain anything but a slash: Mesos reads up to the last @ before the path, and so do we.
	hosts, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		var found bool
		a.User, a.Password, found = strings.Cut(hosts[:at], ":")
		if !found || a.User == "" || a.Password == "" {
			problems = multierror.Append(problems, errors.New("credentials: must be user:password before the @"))
		}
		hosts = hosts[at+1:]
	}
	for _, host := range strings.Split(hosts, ",") {
		server, err := parseServer(host)
		if err != nil {
			problems = multierror.Append(problems, err)
			continue
		}
		a.Servers = append(a.Servers, server)
	}
	if path = strings.TrimSuffix(path, "/"); path != "" {
		a.Path = "/" + path
		problems = multierror.Append(problems, checkPath(a.Path))
	}
	if err := problems.ErrorOrNil(); err != nil {
		return Address{}, err
	}
	return a, nil
}

func parseServer(text string) (string, error) {
	if text == "" {
		return "", errors.New("servers: one is empty; give host:port,host:port,…")
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), defaultPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("server %q: %q is not a port number, 1 to 65535", text, port)
	}
	bare := !strings.Contains(host, ":") || net.ParseIP(host) != nil
	if host == "" || !bare || strings.ContainsAny(host, " @?#[]") {
		return "", fmt.Errorf("server %q: must be host or host:port", text)
	}
	return net.JoinHostPort(host, port), nil
}

// checkPath allows what is in use for paths: anything that prints, in ASCII.
func checkPath(path string) error {
	for _, name := range strings.Split(path[1:], "/") {
		if name == "" || name == "." || name == ".." {
			return fmt.Errorf("path %q: has an empty name, or . or .., in it", path)
		}
	}
	for _, c := range []byte(path) {
		if c <= ' ' || c >= 0x7f {
			return fmt.Errorf("path %q: has a blank, or a byte that is not ASCII, in it", path)
		}
	}
	if path == "/zookeeper" || strings.HasPrefix(path, "/zookeeper/") {
		return fmt.Errorf("path %q: is ZooKeeper's own", path)
	}
	return nil
}

// String is the address without the password.
func (a Address) String() string {
	user := ""
	if a.User != "" {
		user = a.User + ":***@"
	}
	return "zk://" + user + strings.Join(a.Servers, ",") + a.Path
}

// At is the address of a node below.
func (a Address) At(name string) Address {
	a.Path += "/" + name
	return a
}
