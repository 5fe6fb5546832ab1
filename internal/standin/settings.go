package standin

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// Settings is the environment of one service, checked and completed with defaults.
type Settings struct {
	Service   string     // QUOBYTE_SERVICE: registry, metadata, data, api, webconsole, s3 or client
	Host      netip.Addr // HOST_IP, else LIBPROCESS_IP: the address to listen on and to advertise
	Registry  []string   // QUOBYTE_REGISTRY, each as host:port, without this service's own address
	RPCPort   int        // QUOBYTE_RPC_PORT; 0: no such port
	HTTPPort  int        // QUOBYTE_HTTP_PORT, for the client QUOBYTE_CLIENT_HTTP_PORT; 0: no such port
	FrontPort int        // QUOBYTE_API_PORT, QUOBYTE_WEBCONSOLE_PORT or QUOBYTE_S3_PORT; 0: no such port

	S3Hostname string // QUOBYTE_S3_HOSTNAME
	DeviceDir  string // QUOBYTE_DEVICE_DIR: root of the device directories, one level deep; default /devices
	MountPoint string // QUOBYTE_MOUNT_POINT, the client's

	service service
}

// maxMemory is the form of QUOBYTE_MAX_MEM_x, which the image hands to the JVM as -Xmx.
var maxMemory = regexp.MustCompile(`^[1-9][0-9]*[kmgKMG]?$`)

// ParseSettings reads the environment of one service. It reports all problems at once, one line for each.
func ParseSettings(getenv func(string) string) (Settings, error) {
	p := &envParser{getenv: getenv}
	name := getenv("QUOBYTE_SERVICE")
	svc, known := serviceByName(name)
	if !known {
		p.refuse("QUOBYTE_SERVICE", name, "one of "+serviceNames())
	}
	s := Settings{
		Service:    name,
		Host:       p.hostAddress(),
		Registry:   p.registryList(),
		S3Hostname: getenv("QUOBYTE_S3_HOSTNAME"),
		DeviceDir:  getenv("QUOBYTE_DEVICE_DIR"),
		MountPoint: getenv("QUOBYTE_MOUNT_POINT"),
		service:    svc,
	}
	if s.DeviceDir == "" {
		s.DeviceDir = "/devices"
	}
	p.ports(&s)
	if known {
		p.heap("QUOBYTE_MAX_MEM_" + strings.ToUpper(name))
	}
	if name == "client" && s.MountPoint == "" {
		p.refuse("QUOBYTE_MOUNT_POINT", "", "an existing directory")
	}
	// A bootstrap registry has nobody to ask; everyone else depends on the list.
	if known && name != "registry" && getenv("QUOBYTE_REGISTRY") == "" {
		p.refuse("QUOBYTE_REGISTRY", "", "a comma separated list of host[:port]")
	}
	if err := p.problem(); err != nil {
		return Settings{}, err
	}
	s.Registry = without(s.Registry, s.rpcAddress())
	return s, nil
}

func (s Settings) rpcAddress() string   { return s.address(s.RPCPort) }
func (s Settings) httpAddress() string  { return s.address(s.HTTPPort) }
func (s Settings) frontAddress() string { return s.address(s.FrontPort) }

// address is empty for a port that the service does not have.
func (s Settings) address(port int) string {
	if port == 0 {
		return ""
	}
	return netip.AddrPortFrom(s.Host, uint16(port)).String()
}

// envParser collects the problems of an environment instead of stopping at the first.
type envParser struct {
	getenv   func(string) string
	problems []error
}

func (p *envParser) refuse(name, value, want string) {
	if value == "" {
		p.problems = append(p.problems, fmt.Errorf("%s is not set: want %s", name, want))
		return
	}
	p.problems = append(p.problems, fmt.Errorf("%s %q: want %s", name, value, want))
}

// problem is nil, the only problem, or all of them, one line for each.
func (p *envParser) problem() error {
	switch len(p.problems) {
	case 0:
		return nil
	case 1:
		return p.problems[0]
	}
	all := multierror.Append(nil, p.problems...)
	all.ErrorFormat = func(problems []error) string {
		text := fmt.Sprintf("environment: %d problems", len(problems))
		for _, problem := range problems {
			text += "\n  " + problem.Error()
		}
		return text
	}
	return all
}

func (p *envParser) hostAddress() netip.Addr {
	name := "HOST_IP"
	if p.getenv(name) == "" {
		name = "LIBPROCESS_IP"
	}
	value := p.getenv(name)
	if value == "" {
		p.refuse("HOST_IP (or LIBPROCESS_IP)", "", "the IP address to listen on")
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(value)
	a = a.Unmap()
	if err != nil || a.IsUnspecified() || a.IsMulticast() {
		p.refuse(name, value, "the IP address of one interface")
		return netip.Addr{}
	}
	return a
}

// registryList keeps the order and drops repetitions. An absent list is no problem here.
func (p *envParser) registryList() []string {
	value := p.getenv("QUOBYTE_REGISTRY")
	if value == "" {
		return nil
	}
	var list []string
	for _, entry := range strings.Split(value, ",") {
		address, err := registryAddress(strings.TrimSpace(entry))
		if err != nil {
			p.refuse("QUOBYTE_REGISTRY", value, err.Error())
			return nil
		}
		list = append(without(list, address), address)
	}
	return list
}

// registryAddress completes host[:port]. A name is left to the resolver's address lookup; Quobyte's SRV records are
// not followed.
func registryAddress(entry string) (string, error) {
	if a, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
		return netip.AddrPortFrom(a.Unmap(), defaultRegistryPort).String(), nil
	}
	host, port, found := strings.Cut(entry, ":")
	if strings.HasPrefix(entry, "[") {
		end := strings.LastIndex(entry, "]:")
		if end < 0 {
			return "", fmt.Errorf("host[:port] in place of %q", entry)
		}
		host, port, found = entry[1:end], entry[end+2:], true
	}
	if !found {
		port = strconv.Itoa(defaultRegistryPort)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" || strings.ContainsAny(host, " \t/@?#%") {
		return "", fmt.Errorf("host[:port] in place of %q, with a port from 1 to 65535", entry)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(a.Unmap(), uint16(n)).String(), nil
	}
	if strings.Contains(host, ":") {
		return "", fmt.Errorf("host[:port] in place of %q", entry)
	}
	return net.JoinHostPort(strings.ToLower(host), strconv.FormatUint(n, 10)), nil
}

// ports fills in the ports that the service has and refuses two alike, which the kernel would only tell one at a time.
func (p *envParser) ports(s *Settings) {
	if s.service.name == "" {
		return
	}
	httpEnv := "QUOBYTE_HTTP_PORT"
	if s.service.name == "client" {
		httpEnv = "QUOBYTE_CLIENT_HTTP_PORT"
	} else {
		s.RPCPort = p.port("QUOBYTE_RPC_PORT", s.service.rpcPort)
	}
	s.HTTPPort = p.port(httpEnv, s.service.httpPort)
	if s.service.frontEnv != "" {
		s.FrontPort = p.port(s.service.frontEnv, s.service.frontPort)
	}
	seen := map[int]string{}
	for _, named := range []struct {
		env  string
		port int
	}{{"QUOBYTE_RPC_PORT", s.RPCPort}, {httpEnv, s.HTTPPort}, {s.service.frontEnv, s.FrontPort}} {
		if named.port == 0 {
			continue
		}
		if other, taken := seen[named.port]; taken {
			p.refuse(named.env, strconv.Itoa(named.port), "a port other than that of "+other)
		}
		seen[named.port] = named.env
	}
}

func (p *envParser) port(name string, absent int) int {
	value := p.getenv(name)
	if value == "" {
		return absent
	}
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || n == 0 {
		p.refuse(name, value, "a port from 1 to 65535")
		return 0
	}
	return int(n)
}

func (p *envParser) heap(name string) {
	if value := p.getenv(name); value != "" && !maxMemory.MatchString(value) {
		p.refuse(name, value, "a positive heap size such as 512m")
	}
}

// without returns list less one element, in a slice of its own.
func without(list []string, element string) []string {
	kept := make([]string, 0, len(list)+1)
	for _, e := range list {
		if e != element {
			kept = append(kept, e)
		}
	}
	return kept
}
