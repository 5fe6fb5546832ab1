package quobyte

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// The least and the longest ProbeInterval.
const (
	minProbeInterval = 100 * time.Millisecond
	maxProbeInterval = 10 * time.Minute
)

// maxSettle is the longest Settle.
const maxSettle = time.Hour

// hostPlaceholder stands for a host's key in directories.
const hostPlaceholder = "{host}"

// Validate tells everything that is wrong with the settings, each problem with the flag, the value and what is allowed. The
// error is a *multierror.Error; its text is a line for each problem.
func (s Settings) Validate() error {
	problems := &multierror.Error{}
	for _, check := range []func(Settings) []error{
		checkChoices, checkConstraints, checkPreReservedRoles, checkImages, checkCommands, checkTexts, checkURL, checkDirectories,
		checkPorts, checkResources, checkExpect, checkHosts, checkUpdates,
	} {
		problems = multierror.Append(problems, check(s)...)
	}
	problems.ErrorFormat = aLineEach
	return problems.ErrorOrNil()
}

func aLineEach(problems []error) string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Warnings tells what is allowed but probably not meant.
func (s Settings) Warnings() []string {
	var warnings []string
	if n := s.Expect[Registry]; n > 0 && n%2 == 0 {
		warnings = append(warnings, fmt.Sprintf("--expect: registry=%d tolerates no more failures than registry=%d; use an odd number", n, n-1))
	}
	if s.ServiceDebugPort > 0 {
		warnings = append(warnings, fmt.Sprintf("--service-debug-port: %d is used by every daemon, so that only one per host can have it", s.ServiceDebugPort))
	}
	if d := s.settle(Registry); d <= leaseSilence {
		warnings = append(warnings, fmt.Sprintf("--settle: registry=%v: a registry is stopped while leases may still be silent because of the one before; "+
			"use more than %v", d, leaseSilence))
	}
	return warnings
}

func problem(flag, format string, args ...any) error {
	return fmt.Errorf("--%s: "+format, append([]any{flag}, args...)...)
}

func checkChoices(s Settings) []error {
	var problems []error
	for _, c := range []struct{ flag, value, a, b string }{
		{"containerizer", s.Containerizer, Docker, Command},
		{"prober-from", s.ProberFrom, ProberFromArtifact, ProberFromImage},
		{"ports-from", s.PortsFrom, PortsFromOffers, PortsFromHost},
		{"reserve", s.Reserve, ReserveNothing, ReserveDevices},
	} {
		if c.value != c.a && c.value != c.b {
			problems = append(problems, problem(c.flag, "%q is unknown; use %s or %s", c.value, c.a, c.b))
		}
	}
	if s.ProbeInterval < minProbeInterval || s.ProbeInterval > maxProbeInterval {
		problems = append(problems, problem("probe-interval", "%v is out of range; use %v to %v", s.ProbeInterval, minProbeInterval, maxProbeInterval))
	}
	return problems
}

func checkConstraints(s Settings) []error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(s.Constraints)) {
		t, ok := lookUp(name)
		if !ok || !t.isFree() {
			problems = append(problems, problem(name+"-constraint", "%q: pods of %q have no choice of hosts; only those of api, webconsole and s3 have", s.Constraints[name], name))
			continue
		}
		if _, err := offers.ParseConstraint(s.Constraints[name]); err != nil {
			problems = append(problems, problem(name+"-constraint", "%w", err))
		}
	}
	return problems
}

func checkPreReservedRoles(s Settings) []error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(s.PreReservedRoles)) {
		t, ok := lookUp(name)
		role := s.PreReservedRoles[name]
		fault := offers.RoleFault(role)
		switch {
		case !ok || !t.isFree():
			problems = append(problems, problem(name+"-pre-reserved-role", "%q: only pods of api, webconsole and s3 can be put on what is set aside for another role", role))
		case role == "*":
			problems = append(problems, problem(name+"-pre-reserved-role", "%q: nothing is set aside for it; use a role, or leave it out", role))
		case role != "" && fault != "":
			problems = append(problems, problem(name+"-pre-reserved-role", "%q %s", role, fault))
		}
	}
	return problems
}

func checkImages(s Settings) []error {
	var problems []error
	for _, image := range []struct {
		flag, value string
		needed      bool
		why         string
	}{
		{"docker-image", s.DockerImage, s.Containerizer == Docker, "with --containerizer=docker"},
		{"client-image", s.ClientImage, s.Containerizer == Docker && s.ClientMountPoint != "", "with --containerizer=docker and --client-mount-point"},
		{"framework-image", s.FrameworkImage, s.ProberFrom == ProberFromImage, "with --prober-from=image"},
	} {
		switch {
		case image.value == "" && image.needed:
			problems = append(problems, problem(image.flag, "is empty; an image is needed %s", image.why))
		case !isPlain(image.value):
			problems = append(problems, problem(image.flag, "%q has spaces or control characters; use an image name", image.value))
		}
	}
	if hasTag(s.DockerImage) {
		problems = append(problems, problem("docker-image", "%q has a tag; give the image without one, its tag is --release %q", s.DockerImage, s.Release))
	}
	switch {
	case s.Release == "" && s.Containerizer == Docker:
		problems = append(problems, problem("release", "is empty; a release is needed with --containerizer=docker, it is the image's tag"))
	case s.Release != "" && !isTag(s.Release):
		problems = append(problems, problem("release", "%q is no image tag; use up to 128 letters, digits, '_', '.' and '-', the first of them no '.' or '-'", s.Release))
	}
	return problems
}

func checkCommands(s Settings) []error {
	var problems []error
	if s.Containerizer == Command && strings.TrimSpace(s.ServerCommand) == "" {
		problems = append(problems, problem("server-command", "is empty; a command line is needed with --containerizer=command"))
	}
	for _, c := range []struct{ flag, value string }{{"server-command", s.ServerCommand}, {"client-command", s.ClientCommand}} {
		if strings.ContainsFunc(c.value, unicode.IsControl) {
			problems = append(problems, problem(c.flag, "%q has control characters; use a single line", c.value))
		}
	}
	return problems
}

func checkTexts(s Settings) []error {
	var problems []error
	if s.Name == "" {
		problems = append(problems, problem("framework-name", "is empty; a name is needed"))
	}
	for _, t := range []struct{ flag, value string }{
		{"framework-name", s.Name},
		{"framework-user", s.User},
		{"s3-hostname", s.S3Hostname},
		{"registry-dns-name", s.RegistryDNSName},
	} {
		if !isPlain(t.value) {
			problems = append(problems, problem(t.flag, "%q has spaces or control characters; use a name without", t.value))
		}
	}
	// The server image's script echoes it unquoted: line breaks would become spaces within one value.
	if strings.ContainsFunc(s.ExtraServiceConfig, unicode.IsControl) {
		problems = append(problems, problem("extra-service-config", "%q has control characters; use a single line, key=value", s.ExtraServiceConfig))
	}
	return problems
}

func checkURL(s Settings) []error {
	const allowed = "use http://HOST:PORT or https://HOST:PORT, as the hosts reach the framework"
	switch rest, ok := cutScheme(s.FrameworkURL); {
	case s.FrameworkURL == "" && s.ProberFrom != ProberFromArtifact:
		return nil
	case s.FrameworkURL == "":
		return []error{problem("framework-url", "is empty, and hosts fetch the prober from there; %s", allowed)}
	case !ok || rest == "" || strings.HasPrefix(rest, "/") || !isPlain(rest):
		return []error{problem("framework-url", "%q is no URL; %s", s.FrameworkURL, allowed)}
	}
	return nil
}

func cutScheme(url string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(url, "http://"); ok {
		return rest, true
	}
	return strings.CutPrefix(url, "https://")
}

func checkDirectories(s Settings) []error {
	var problems []error
	for _, d := range []struct {
		flag, value string
		needed      bool
	}{
		{"host-device-directory", s.HostDeviceDirectory, true},
		{"client-mount-point", s.ClientMountPoint, false},
	} {
		switch {
		case d.value == "" && !d.needed:
		case !path.IsAbs(d.value):
			problems = append(problems, problem(d.flag, "%q is not absolute; use a directory that begins with '/'", d.value))
		case path.Clean(d.value) == "/":
			problems = append(problems, problem(d.flag, "%q is the root directory; use one below it", d.value))
		case slices.Contains(strings.Split(d.value, "/"), ".."):
			problems = append(problems, problem(d.flag, `%q goes up by ".."; use a plain path`, d.value))
		case strings.ContainsFunc(d.value, unicode.IsControl):
			problems = append(problems, problem(d.flag, "%q has control characters; use a plain path", d.value))
		case s.inContainers() && strings.Contains(d.value, ":"):
			problems = append(problems, problem(d.flag, "%q has a colon, which docker takes for a separator; use a path without", d.value))
		}
	}
	return problems
}

// inContainers says whether any pod runs in a docker container.
func (s Settings) inContainers() bool {
	return s.Containerizer == Docker || s.ProberFrom == ProberFromImage
}

func checkPorts(s Settings) []error {
	last := s.PortRangeBase + portBlock - 1
	var problems []error
	baseOK := s.PortRangeBase >= 1 && last <= 65535
	if !baseOK {
		problems = append(problems, problem("port-range-base", "%d is out of range; use 1 to %d, %d ports are taken from there on", s.PortRangeBase, 65536-portBlock, portBlock))
	}
	type port struct {
		flag   string
		number int
		used   bool
	}
	ports := []port{
		{"api-port", s.APIPort, true},
		{"webconsole-port", s.WebconsolePort, true},
		{"s3-port", s.S3Port, s.S3Hostname != ""},
		{"client-port", s.ClientPort, s.ClientMountPoint != ""},
		{"service-debug-port", s.ServiceDebugPort, s.ServiceDebugPort > 0},
	}
	for i, p := range ports {
		if p.flag == "service-debug-port" && (p.number == 0 || p.number == -1) {
			continue
		}
		if p.number < 1 || p.number > 65535 {
			problems = append(problems, problem(p.flag, "%d is no port; use 1 to 65535", p.number))
			continue
		}
		if !p.used {
			continue
		}
		if baseOK && p.number >= s.PortRangeBase && p.number <= last {
			problems = append(problems, problem(p.flag, "%d is among the ports %d-%d that --port-range-base takes; use another", p.number, s.PortRangeBase, last))
		}
		for _, q := range ports[:i] {
			if q.used && q.number == p.number {
				problems = append(problems, problem(p.flag, "%d is --%s as well; use another", p.number, q.flag))
			}
		}
	}
	return problems
}

func checkResources(s Settings) []error {
	problems := checkTypes(s.Resources, "resources", func(podType) bool { return true })
	problems = append(problems, checkTypes(s.ExtraRAM, "extra-ram-mb", podType.isServer)...)
	for _, t := range podTypes {
		problems = append(problems, checkAmounts(t.name+"-resources", s.resources(t))...)
		if t.isServer() && s.resources(t).Mem > 0 {
			problems = append(problems, checkHeap(s, t)...)
		}
	}
	if r := s.Resources[Prober]; r.CPUs > 0 && r.Mem > 0 && (r.CPUs < leastProber.CPUs || r.Mem < leastProber.Mem) {
		problems = append(problems, problem("prober-resources", "cpus %s and mem %s are too little; use at least cpus %s and mem %s",
			decimal(r.CPUs), decimal(r.Mem), decimal(leastProber.CPUs), decimal(leastProber.Mem)))
	}
	return problems
}

// checkTypes tells the keys that are no pod type, or not one that the setting is about.
func checkTypes[V any](setting map[string]V, suffix string, fits func(podType) bool) []error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(setting)) {
		if t, ok := lookUp(name); !ok || !fits(t) {
			problems = append(problems, problem(name+"-"+suffix, "pod type %q is unknown here; use %s", name, typeNames(fits)))
		}
	}
	return problems
}

func typeNames(fits func(podType) bool) string {
	var names []string
	for _, t := range podTypes {
		if fits(t) {
			names = append(names, t.name)
		}
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

func checkAmounts(flag string, r offers.Quantities) []error {
	var problems []error
	for _, a := range []struct {
		name   string
		amount offers.Milli
		least  offers.Milli
	}{{"cpus", r.CPUs, 1}, {"mem", r.Mem, 1}, {"disk", r.Disk, 0}} {
		switch {
		case a.amount < 0:
			problems = append(problems, problem(flag, "%s %s is negative; use a positive number", a.name, decimal(a.amount)))
		case a.amount < a.least:
			problems = append(problems, problem(flag, "%s is 0; use a positive number", a.name))
		}
	}
	if len(r.Ports) > 0 {
		problems = append(problems, problem(flag, "ports are not given here; use --port-range-base and the --…-port flags"))
	}
	return problems
}

func checkHeap(s Settings, t podType) []error {
	extra := s.extraRAM(t)
	if extra < 0 {
		return []error{problem(t.name+"-extra-ram-mb", "%d is negative; use 0 or more", extra)}
	}
	if s.heap(t) <= 0 {
		return []error{problem(t.name+"-resources", "mem %s leaves no heap beside --%s-extra-ram-mb %d; use more than %d", decimal(s.resources(t).Mem), t.name, extra, extra)}
	}
	return nil
}

func checkExpect(s Settings) []error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(s.Expect)) {
		n := s.Expect[name]
		t, ok := lookUp(name)
		switch {
		case !ok || !expectable(t):
			problems = append(problems, problem("expect", "%s=%d: pod type %q can't be expected; use %s", name, n, name, typeNames(expectable)))
		case n < 0:
			problems = append(problems, problem("expect", "%s=%d is negative; use 0 or more", name, n))
		case n > 0 && !s.active(t):
			problems = append(problems, problem("expect", "%s=%d can't be met without --client-mount-point", name, n))
		case len(s.RestrictHosts) > 0 && n > len(s.RestrictHosts):
			problems = append(problems, problem("expect", "%s=%d can't be met, --restrict-hosts names %d; use at most that many", name, n, len(s.RestrictHosts)))
		}
	}
	return problems
}

// checkUpdates checks what is about the restart of running pods.
func checkUpdates(s Settings) []error {
	all := func(podType) bool { return true }
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(s.MaxUnavailable)) {
		text := s.MaxUnavailable[name]
		_, known := lookUp(name)
		_, err := plans.ParseAmount(text)
		switch {
		case !known:
			problems = append(problems, problem("max-unavailable", "%s=%s: pod type %q is unknown; use %s", name, text, name, typeNames(all)))
		case name == Registry && text != "1":
			problems = append(problems, problem("max-unavailable", "%s=%s: registries are stopped one at a time; use 1, or leave it out", name, text))
		case err != nil:
			problems = append(problems, problem("max-unavailable", "%s=%s: %w", name, text, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Settle)) {
		text := s.Settle[name]
		_, known := lookUp(name)
		d, err := time.ParseDuration(text)
		switch {
		case !known:
			problems = append(problems, problem("settle", "%s=%s: pod type %q is unknown; use %s", name, text, name, typeNames(all)))
		case err != nil || d < 0 || d > maxSettle:
			problems = append(problems, problem("settle", "%s=%s is no time from 0s to %v; use one such as 30s", name, text, maxSettle))
		}
	}
	if s.StepAttempts < 0 {
		problems = append(problems, problem("step-attempts", "%d is negative; use 1 or more, or 0 for no limit", s.StepAttempts))
	}
	if s.StepDeadline < 0 {
		problems = append(problems, problem("step-deadline", "%v is negative; use a time such as 1h, or 0 for no limit", s.StepDeadline))
	}
	return problems
}

// expectable says whether the type's pods depend on what hosts carry.
func expectable(t podType) bool { return t.device != "" || t.name == Client }

func checkHosts(s Settings) []error {
	var problems []error
	for i, h := range s.RestrictHosts {
		switch {
		case h == "" || !isPlain(h):
			problems = append(problems, problem("restrict-hosts", "%q is no host; use host keys or hostnames", h))
		case slices.Contains(s.RestrictHosts[:i], h):
			problems = append(problems, problem("restrict-hosts", "%q is named twice; name each host once", h))
		}
	}
	return problems
}

// isPlain says whether a text is free of spaces and of all that does not print.
func isPlain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}

// hasTag says whether an image name ends in a tag or digest. A colon before the last slash belongs to a port.
func hasTag(image string) bool {
	return strings.ContainsAny(image[strings.LastIndex(image, "/")+1:], ":@")
}

// isTag says whether docker would take the text for a tag.
func isTag(text string) bool {
	if len(text) > 128 {
		return false
	}
	for i, r := range text {
		alnum := r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !alnum && (i == 0 || r != '.' && r != '-') {
			return false
		}
	}
	return true
}

// decimal writes an amount the way that operators give it.
func decimal(m offers.Milli) string { return strconv.FormatFloat(float64(m)/1000, 'f', -1, 64) }
