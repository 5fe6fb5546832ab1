package build

import (
	"runtime/debug"
	"strings"
)

// stamp is set by the linker (see Makefile), so that builds without a repository, or with -buildvcs=false, know their version too.
var stamp string

// Version is the version; "unknown" if nobody has said.
func Version() string {
	info, _ := debug.ReadBuildInfo()
	return version(stamp, info)
}

// Describe is a program with its version, and the Go that built it.
func Describe(program string) string {
	info, ok := debug.ReadBuildInfo()
	words := []string{program, version(stamp, info)}
	if ok {
		words = append(words, revision(stamp, info)+info.GoVersion)
	}
	return strings.Join(words, " ")
}

func version(stamp string, info *debug.BuildInfo) string {
	switch {
	case stamp != "":
		return stamp
	case info == nil || info.Main.Version == "":
		return "unknown"
	}
	return info.Main.Version
}

// revision is that of the repository, and a blank, if it says more than the version.
func revision(stamp string, info *debug.BuildInfo) string {
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+changes"
		}
	}
	if stamp != "" || revision == "" {
		return ""
	}
	return revision + modified + " "
}
