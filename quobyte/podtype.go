package quobyte

import (
	"strconv"
	"strings"

	"github.com/quobyte/mesos-framework/offers"
)

// The pod types.
const (
	Prober     = "prober"
	Registry   = "registry"
	Metadata   = "metadata"
	Data       = "data"
	API        = "api"
	Webconsole = "webconsole"
	S3         = "s3"
	Client     = "client"
)

// portBlock is how many ports from PortRangeBase the daemons take: two each. (The predecessor's help said ten; it took twelve.)
const portBlock = 12

// podType is what sets one pod type apart from the others.
type podType struct {
	name string
	// task is the last part of its tasks' names.
	task string
	// rpc is the offset of its RPC port from PortRangeBase, its HTTP port is the next one; -1 if it has none.
	rpc int
	// device is the device.type that it needs; empty for types that need no device.
	device string
	// resources are the predecessor's defaults, in MB but for cpus. The mem of s3 is raised from 512: minus its extra RAM
	// that gave a heap of -1024 MB.
	resources offers.Quantities
	// extraRAM is how many MB of mem are not heap.
	extraRAM int
}

// podTypes lists all of them, in the order of their phases.
var podTypes = [...]podType{
	{Prober, "scan", -1, "", amounts(100, 256, 150), 0},
	{Registry, "server", 0, "DIR_DEVICE", amounts(1000, 2084, 32), 512},
	{Metadata, "server", 2, "METADATA_DEVICE", amounts(2000, 8192, 32), 1024},
	{Data, "server", 4, "DATA_DEVICE", amounts(4000, 4096, 32), 0},
	{API, "server", 6, "", amounts(100, 512, 32), 0},
	{Webconsole, "server", 8, "", amounts(500, 512, 32), 0},
	{S3, "server", 10, "", amounts(1000, 2048, 32), 1536},
	{Client, "mount", -1, "", amounts(2000, 2048, 150), 0},
}

func amounts(milliCPUs, memMB, diskMB offers.Milli) offers.Quantities {
	return offers.Quantities{CPUs: milliCPUs, Mem: memMB * 1000, Disk: diskMB * 1000}
}

func lookUp(name string) (podType, bool) {
	for _, t := range podTypes {
		if t.name == name {
			return t, true
		}
	}
	return podType{}, false
}

// isServer says whether the type is one of Quobyte's server daemons.
func (t podType) isServer() bool { return t.rpc >= 0 }

// isFree says whether pods of the type may run on any host: servers without a device.
func (t podType) isFree() bool { return t.isServer() && t.device == "" }

// heapVariable is the environment variable that the server image takes the type's heap from.
func (t podType) heapVariable() string { return "QUOBYTE_MAX_MEM_" + strings.ToUpper(t.name) }

// ports lists what a pod of the type listens on.
func (s Settings) ports(t podType) []offers.Port {
	var ports []offers.Port
	add := func(name string, number int, unmanaged bool) {
		ports = append(ports, offers.Port{Name: name, Number: uint64(number), Unmanaged: unmanaged})
	}
	unmanaged := s.PortsFrom == PortsFromHost
	if t.isServer() {
		add("rpc", s.PortRangeBase+t.rpc, unmanaged)
		add("http", s.PortRangeBase+t.rpc+1, unmanaged)
	}
	switch t.name {
	case API:
		add("api", s.APIPort, unmanaged)
	case Webconsole:
		add("webconsole", s.WebconsolePort, unmanaged)
	case S3:
		add("s3", s.S3Port, unmanaged)
	case Client:
		add("http", s.ClientPort, true)
	}
	return ports
}

// healthURL is where the type's health is asked for at an address. With anyAnswer, whatever is not a server error will do;
// otherwise the answer must be 200.
func (s Settings) healthURL(t podType, address string) (url string, anyAnswer bool) {
	at := func(port int, path string) string { return "http://" + hostPort(address, port) + path }
	switch t.name {
	case Webconsole:
		return at(s.WebconsolePort, "/"), true
	case S3:
		return at(s.S3Port, "/"), true
	case Client:
		return at(s.ClientPort, "/"), true
	}
	return at(s.PortRangeBase+t.rpc+1, "/serviceHealth"), false
}

func hostPort(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}
