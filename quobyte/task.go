package quobyte

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// killGrace is the time that a daemon has to end by itself: an unclean end costs a registry 18 s of lease silence.
const killGrace = 30 * time.Second

// The directories inside of containers.
const (
	containerDevices = "/devices" // as the 1.x images expect it
	containerMount   = "/quobyte"
)

// Task renders a pod's task: what the predecessor rendered with Docker, the same environment for a plain command with
// Command, and a custom executor for a prober.
//
// Late-bound is the list of registry addresses: those of the hosts of all registry pods in the cluster, launched or not.
func (s *Service) Task(p machine.Pod, at machine.Place, c machine.Cluster) (offers.Task, error) {
	t, ok := lookUp(p.Type)
	if !ok {
		return offers.Task{}, fmt.Errorf("pod %q: type %q is unknown", p.Name, p.Type)
	}
	if !isFileName(at.Host) {
		return offers.Task{}, fmt.Errorf("pod %q: host key %q can't be part of a directory name", p.Name, at.Host)
	}
	if t.name == Prober {
		return s.settings.proberTask(p, at.Host), nil
	}
	registries := s.settings.RegistryDNSName
	if registries == "" {
		registries = s.settings.registryList(c)
	}
	if registries == "" {
		return offers.Task{}, fmt.Errorf("pod %q: no registry's address is known yet", p.Name)
	}
	return s.settings.render(t, p, at, registries), nil
}

func isFileName(text string) bool {
	return text != "" && text != "." && text != ".." && !strings.ContainsAny(text, "/\x00")
}

// registryList is the value of QUOBYTE_REGISTRY: address:port of every registry pod, by index.
func (s Settings) registryList(c machine.Cluster) string {
	var pods []machine.Pod
	for _, p := range c.Pods {
		if p.Type == Registry {
			pods = append(pods, p)
		}
	}
	slices.SortStableFunc(pods, func(a, b machine.Pod) int { return cmp.Compare(a.Index, b.Index) })
	var list []string
	for _, p := range pods {
		if address := podAddress(p, c); address != "" {
			list = append(list, hostPort(address, s.PortRangeBase))
		}
	}
	return strings.Join(list, ",")
}

// podAddress prefers what the host says now to what it said when the pod was launched.
func podAddress(p machine.Pod, c machine.Cluster) string {
	i, ok := slices.BinarySearchFunc(c.Hosts, p.Host, func(h machine.Host, key string) int { return cmp.Compare(h.Key, key) })
	if ok && c.Hosts[i].Address != "" {
		return c.Hosts[i].Address
	}
	if p.Task != nil {
		return p.Task.Address
	}
	return ""
}

// render is the task of any pod but a prober.
func (s Settings) render(t podType, p machine.Pod, at machine.Place, registries string) offers.Task {
	task := offers.Task{
		Name:      p.Name + "-" + t.task,
		KillGrace: killGrace,
		Labels:    s.labels(t, p),
		Discovery: s.discovery(t),
	}
	if t.name == Client {
		s.renderClient(&task, at, registries)
		return task
	}
	env := s.serverEnv(t, at, registries)
	devices := forHost(s.HostDeviceDirectory, at.Host)
	if s.Containerizer == Docker {
		task.Command = offers.Command{Shell: true, Value: exportLine(env, "/opt/main.sh"), User: s.User}
		task.Container = &offers.Container{
			Image:      s.DockerImage + ":" + s.Release,
			Privileged: true,
			Volumes:    []offers.HostVolume{{HostPath: devices, ContainerPath: containerDevices}},
		}
		return task
	}
	env = append(env, offers.Var{Name: EnvDeviceDir, Value: devices})
	task.Command = offers.Command{Shell: true, Value: "exec " + s.ServerCommand, Env: env, User: s.User}
	return task
}

func (s Settings) renderClient(task *offers.Task, at machine.Place, registries string) {
	mount := forHost(s.ClientMountPoint, at.Host)
	env := []offers.Var{
		{Name: "QUOBYTE_SERVICE", Value: Client},
		{Name: "QUOBYTE_REGISTRY", Value: registries},
		{Name: "QUOBYTE_CLIENT_HTTP_PORT", Value: strconv.Itoa(s.ClientPort)},
	}
	if s.tellsHostIP() {
		env = append(env, offers.Var{Name: "HOST_IP", Value: at.Address})
	}
	if s.Containerizer == Command {
		env = append(env, offers.Var{Name: EnvMountPoint, Value: mount})
		task.Command = offers.Command{Shell: true, Value: "exec " + cmp.Or(s.ClientCommand, s.ServerCommand), Env: env, User: s.User}
		return
	}
	env = append(env, offers.Var{Name: EnvMountPoint, Value: containerMount})
	command := cmp.Or(s.ClientCommand, fmt.Sprintf(`mount.quobyte --hostname %s --http-port %d -f -d INFO -l /dev/stdout "$QUOBYTE_REGISTRY/" %s`,
		quote(at.Hostname), s.ClientPort, containerMount))
	task.Command = offers.Command{Shell: true, Value: exportLine(env, command), User: s.User}
	task.Container = &offers.Container{
		Image:      s.clientImage(),
		Privileged: true,
		// A mount inside must be seen by the host. Mesos has no field for that with Docker (its mount_propagation is for the
		// Mesos containerizer only).
		Parameters: []offers.Var{{Name: "volume", Value: mount + ":" + containerMount + ":shared"}},
	}
}

// tellsHostIP says whether daemons are told their address. Without an image there is no script that finds it out, and the pod must
// listen where its registry list and its host's prober expect it.
func (s Settings) tellsHostIP() bool { return !s.AutodetectServiceIP || s.Containerizer == Command }

// serverEnv is the environment that the server image takes.
func (s Settings) serverEnv(t podType, at machine.Place, registries string) []offers.Var {
	var env []offers.Var
	add := func(name, value string) { env = append(env, offers.Var{Name: name, Value: value}) }
	number := func(name string, value int) { add(name, strconv.Itoa(value)) }

	add("QUOBYTE_SERVICE", t.name)
	add("QUOBYTE_REGISTRY", registries)
	number("QUOBYTE_RPC_PORT", s.PortRangeBase+t.rpc)
	number("QUOBYTE_HTTP_PORT", s.PortRangeBase+t.rpc+1)
	switch t.name {
	case API:
		number("QUOBYTE_API_PORT", s.APIPort)
	case Webconsole:
		number("QUOBYTE_WEBCONSOLE_PORT", s.WebconsolePort)
	case S3:
		number("QUOBYTE_S3_PORT", s.S3Port)
		add("QUOBYTE_S3_HOSTNAME", s.S3Hostname)
	}
	add(t.heapVariable(), strconv.Itoa(s.heap(t))+"m")
	if s.tellsHostIP() {
		add("HOST_IP", at.Address)
	}
	if s.ExtraServiceConfig != "" {
		add("QUOBYTE_EXTRA_SERVICE_CONFIG", s.ExtraServiceConfig)
	}
	if s.ServiceDebugPort > 0 {
		number("QUOBYTE_DEBUG_PORT", s.ServiceDebugPort)
	}
	if s.EnableAssertions {
		add("QUOBYTE_ENABLE_ASSERTIONS", "true")
	}
	return env
}

// forHost fills a host's key into a directory.
func forHost(directory, key string) string {
	return path.Clean(strings.ReplaceAll(directory, hostPlaceholder, key))
}

// ServiceLabel is the key of the label by which each task names its service.
const ServiceLabel = "quobyte_service"

// labels name the release only on pods that are of it: another release must not change what the others are.
func (s Settings) labels(t podType, p machine.Pod) []offers.Label {
	labels := []offers.Label{{Key: ServiceLabel, Value: s.Name}, {Key: "quobyte_pod", Value: p.Name}}
	if s.Release != "" && s.released(t) {
		labels = append(labels, offers.Label{Key: "docker_image_version", Value: s.Release})
	}
	return labels
}

// released says whether Release is the version of the type's pods.
func (s Settings) released(t podType) bool {
	switch t.name {
	case Prober:
		return false
	case Client:
		return s.Containerizer == Command || !hasTag(s.ClientImage)
	}
	return true
}

// discovery is how service discovery finds the pod: by the name of its type, at its RPC port. Clients are not looked for.
func (s Settings) discovery(t podType) *offers.Discovery {
	if !t.isServer() {
		return nil
	}
	rpc := s.ports(t)[0]
	ports := []offers.DiscoveryPort{{Name: rpc.Name, Number: rpc.Number}}
	return &offers.Discovery{Name: t.name, Version: s.Release, Ports: ports}
}
