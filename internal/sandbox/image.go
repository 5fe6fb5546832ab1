package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// daemonFailed is what docker run ends with if the daemon can't run a container.
const daemonFailed = 125

// program is the shell command that stands for an image, found by its name with or without the tag.
func (cfg *Config) program(image string) (command string, found bool) {
	if command, found = cfg.Images[image]; found {
		return command, true
	}
	command, found = cfg.Images[untagged(image)]
	return command, found
}

// untagged is the name of an image without its tag or digest. A colon before a slash is that of a registry's port.
func untagged(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i]
	}
	return image
}

// imageProblems tells everything that is wrong with the images.
func imageProblems(images map[string]string) []error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(images)) {
		if strings.TrimSpace(name) == "" {
			problems = append(problems, errors.New("image name: empty"))
		}
		if strings.TrimSpace(images[name]) == "" {
			problems = append(problems, fmt.Errorf("image %q: command is empty: name the one to run in its place", name))
		}
	}
	return problems
}

// pull finds what stands for the image of a container. One that nothing stands for fails as one that no registry has.
func (s *Sandbox) pull(c *container) error {
	image := c.start.Image
	if image == "" {
		return nil
	}
	command, found := s.cfg.program(image)
	switch {
	case !found && c.start.Docker:
		if untagged(image) == image {
			image += ":latest"
		}
		return fmt.Errorf("Failed to run 'docker -H unix:///var/run/docker.sock pull %s': exited with status 1; stderr='Error "+
			"response from daemon: pull access denied for %s, repository does not exist or may require 'docker login': "+
			"denied: requested access to the resource is denied\n'", image, untagged(image))
	case !found:
		return fmt.Errorf("Unexpected HTTP response '404 Not Found' when trying to get the manifest of '%s'", image)
	}
	c.program = command
	if c.start.Docker {
		s.apply(func(now time.Time) []cluster.Effect { return s.cluster.ImagePulled(now, c.start.Container) })
	}
	return nil
}

// commandLine is what the supervisor executes of a container. Where a command stands for an image, that is run by a shell
// whose $0 is the image, and whose arguments are the argv that the container would have.
func (c *container) commandLine() []string {
	if c.program == "" {
		return commandLine(c.start.Command)
	}
	line := []string{"/bin/sh", "sh", "-c", c.program, c.start.Image}
	switch command := c.start.Command; {
	case command.GetShell():
		return append(line, "/bin/sh", "-c", command.GetValue())
	case command.Value != nil && c.start.ContainerInfo.GetDocker() == nil && len(command.Arguments) > 0:
		return append(append(line, command.GetValue()), command.Arguments[1:]...) // arguments begin with the name of the program
	case command.Value != nil:
		return append(append(line, command.GetValue()), command.Arguments...)
	default:
		return append(line, command.Arguments...)
	}
}

// containerVolumes lists the host's directories that a container asked for, as container path and host path with a tab
// between, one on each line. Nobody mounts them: what stands for the image must look for them there.
func (c *container) containerVolumes() string {
	var lines []string
	volumes := c.start.ContainerInfo.GetVolumes()
	for i := range volumes {
		if host := volumes[i].HostPath; host != nil {
			lines = append(lines, volumes[i].ContainerPath+"\t"+*host)
		}
	}
	return strings.Join(lines, "\n")
}
