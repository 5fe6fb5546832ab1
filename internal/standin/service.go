package standin

import (
	"crypto/sha1"
	"encoding/hex"
	"hash/fnv"
	"strings"
)

// service is what distinguishes one kind of Quobyte service from another.
type service struct {
	name       string
	jsonType   string // as in service_type of the JSON-RPC API
	rpcPort    int    // default of QUOBYTE_RPC_PORT; 0: none, the port is opened only if the environment names one
	httpPort   int    // default of QUOBYTE_HTTP_PORT; 0 likewise
	frontEnv   string // the variable that names the port users talk to; "": the service has none
	frontPort  int    // its default
	deviceType deviceType
}

// services has Quobyte's own default ports, as its Ansible playbooks and Kubernetes manifests use them.
var services = [...]service{
	{name: "registry", jsonType: "DIRECTORY_SERVICE", rpcPort: 7861, httpPort: 7871, deviceType: registryDevice},
	{name: "metadata", jsonType: "METADATA_SERVICE", rpcPort: 7862, httpPort: 7872, deviceType: metadataDevice},
	{name: "data", jsonType: "STORAGE_SERVICE", rpcPort: 7863, httpPort: 7873, deviceType: dataDevice},
	{name: "api", jsonType: "API_PROXY", rpcPort: 7865, httpPort: 7875, frontEnv: "QUOBYTE_API_PORT", frontPort: 7860},
	{name: "webconsole", jsonType: "WEBCONSOLE", frontEnv: "QUOBYTE_WEBCONSOLE_PORT", frontPort: 8080},
	{name: "s3", jsonType: "S3_PROXY", frontEnv: "QUOBYTE_S3_PORT", frontPort: 8484},
	{name: "client", jsonType: "CLIENT", httpPort: 55000},
}

// defaultRegistryPort completes the entries of QUOBYTE_REGISTRY that name only a host.
const defaultRegistryPort = 7861

func serviceByName(name string) (service, bool) {
	for _, s := range services {
		if s.name == name {
			return s, true
		}
	}
	return service{}, false
}

func serviceNames() string {
	names := make([]string, 0, len(services))
	for _, s := range services {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// serviceUUID is a UUIDv5: a restart must come back as the same service, and the image keeps no uuid of its own when
// QUOBYTE_RPC_PORT is set.
func serviceUUID(serviceName, identity string) string {
	sum := sha1.Sum([]byte("quobyte-standin/" + serviceName + "/" + identity))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// deviceNumber gives a device the id that Quobyte would assign at registration. It is derived from the serial, so
// that the registries need not agree on a counter; 31 bits survive every JSON reader.
func deviceNumber(serial string) uint64 {
	h := fnv.New32a()
	h.Write([]byte(serial))
	return uint64(h.Sum32()>>1) + 1
}
