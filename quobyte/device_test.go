package quobyte

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-multierror"
)

// asWritten is a file as qbootstrap writes it.
const asWritten = `# Quobyte device identifier file
# Created Mon Nov 23 10:00:00 UTC 2026
# Hostname: node1
device.serial=S3Z9NX0M
device.model=Samsung SSD 970
device.bootstrap=true
device.type=DIR_DEVICE
`

func TestParseDeviceFile(t *testing.T) {
	tests := map[string]struct {
		file     string
		want     Device
		problems []string
	}{
		"bootstrap device": {
			file: asWritten,
			want: Device{Serial: "S3Z9NX0M", Model: "Samsung SSD 970", Bootstrap: true, PodType: Registry},
		},
		"type is open": {
			file: "device.serial=abc\ndevice.model=unknown\n",
			want: Device{Serial: "abc", Model: "unknown"},
		},
		"spaces, carriage returns, blank lines, '=' in a value": {
			file: "\r\n  device.serial = a=b \r\n\n\tdevice.type=DATA_DEVICE\r\ndevice.bootstrap=false",
			want: Device{Serial: "a=b", PodType: Data},
		},
		"metadata": {
			file: "device.serial=1\ndevice.type=METADATA_DEVICE",
			want: Device{Serial: "1", PodType: Metadata},
		},
		"bootstrap without a type is a registry": {
			file: "device.serial=1\ndevice.bootstrap=true",
			want: Device{Serial: "1", Bootstrap: true, PodType: Registry},
		},
		"empty": {
			problems: []string{"device.serial: is missing; every device needs its own"},
		},
		"everything wrong at once": {
			file: "device.serial=\ndevice.serial=x\nwhat\ndevice.type=FOO_DEVICE\ndevice.bootstrap=yes\ndevice.colour=red\ndevice.model=a\x01b",
			problems: []string{
				`line 1: device.serial: is empty; every device needs its own`,
				`line 2: device.serial is given again, it is on line 1 already; give it once`,
				`line 3: "what" has no '='; use key=value`,
				`line 4: device.type: "FOO_DEVICE" is unknown; use DIR_DEVICE, METADATA_DEVICE or DATA_DEVICE`,
				`line 5: device.bootstrap: "yes" is neither true nor false`,
				`line 6: key "device.colour" is unknown; use device.serial, device.model, device.bootstrap, device.type`,
				`line 7: device.model: "a\x01b" has characters that do not print`,
			},
		},
		"bootstrap on a data device": {
			file:     "device.serial=1\ndevice.bootstrap=true\ndevice.type=DATA_DEVICE",
			want:     Device{Serial: "1", Bootstrap: true, PodType: Data},
			problems: []string{"line 2: device.bootstrap: true is for registry devices only, and device.type is DATA_DEVICE; remove one of the lines"},
		},
		"no UTF-8": {
			file:     "device.serial=\xff\xfe",
			problems: []string{`line 1: device.serial: "\xff\xfe" has characters that do not print`},
		},
		"a line too long": {
			file:     "device.serial=1\n# " + strings.Repeat("x", 2000),
			want:     Device{Serial: "1"},
			problems: []string{"line 2: is longer than 1024 bytes"},
		},
		"a file too long": {
			file:     "device.serial=1\n" + strings.Repeat("#\n", 40000),
			problems: []string{"file is longer than 65536 bytes"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseDeviceFile(strings.NewReader(test.file))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("device (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.problems, problemTexts(t, err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseDeviceFileTellsAtMostTwentyProblems(t *testing.T) {
	_, err := ParseDeviceFile(strings.NewReader(strings.Repeat("junk\n", 999)))
	texts := problemTexts(t, err)
	if len(texts) != maxProblems || texts[maxProblems-1] != "981 more problems" {
		t.Errorf("%d problems, the last %q", len(texts), texts[len(texts)-1])
	}
}

func problemTexts(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	all, ok := err.(*multierror.Error)
	if !ok {
		t.Fatalf("error is a %T", err)
	}
	var texts []string
	for _, e := range all.Errors {
		texts = append(texts, e.Error())
	}
	return texts
}

func FuzzParseDeviceFile(f *testing.F) {
	f.Add([]byte(asWritten))
	f.Add([]byte("device.serial=1\ndevice.bootstrap=true"))
	f.Add([]byte("device.serial=1\ndevice.type=FOO\n=\n=="))
	f.Fuzz(func(t *testing.T, file []byte) {
		d, err := ParseDeviceFile(bytes.NewReader(file))
		if err != nil {
			return
		}
		if d.Serial == "" {
			t.Fatal("a file without problems must have a serial")
		}
		if d.Bootstrap && d.PodType != Registry {
			t.Fatalf("a bootstrap device must be a registry device, not %q", d.PodType)
		}
		written := fmt.Sprintf("device.serial=%s\ndevice.model=%s\ndevice.bootstrap=%t\n", d.Serial, d.Model, d.Bootstrap)
		if kind, ok := lookUp(d.PodType); ok {
			written += "device.type=" + kind.device
		}
		again, err := ParseDeviceFile(strings.NewReader(written))
		if err != nil || again != d {
			t.Fatalf("written down and read again %+v becomes %+v, error %v", d, again, err)
		}
	})
}
