package quobyte

import (
	"time"

	"github.com/quobyte/mesos-framework/offers"
)

// The values of Settings.Containerizer.
const (
	Docker  = "docker"
	Command = "command"
)

// The values of Settings.ProberFrom.
const (
	ProberFromArtifact = "artifact"
	ProberFromImage    = "image"
)

// The values of Settings.PortsFrom.
const (
	PortsFromOffers = "offers"
	PortsFromHost   = "host"
)

// The values of Settings.Reserve.
const (
	ReserveNothing = "none"
	ReserveDevices = "devices"
)

// Settings are what an operator can choose. The names in brackets are the flags, which are the predecessor's where it had
// one; Validate calls the settings by them. The zero value is not usable: begin with DefaultSettings.
type Settings struct {
	// Name is the name of the deployed system [--framework-name].
	Name string
	// Release is the Quobyte release to run: the tag of the docker image [--release]. It may be empty with Command.
	Release string

	// Containerizer is Docker, or Command: pods are plain commands on the host [--containerizer].
	Containerizer string
	// DockerImage is the server image without a tag; the tag is Release [--docker-image].
	DockerImage string
	// ClientImage is the client image; it gets Release as its tag if it has none [--client-image].
	ClientImage string
	// ServerCommand is the command line of the server daemons with Command; the environment tells it which one to be
	// [--server-command]. A shell runs it.
	ServerCommand string
	// ClientCommand is the command line of the client [--client-command]. Empty: ServerCommand with Command, mount.quobyte
	// with Docker.
	ClientCommand string
	// User runs the pods [--framework-user]. Empty: the framework's own user.
	User string

	// ProberFrom is ProberFromArtifact (hosts fetch the framework's own binary from the framework, and run it without a
	// container) or ProberFromImage (FrameworkImage, which must contain it) [--prober-from].
	ProberFrom string
	// FrameworkURL is where hosts reach the framework [--framework-url]. No part of any fingerprint.
	FrameworkURL string
	// FrameworkImage is the image of the prober, with its tag [--framework-image].
	FrameworkImage string
	// ProbeInterval is the time between two scans and health polls of a host [--probe-interval].
	ProbeInterval time.Duration

	// PortRangeBase is the first of twelve ports: RPC and HTTP of registry, metadata, data, api, webconsole, s3
	// [--port-range-base].
	PortRangeBase int
	// PortsFrom is PortsFromOffers (ports are taken from Mesos's offers) or PortsFromHost (they are used without asking:
	// stock agents offer 31000-32000 only) [--ports-from].
	PortsFrom string
	// The ports that users connect to [--api-port, --webconsole-port, --s3-port].
	APIPort, WebconsolePort, S3Port int
	// ClientPort is the client's status port; it is never asked of Mesos [--client-port].
	ClientPort int

	// S3Hostname is the S3 proxy's domain; without it there is no S3 proxy [--s3-hostname].
	S3Hostname string
	// RegistryDNSName stands in for the list of registry addresses in QUOBYTE_REGISTRY if it is set [--registry-dns-name].
	RegistryDNSName string

	// Resources by pod type; a type that is missing has its default [--<type>-resources]. A pod's ports are not among them.
	Resources map[string]offers.Quantities
	// ExtraRAM by server pod type is how many MB of a pod's mem are not heap; a type that is missing has its default
	// [--<type>-extra-ram-mb].
	ExtraRAM map[string]int

	// Reserve is ReserveDevices (what the pods of a device get, registry, metadata and data, is reserved for them, so that
	// nobody else can take it while they restart) or ReserveNothing [--reserve].
	Reserve string
	// Constraints say on which hosts the pods without a device may run: api, webconsole and s3, in Marathon's grammar (see
	// offers.ParseConstraint); a type that is missing may run anywhere [--<type>-constraint].
	Constraints map[string]string
	// Role is the framework's own Mesos role, whose offers pods are put on [--framework-role]; empty: any.
	Role string
	// PreReservedRoles are the Mesos roles, such as slave_public, for which the operator has set resources aside that pods of these
	// types get all of theirs from: api, webconsole and s3. A type that is missing gets what every pod gets [--<type>-pre-reserved-role].
	PreReservedRoles map[string]string

	// HostDeviceDirectory is where a host's devices are mounted [--host-device-directory]. "{host}" stands for the host's
	// key, so that several agents on one machine can have a directory each.
	HostDeviceDirectory string
	// ClientMountPoint is the directory where clients mount Quobyte; only hosts where it exists get one, and if it is empty
	// there are no clients [--client-mount-point]. "{host}" as above.
	ClientMountPoint string

	// ExtraServiceConfig is one line for every daemon's configuration [--extra-service-config].
	ExtraServiceConfig string
	// ServiceDebugPort is the port of every daemon's debugger; 0 or -1 for none [--service-debug-port].
	ServiceDebugPort int
	// EnableAssertions in the daemons [--enable-assertions].
	EnableAssertions bool
	// AutodetectServiceIP leaves it to the image to find its address; otherwise daemons are given the agent's as HOST_IP
	// [--autodetect-service-ip]. With Command they always are.
	AutodetectServiceIP bool

	// MaxUnavailable by pod type is how many pods, or which part of them (25%), may be down for another one to be stopped; a type that is missing has
	// its default, and registries are always stopped one at a time [--max-unavailable]. Settle is for how long (30s) a pod must be ready, by its prober's word,
	// before another one is stopped [--settle]. None of this is part of a fingerprint.
	MaxUnavailable map[string]string
	Settle         map[string]string
	// StepAttempts is how often a step may fail before its run pauses itself, and StepDeadline how long it may take; 0: without end
	// [--step-attempts, --step-deadline]. Time counts also while the framework is away, so that there is no deadline by default.
	StepAttempts int
	StepDeadline time.Duration

	// RestrictHosts are the only hosts that may be used, by key or hostname, matched exactly; empty: all
	// [--restrict-hosts].
	RestrictHosts []string
	// Expect is how many hosts with a registry, metadata or data device (or with a client mount point) there are at least;
	// a rollout does not begin before they are found [--expect]. A type that is missing has no minimum.
	Expect map[string]int
}

// DefaultSettings are the settings that hold until an operator gives others. They lack an image and a release, or a server
// command, and the framework's URL.
func DefaultSettings() Settings {
	s := Settings{
		Name:                "quobyte",
		Containerizer:       Docker,
		ProberFrom:          ProberFromArtifact,
		FrameworkImage:      "quobyte/quobyte-mesos:latest",
		ProbeInterval:       5 * time.Second,
		PortRangeBase:       21000,
		PortsFrom:           PortsFromOffers,
		APIPort:             8889,
		WebconsolePort:      8888,
		S3Port:              80,
		ClientPort:          55000,
		Resources:           map[string]offers.Quantities{},
		ExtraRAM:            map[string]int{},
		Reserve:             ReserveNothing,
		Constraints:         map[string]string{},
		PreReservedRoles:    map[string]string{},
		HostDeviceDirectory: "/mnt",
		ServiceDebugPort:    -1,
		AutodetectServiceIP: true,
		MaxUnavailable:      map[string]string{},
		Settle:              map[string]string{},
		StepAttempts:        10,
		Expect:              map[string]int{Registry: 3, Metadata: 1, Data: 1},
	}
	for _, t := range podTypes {
		s.Resources[t.name] = t.resources
		if t.isServer() {
			s.ExtraRAM[t.name] = t.extraRAM
		}
		if t.isFree() {
			s.Constraints[t.name], s.PreReservedRoles[t.name] = "", ""
		}
	}
	return s
}

// active says whether pods of the type are deployed at all.
func (s Settings) active(t podType) bool {
	switch t.name {
	case S3:
		return s.S3Hostname != ""
	case Client:
		return s.ClientMountPoint != ""
	}
	return true
}

func (s Settings) resources(t podType) offers.Quantities {
	if r, ok := s.Resources[t.name]; ok {
		return r
	}
	return t.resources
}

func (s Settings) extraRAM(t podType) int {
	if mb, ok := s.ExtraRAM[t.name]; ok {
		return mb
	}
	return t.extraRAM
}

// heap is the heap of a server daemon in MB.
func (s Settings) heap(t podType) int { return int(s.resources(t).Mem/1000) - s.extraRAM(t) }

// clientImage is the client's image with a tag.
func (s Settings) clientImage() string {
	if s.Release == "" || hasTag(s.ClientImage) {
		return s.ClientImage
	}
	return s.ClientImage + ":" + s.Release
}
