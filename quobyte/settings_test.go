package quobyte

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/offers"
)

// dockerSettings and commandSettings are the least that an operator must give.
func dockerSettings() Settings {
	s := DefaultSettings()
	s.DockerImage, s.Release, s.FrameworkURL = "quay.io/quobyte/quobyte-server", "1.4.9", "http://10.0.0.9:7888"
	return s
}

func commandSettings() Settings {
	s := DefaultSettings()
	s.Containerizer, s.ServerCommand, s.FrameworkURL = Command, "/opt/quobyte-mesos standin", "http://127.0.0.1:7888"
	return s
}

func TestValidate(t *testing.T) {
	tests := map[string]struct {
		from   func() Settings
		change func(*Settings)
		want   []string
	}{
		"docker":  {dockerSettings, func(*Settings) {}, nil},
		"command": {commandSettings, func(*Settings) {}, nil},
		"everything that can be on": {dockerSettings, func(s *Settings) {
			s.ClientMountPoint, s.ClientImage, s.S3Hostname = "/quobyte", "localhost:5000/client", "s3.example.com"
			s.ServiceDebugPort, s.RestrictHosts, s.ProberFrom, s.FrameworkURL = 5005, []string{"a", "b", "c"}, ProberFromImage, ""
			s.Expect[Client] = 1
		}, nil},
		"maps may lack types":            {dockerSettings, func(s *Settings) { s.Resources, s.ExtraRAM, s.Expect = nil, nil, nil }, nil},
		"no ports of those that are off": {dockerSettings, func(s *Settings) { s.S3Port, s.ClientPort = s.APIPort, s.APIPort }, nil},

		"defaults": {DefaultSettings, func(*Settings) {}, []string{
			`--docker-image: is empty; an image is needed with --containerizer=docker`,
			`--release: is empty; a release is needed with --containerizer=docker, it is the image's tag`,
			`--framework-url: is empty, and hosts fetch the prober from there; use http://HOST:PORT or https://HOST:PORT, as the hosts reach the framework`,
		}},
		"choices": {dockerSettings, func(s *Settings) {
			s.Containerizer, s.ProberFrom, s.PortsFrom, s.ProbeInterval = "podman", "air", "", time.Millisecond
		}, []string{
			`--containerizer: "podman" is unknown; use docker or command`,
			`--prober-from: "air" is unknown; use artifact or image`,
			`--ports-from: "" is unknown; use offers or host`,
			`--probe-interval: 1ms is out of range; use 100ms to 10m0s`,
		}},
		"images": {dockerSettings, func(s *Settings) {
			s.DockerImage, s.Release, s.ClientMountPoint, s.ProberFrom, s.FrameworkImage = "reg:5000/server:1.3", "1/4", "/q", ProberFromImage, "a b"
		}, []string{
			`--client-image: is empty; an image is needed with --containerizer=docker and --client-mount-point`,
			`--framework-image: "a b" has spaces or control characters; use an image name`,
			`--docker-image: "reg:5000/server:1.3" has a tag; give the image without one, its tag is --release "1/4"`,
			`--release: "1/4" is no image tag; use up to 128 letters, digits, '_', '.' and '-', the first of them no '.' or '-'`,
		}},
		"commands and texts": {commandSettings, func(s *Settings) {
			s.ServerCommand, s.ClientCommand, s.Name, s.S3Hostname, s.ExtraServiceConfig = " ", "a\nb", "", "s3 example", "a=b\nc=d"
		}, []string{
			`--server-command: is empty; a command line is needed with --containerizer=command`,
			`--client-command: "a\nb" has control characters; use a single line`,
			`--framework-name: is empty; a name is needed`,
			`--s3-hostname: "s3 example" has spaces or control characters; use a name without`,
			`--extra-service-config: "a=b\nc=d" has control characters; use a single line, key=value`,
		}},
		"url": {commandSettings, func(s *Settings) { s.FrameworkURL = "10.0.0.9:7888" }, []string{
			`--framework-url: "10.0.0.9:7888" is no URL; use http://HOST:PORT or https://HOST:PORT, as the hosts reach the framework`,
		}},
		"directories": {dockerSettings, func(s *Settings) {
			s.HostDeviceDirectory, s.ClientMountPoint, s.ClientImage = "mnt", "/a/../b", "c"
		}, []string{
			`--host-device-directory: "mnt" is not absolute; use a directory that begins with '/'`,
			`--client-mount-point: "/a/../b" goes up by ".."; use a plain path`,
		}},
		"directories again": {dockerSettings, func(s *Settings) {
			s.HostDeviceDirectory, s.ClientMountPoint, s.ClientImage = "/", "/a:b", "c"
		}, []string{
			`--host-device-directory: "/" is the root directory; use one below it`,
			`--client-mount-point: "/a:b" has a colon, which docker takes for a separator; use a path without`,
		}},
		"ports": {dockerSettings, func(s *Settings) {
			s.APIPort, s.WebconsolePort, s.ServiceDebugPort = 21011, 0, 21011
		}, []string{
			`--api-port: 21011 is among the ports 21000-21011 that --port-range-base takes; use another`,
			`--webconsole-port: 0 is no port; use 1 to 65535`,
			`--service-debug-port: 21011 is among the ports 21000-21011 that --port-range-base takes; use another`,
			`--service-debug-port: 21011 is --api-port as well; use another`,
		}},
		"port range": {dockerSettings, func(s *Settings) { s.PortRangeBase, s.WebconsolePort = 65525, 8889 }, []string{
			`--port-range-base: 65525 is out of range; use 1 to 65524, 12 ports are taken from there on`,
			`--webconsole-port: 8889 is --api-port as well; use another`,
		}},
		"resources": {dockerSettings, func(s *Settings) {
			s.Resources[Registry] = offers.Quantities{CPUs: 1000, Mem: 512_000}
			s.Resources[Metadata] = offers.Quantities{CPUs: -1500, Disk: -1, Ports: []offers.Range{{Begin: 1, End: 2}}}
			s.Resources["nfs"] = offers.Quantities{}
			s.Resources[Prober] = amounts(10, 32, 0)
			s.ExtraRAM[Client] = 1
			s.ExtraRAM[Data] = -1
		}, []string{
			`--nfs-resources: pod type "nfs" is unknown here; use prober, registry, metadata, data, api, webconsole, s3 or client`,
			`--client-extra-ram-mb: pod type "client" is unknown here; use registry, metadata, data, api, webconsole or s3`,
			`--registry-resources: mem 512 leaves no heap beside --registry-extra-ram-mb 512; use more than 512`,
			`--metadata-resources: cpus -1.5 is negative; use a positive number`,
			`--metadata-resources: mem is 0; use a positive number`,
			`--metadata-resources: disk -0.001 is negative; use a positive number`,
			`--metadata-resources: ports are not given here; use --port-range-base and the --…-port flags`,
			`--data-extra-ram-mb: -1 is negative; use 0 or more`,
			`--prober-resources: cpus 0.01 and mem 32 are too little; use at least cpus 0.02 and mem 33`,
		}},
		"the predecessor's negative heap": {dockerSettings, func(s *Settings) { s.Resources[S3] = amounts(1000, 512, 32) }, []string{
			`--s3-resources: mem 512 leaves no heap beside --s3-extra-ram-mb 1536; use more than 1536`,
		}},
		"updates": {dockerSettings, func(s *Settings) {
			s.MaxUnavailable = map[string]string{Data: "two", Client: "25%", Registry: "2", "tape": "1", Metadata: "101%"}
			s.Settle = map[string]string{Registry: "40s", Data: "soon", API: "-1s", Client: "2h", "tape": "1s"}
			s.StepAttempts, s.StepDeadline = -1, -time.Second
		}, []string{
			`--max-unavailable: data=two: amount "two": use a number such as 2, or a percentage such as 25%`,
			`--max-unavailable: metadata=101%: amount "101%": use at most 100%`,
			`--max-unavailable: registry=2: registries are stopped one at a time; use 1, or leave it out`,
			`--max-unavailable: tape=1: pod type "tape" is unknown; use prober, registry, metadata, data, api, webconsole, s3 or client`,
			`--settle: api=-1s is no time from 0s to 1h0m0s; use one such as 30s`,
			`--settle: client=2h is no time from 0s to 1h0m0s; use one such as 30s`,
			`--settle: data=soon is no time from 0s to 1h0m0s; use one such as 30s`,
			`--settle: tape=1s: pod type "tape" is unknown; use prober, registry, metadata, data, api, webconsole, s3 or client`,
			`--step-attempts: -1 is negative; use 1 or more, or 0 for no limit`,
			`--step-deadline: -1s is negative; use a time such as 1h, or 0 for no limit`,
		}},
		"expect and hosts": {dockerSettings, func(s *Settings) {
			s.Expect = map[string]int{Registry: 4, API: 1, Data: -2, Client: 1}
			s.RestrictHosts = []string{"a", "a", ""}
		}, []string{
			`--expect: api=1: pod type "api" can't be expected; use registry, metadata, data or client`,
			`--expect: client=1 can't be met without --client-mount-point`,
			`--expect: data=-2 is negative; use 0 or more`,
			`--expect: registry=4 can't be met, --restrict-hosts names 3; use at most that many`,
			`--restrict-hosts: "a" is named twice; name each host once`,
			`--restrict-hosts: "" is no host; use host keys or hostnames`,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := test.from()
			test.change(&s)
			if diff := cmp.Diff(test.want, problemTexts(t, s.Validate())); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if service, err := New(s); (err == nil) != (test.want == nil) || (service == nil) != (err != nil) {
				t.Errorf("New: service %v, error %v", service, err)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	s := dockerSettings()
	if w := s.Warnings(); w != nil {
		t.Errorf("defaults: %q", w)
	}
	s.Expect[Registry], s.ServiceDebugPort, s.Settle = 4, 5005, map[string]string{Registry: "18s"}
	want := []string{
		"--expect: registry=4 tolerates no more failures than registry=3; use an odd number",
		"--service-debug-port: 5005 is used by every daemon, so that only one per host can have it",
		"--settle: registry=18s: a registry is stopped while leases may still be silent because of the one before; use more than 18s",
	}
	if diff := cmp.Diff(want, s.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestServiceKeepsItsSettings(t *testing.T) {
	s := dockerSettings()
	service, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	before := service.Fingerprint(Registry)
	s.Resources[Registry] = amounts(9000, 9000, 9000)
	if service.Fingerprint(Registry) != before {
		t.Error("a change of the caller's map has reached the service")
	}
}

func TestHasTag(t *testing.T) {
	for image, want := range map[string]bool{
		"server": false, "quay.io/quobyte/server": false, "host:5000/server": false,
		"server:3": true, "host:5000/server:3": true, "server@sha256:abc": true, "": false,
	} {
		if hasTag(image) != want {
			t.Errorf("hasTag(%q) = %t", image, !want)
		}
	}
}
