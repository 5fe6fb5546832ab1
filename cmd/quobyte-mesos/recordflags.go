package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/spf13/pflag"

	"github.com/quobyte/mesos-framework/engine"
	"github.com/quobyte/mesos-framework/engine/recorder"
	"github.com/quobyte/mesos-framework/quobyte"
)

// recordOptions are the flags of the flight recorder.
type recordOptions struct {
	Dir   string
	Size  string
	Files int
}

func defaultRecordOptions() recordOptions { return recordOptions{Size: "64MiB", Files: 16} }

func (o *recordOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.Dir, "record", o.Dir, "directory to record what the framework decides in, for quobyte-mesos replay (default: nothing is recorded)")
	f.StringVar(&o.Size, "record-size", o.Size, "with --record: size at which the next file begins, such as 64MiB")
	f.IntVar(&o.Files, "record-files", o.Files, "with --record: number of files that are kept")
}

func (o recordOptions) problems() []error {
	var out []error
	if _, err := o.bytes(); err != nil {
		out = append(out, err)
	}
	if o.Files < 2 {
		out = append(out, fmt.Errorf("--record-files: %d: must be 2 or more", o.Files))
	}
	return out
}

// The least and the largest size of a segment.
const (
	minRecordSize = 1 << 20
	maxRecordSize = 1 << 40
)

func (o recordOptions) bytes() (int64, error) {
	var n int64
	var unit string
	units := map[string]int64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "KB": 1e3, "MB": 1e6, "GB": 1e9}
	read, _ := fmt.Sscanf(o.Size+" ", "%d%s", &n, &unit)
	factor, known := units[unit]
	if read == 0 || !known || fmt.Sprintf("%d%s", n, unit) != o.Size {
		return 0, fmt.Errorf("--record-size: %q: must be a size, such as 64MiB or 1GiB", o.Size)
	}
	if n > maxRecordSize/factor || n*factor < minRecordSize {
		return 0, fmt.Errorf("--record-size: %s: must be from 1MiB to 1024GiB", o.Size)
	}
	return n * factor, nil
}

// newRecorder is nil, so that nothing is recorded, unless --record was given.
func newRecorder(o recordOptions, s quobyte.Settings, log *slog.Logger) (engine.Recorder, error) {
	if o.Dir == "" {
		return nil, nil
	}
	size, err := o.bytes()
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(redacted(s))
	if err != nil {
		return nil, fmt.Errorf("recording: settings: %w", err)
	}
	r, err := recorder.New(recorder.Config{
		Dir: o.Dir, SegmentBytes: size, Segments: o.Files, Version: version(), Settings: settings, Logger: log,
	})
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	log.Info("recording", "dir", o.Dir)
	return r, nil
}

// hidden takes the place of what may hold a secret. It must do where the text that it replaces did.
const hidden = "redacted"

// redacted leaves out of the settings what may hold a secret: command lines, and what operators write into the daemons'
// configuration. Passwords of the framework itself are not among these settings. TestRedactedKnowsEverySetting finds a setting
// that nobody thought about.
func redacted(s quobyte.Settings) quobyte.Settings {
	for _, text := range []*string{&s.ServerCommand, &s.ClientCommand, &s.ExtraServiceConfig} {
		if *text != "" {
			*text = hidden
		}
	}
	if u, err := url.Parse(s.FrameworkURL); err == nil && u.User != nil {
		u.User = url.User(hidden)
		s.FrameworkURL = u.String()
	}
	return s
}
