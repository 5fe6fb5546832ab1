package build

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	fromRepository := &debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: "v0.1.2"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
	}}
	for _, tt := range []struct {
		stamp             string
		info              *debug.BuildInfo
		version, revision string
	}{
		{"", nil, "unknown", ""},
		{"v1", nil, "v1", ""},
		{"", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "(devel)", ""},
		{"", fromRepository, "v0.1.2", "0123456789ab+changes "},
		{"v1-3-gabc", fromRepository, "v1-3-gabc", ""},
	} {
		if got := version(tt.stamp, tt.info); got != tt.version {
			t.Errorf("%q, %v: version %q, want %q", tt.stamp, tt.info, got, tt.version)
		}
		if tt.info == nil {
			continue
		}
		if got := revision(tt.stamp, tt.info); got != tt.revision {
			t.Errorf("%q, %v: revision %q, want %q", tt.stamp, tt.info, got, tt.revision)
		}
	}
}
