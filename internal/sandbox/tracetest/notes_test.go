package tracetest

import (
	"regexp"
	"slices"
)

// note is something that was done to the cluster of the recording, or that its driver did.
type note struct {
	pattern *regexp.Regexp
	act     func(r *replay, l *line, m []string)
}

// notes are searched in this order; the first that fits counts. Each subject has a file.
var notes = slices.Concat(streamNotes, operatorNotes, agentNotes, masterNotes, taskNotes)
