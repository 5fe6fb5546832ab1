package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/quobyte"
)

// settingsRecordedAsTheyAre hold no secrets: names, addresses, ports, amounts, images, directories.
var settingsRecordedAsTheyAre = []string{
	"Name", "Release", "Containerizer", "DockerImage", "ClientImage", "User", "ProberFrom", "FrameworkImage", "ProbeInterval", "PortRangeBase", "PortsFrom",
	"APIPort", "WebconsolePort", "S3Port", "ClientPort", "S3Hostname", "RegistryDNSName", "Resources", "ExtraRAM", "Reserve", "Constraints", "Role", "PreReservedRoles",
	"HostDeviceDirectory", "ClientMountPoint", "ServiceDebugPort", "EnableAssertions", "AutodetectServiceIP", "RestrictHosts", "Expect",
	"MaxUnavailable", "Settle", "StepAttempts", "StepDeadline",
}

// settingsRedacted may hold secrets.
var settingsRedacted = []string{"ServerCommand", "ClientCommand", "ExtraServiceConfig", "FrameworkURL"}

// A setting that is added must be thought about: may it hold a secret?
func TestRedactedKnowsEverySetting(t *testing.T) {
	for f := range reflect.TypeFor[quobyte.Settings]().Fields() {
		if !slices.Contains(settingsRecordedAsTheyAre, f.Name) && !slices.Contains(settingsRedacted, f.Name) {
			t.Errorf("setting %s: recordings of serve --record contain it; if it may hold a secret, add it to redacted (recordflags.go), and here", f.Name)
		}
	}
}

func TestRedactedHidesSecrets(t *testing.T) {
	const secret = "hunter2"
	s := quobyte.DefaultSettings()
	s.Containerizer, s.ServerCommand, s.ClientCommand = quobyte.Command, "run --token="+secret, "mount --token="+secret
	s.ExtraServiceConfig, s.FrameworkURL = "password="+secret, "http://me:"+secret+"@10.0.0.1:7888"
	text, err := json.Marshal(redacted(s))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), secret) {
		t.Errorf("the secret is there still: %s", text)
	}
	var read quobyte.Settings
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if _, err := quobyte.New(read); err != nil {
		t.Errorf("redacted settings can't be used for a replay: %v", err)
	}
}

// Settings come back from a recording as they were.
func TestSettingsComeBack(t *testing.T) {
	s := quobyte.DefaultSettings()
	s.DockerImage, s.Release, s.FrameworkURL, s.RestrictHosts = "quobyte/server", "3", "http://10.0.0.1:7888", []string{"h"}
	text, err := json.Marshal(redacted(s))
	if err != nil {
		t.Fatal(err)
	}
	var read quobyte.Settings
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, read); diff != "" {
		t.Errorf("(-given +read):\n%s", diff)
	}
}

func TestRecordFlags(t *testing.T) {
	for _, test := range []struct {
		size string
		want int64
		err  string
	}{
		{"64MiB", 64 << 20, ""}, {"1GiB", 1 << 30, ""}, {"2000000", 2000000, ""}, {"5MB", 5e6, ""},
		{"", 0, "must be a size"}, {"MiB", 0, "must be a size"}, {"64 MiB", 0, "must be a size"}, {"64mib", 0, "must be a size"}, {"-1MiB", 0, "must be from"},
		{"1KiB", 0, "must be from"}, {"9000000GiB", 0, "must be from"}, {"064MiB", 0, "must be a size"}, {"1.5GiB", 0, "must be a size"},
	} {
		got, err := recordOptions{Size: test.size}.bytes()
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: %d, %v, want %d and error %q", test.size, got, err, test.want, test.err)
		}
	}
	if p := (recordOptions{Size: "64MiB", Files: 1}).problems(); len(p) != 1 || !strings.Contains(p[0].Error(), "--record-files: 1: must be 2 or more") {
		t.Errorf("problems: %v", p)
	}
}
