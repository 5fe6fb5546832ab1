package prober

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/quobyte"
)

// Config is how a prober runs. Zero values stand for the defaults in brackets.
type Config struct {
	// Getenv reads the environment [os.Getenv]. What follows comes from there if it is not set here.
	Getenv func(string) string
	// DeviceDir is where devices are [QUOBYTE_DEVICE_DIR, which must then be set].
	DeviceDir string
	// MountPoint is the client mount point to look for [QUOBYTE_MOUNT_POINT, may be unset].
	MountPoint string
	// Interval is the time between two rounds [QUOBYTE_PROBE_INTERVAL, 5 s if that is unset].
	Interval time.Duration

	// ProcMounts is the kernel's list of mounts [/proc/mounts].
	ProcMounts string
	// ScanTimeout [10 s] and PollTimeout [3 s] are how long a round waits for a scan and for a pod's answer.
	ScanTimeout, PollTimeout time.Duration
	// LaunchPatience is how long it waits for its task before it ends [1 min].
	LaunchPatience time.Duration
	// Transport carries the health polls [a transport without proxy and kept connections].
	Transport http.RoundTripper
	// Session connects to the agent [one that is made from the environment that Mesos gives executors].
	Session Session
	Logger  *slog.Logger // [discards]

	scan func() quobyte.Facts // for tests of the loop [the scanner's]
}

const defaultInterval = 5 * time.Second

// complete fills in what is not set, and tells all that is wrong at once.
func (c Config) complete() (Config, error) {
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.DeviceDir == "" {
		c.DeviceDir = c.Getenv(quobyte.EnvDeviceDir)
	}
	if c.MountPoint == "" {
		c.MountPoint = c.Getenv(quobyte.EnvMountPoint)
	}
	if c.ProcMounts == "" {
		c.ProcMounts = "/proc/mounts"
	}
	if c.ScanTimeout == 0 {
		c.ScanTimeout = 10 * time.Second
	}
	if c.PollTimeout == 0 {
		c.PollTimeout = 3 * time.Second
	}
	if c.LaunchPatience == 0 {
		c.LaunchPatience = time.Minute
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{Proxy: nil, DisableKeepAlives: true}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	err := c.check()
	if c.scan == nil {
		c.scan = scanner{deviceDir: c.DeviceDir, mountPoint: c.MountPoint, procMounts: c.ProcMounts}.scan
	}
	return c, err
}

func (c *Config) check() error {
	var problems *multierror.Error
	refuse := func(format string, args ...any) { problems = multierror.Append(problems, fmt.Errorf(format, args...)) }
	switch {
	case c.DeviceDir == "":
		refuse("%s: is not set; use an absolute directory", quobyte.EnvDeviceDir)
	case !filepath.IsAbs(c.DeviceDir):
		refuse("%s: %q is not absolute; use an absolute directory", quobyte.EnvDeviceDir, c.DeviceDir)
	}
	if c.MountPoint != "" && !filepath.IsAbs(c.MountPoint) {
		refuse("%s: %q is not absolute; use an absolute directory", quobyte.EnvMountPoint, c.MountPoint)
	}
	if c.Interval == 0 {
		interval, err := parseInterval(c.Getenv(quobyte.EnvProbeInterval))
		if err != nil {
			refuse("%s: %w", quobyte.EnvProbeInterval, err)
		}
		c.Interval = interval
	}
	if c.Session == nil {
		session, err := agentSession(c.Getenv, c.Logger)
		if err != nil {
			problems = multierror.Append(problems, err)
		}
		c.Session = session
	}
	if problems != nil {
		problems.ErrorFormat = oneLine // it ends up in the sandbox's stderr
	}
	return problems.ErrorOrNil()
}

func oneLine(problems []error) string {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Error()
	}
	return strings.Join(texts, "; ")
}

func parseInterval(text string) (time.Duration, error) {
	if text == "" {
		return defaultInterval, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no duration; use for instance 5s", text)
	}
	return d, nil
}
