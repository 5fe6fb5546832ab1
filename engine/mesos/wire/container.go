package wire

import (
	"errors"
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/offers"
)

func container(c *offers.Container) (*mesos.ContainerInfo, error) {
	if c == nil {
		return nil, nil
	}
	var out *mesos.ContainerInfo
	var err error
	switch c.Type {
	case "", offers.DockerContainer:
		out, err = dockerContainer(c)
	case offers.MesosContainer:
		out, err = mesosContainer(c)
	default:
		err = fmt.Errorf("type %q is unknown: %s and %s are allowed", c.Type, offers.DockerContainer, offers.MesosContainer)
	}
	if err != nil {
		return nil, fmt.Errorf("container: %w", err)
	}
	for _, v := range c.Volumes {
		out.Volumes = append(out.Volumes,
			mesos.Volume{Mode: mode(v.ReadOnly), ContainerPath: v.ContainerPath, HostPath: text(v.HostPath)})
	}
	return out, nil
}

func dockerContainer(c *offers.Container) (*mesos.ContainerInfo, error) {
	if c.Image == "" {
		return nil, errors.New("image is empty: Docker runs nothing without one")
	}
	docker := &mesos.ContainerInfo_DockerInfo{
		Image:          c.Image,
		Privileged:     ptr(c.Privileged),
		ForcePullImage: ptr(c.ForcePull),
	}
	for _, p := range c.Parameters {
		docker.Parameters = append(docker.Parameters, mesos.Parameter{Key: p.Name, Value: p.Value})
	}
	out := &mesos.ContainerInfo{Type: mesos.ContainerInfo_DOCKER.Enum(), Docker: docker}
	switch c.Network {
	case offers.HostNetwork:
		docker.Network = mesos.ContainerInfo_DockerInfo_HOST.Enum()
	case offers.BridgeNetwork:
		docker.Network = mesos.ContainerInfo_DockerInfo_BRIDGE.Enum()
	case offers.NoNetwork:
		docker.Network = mesos.ContainerInfo_DockerInfo_NONE.Enum()
	default:
		docker.Network = mesos.ContainerInfo_DockerInfo_USER.Enum()
		out.NetworkInfos = []mesos.NetworkInfo{{Name: ptr(c.Network)}}
	}
	if len(c.PortMappings) > 0 && (c.Network == offers.HostNetwork || c.Network == offers.NoNetwork) {
		return nil, errors.New("port mappings need a network of the container's own: with the host's, or none, there is nothing to map")
	}
	for _, m := range c.PortMappings {
		host, inside, err := mappedPorts(m)
		if err != nil {
			return nil, err
		}
		docker.PortMappings = append(docker.PortMappings,
			mesos.ContainerInfo_DockerInfo_PortMapping{HostPort: host, ContainerPort: inside, Protocol: text(m.Protocol)})
	}
	return out, nil
}

// mesosContainer is a container of the agent's own containerizer, which has no privileges and parameters, and no networks but
// the host's and those that an operator has set up.
func mesosContainer(c *offers.Container) (*mesos.ContainerInfo, error) {
	switch {
	case c.Privileged:
		return nil, errors.New("privileged needs the Docker containerizer")
	case len(c.Parameters) > 0:
		return nil, errors.New("parameters need the Docker containerizer")
	case c.Network == offers.BridgeNetwork || c.Network == offers.NoNetwork:
		return nil, fmt.Errorf("network %q needs the Docker containerizer; name a CNI network instead, such as mesos-bridge on DC/OS", c.Network)
	case len(c.PortMappings) > 0 && c.Network == offers.HostNetwork:
		return nil, errors.New("port mappings need a network of the container's own: with the host's there is nothing to map")
	}
	out := &mesos.ContainerInfo{Type: mesos.ContainerInfo_MESOS.Enum()}
	if c.Image != "" {
		out.Mesos = &mesos.ContainerInfo_MesosInfo{Image: &mesos.Image{
			Type: mesos.Image_DOCKER.Enum(), Docker: &mesos.Image_Docker{Name: c.Image}, Cached: ptr(!c.ForcePull),
		}}
	}
	if c.Network == offers.HostNetwork {
		return out, nil
	}
	network := mesos.NetworkInfo{Name: ptr(c.Network)}
	for _, m := range c.PortMappings {
		host, inside, err := mappedPorts(m)
		if err != nil {
			return nil, err
		}
		network.PortMappings = append(network.PortMappings,
			mesos.NetworkInfo_PortMapping{HostPort: host, ContainerPort: inside, Protocol: text(m.Protocol)})
	}
	out.NetworkInfos = []mesos.NetworkInfo{network}
	return out, nil
}

func mappedPorts(m offers.PortMapping) (host, inside uint32, err error) {
	if host, err = port("host port", m.Protocol, m.HostPort); err != nil {
		return 0, 0, err
	}
	inside, err = port("container port", m.Protocol, m.ContainerPort)
	return host, inside, err
}
