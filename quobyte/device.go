package quobyte

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-multierror"
)

// SetupFile is the name of the file that makes a file system (or a directory) a Quobyte device. qmkdev and qbootstrap write
// it.
const SetupFile = "QUOBYTE_DEV_SETUP"

// The limits of a device file. qmkdev writes seven short lines.
const (
	maxDeviceFile = 64 << 10
	maxDeviceLine = 1 << 10
	maxProblems   = 20
)

// Device is what a device file says.
type Device struct {
	Serial string
	Model  string
	// Bootstrap marks the one device from which a new registry is started.
	Bootstrap bool
	// PodType is the pod type that device.type belongs to: Registry, Metadata, Data, or empty if the file leaves it open
	// (the type is then assigned later, in Quobyte).
	PodType string
}

// ParseDeviceFile reads a QUOBYTE_DEV_SETUP file: lines of key=value, blank lines, and comments that begin with '#'. The
// keys are device.serial (which must be there), device.model, device.bootstrap (true or false) and device.type (DIR_DEVICE,
// METADATA_DEVICE or DATA_DEVICE). A bootstrap device without a type is a registry device.
//
// The error is a *multierror.Error with every problem, each with its line; at most 20 of them are told. What could be read
// is returned beside it, to be shown, not to be used.
func ParseDeviceFile(r io.Reader) (Device, error) {
	var p deviceParser
	text, err := io.ReadAll(io.LimitReader(r, maxDeviceFile+1))
	switch {
	case err != nil:
		p.problem("read: %w", err)
		return Device{}, p.err()
	case len(text) > maxDeviceFile:
		p.problem("file is longer than %d bytes", maxDeviceFile)
		return Device{}, p.err()
	}
	for line := range strings.Lines(string(text)) {
		p.number++
		p.line(strings.TrimSpace(line))
	}
	p.finish()
	return p.device, p.err()
}

type deviceParser struct {
	device   Device
	number   int
	lineOf   map[string]int // key -> line
	problems []error
}

func (p *deviceParser) err() error {
	all := p.problems
	if len(all) > maxProblems {
		all = append(all[:maxProblems-1:maxProblems-1], fmt.Errorf("%d more problems", len(all)-maxProblems+1))
	}
	return (&multierror.Error{Errors: all, ErrorFormat: aLineEach}).ErrorOrNil()
}

func (p *deviceParser) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf(format, args...))
}

func (p *deviceParser) refuse(format string, args ...any) {
	p.problem("line %d: "+format, append([]any{p.number}, args...)...)
}

func (p *deviceParser) line(text string) {
	if len(text) > maxDeviceLine {
		p.refuse("is longer than %d bytes", maxDeviceLine)
		return
	}
	if text == "" || text[0] == '#' {
		return
	}
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		p.refuse("%q has no '='; use key=value", text)
		return
	}
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !slices.Contains(deviceKeys, key) {
		p.refuse("key %q is unknown; use %s", key, strings.Join(deviceKeys, ", "))
		return
	}
	if before, dup := p.lineOf[key]; dup {
		p.refuse("%s is given again, it is on line %d already; give it once", key, before)
		return
	}
	if p.lineOf == nil {
		p.lineOf = map[string]int{}
	}
	p.lineOf[key] = p.number
	p.set(key, value)
}

// deviceKeys are the keys of a device file.
var deviceKeys = []string{"device.serial", "device.model", "device.bootstrap", "device.type"}

func (p *deviceParser) set(key, value string) {
	switch key {
	case "device.serial", "device.model":
		if !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
			p.refuse("%s: %q has characters that do not print", key, value)
			return
		}
		if key == "device.model" {
			p.device.Model = value
			return
		}
		if value == "" {
			p.refuse("device.serial: is empty; every device needs its own")
		}
		p.device.Serial = value
	case "device.bootstrap":
		if value != "true" && value != "false" {
			p.refuse("device.bootstrap: %q is neither true nor false", value)
		}
		p.device.Bootstrap = value == "true"
	case "device.type":
		for _, t := range podTypes {
			if t.device != "" && t.device == value {
				p.device.PodType = t.name
				return
			}
		}
		p.refuse("device.type: %q is unknown; use DIR_DEVICE, METADATA_DEVICE or DATA_DEVICE", value)
	}
}

// finish looks at what only the whole file tells.
func (p *deviceParser) finish() {
	if _, ok := p.lineOf["device.serial"]; !ok {
		p.problem("device.serial: is missing; every device needs its own")
	}
	if !p.device.Bootstrap {
		return
	}
	if _, typed := p.lineOf["device.type"]; !typed {
		p.device.PodType = Registry
		return
	}
	if t, ok := lookUp(p.device.PodType); ok && t.name != Registry {
		p.problem("line %d: device.bootstrap: true is for registry devices only, and device.type is %s; remove one of the lines",
			p.lineOf["device.bootstrap"], t.device)
	}
}
