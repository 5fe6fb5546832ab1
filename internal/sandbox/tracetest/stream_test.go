package tracetest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// compareChunks compares the beginning of a chunked stream, chunk by chunk: both have one record in each. The recording was
// cut anywhere; what is whole of it is compared.
func compareChunks(c *comparison, want, got string) {
	wanted, found := chunks(want), chunks(got)
	if len(wanted) == 0 {
		c.differ("chunks", want, nil)
	}
	for i, chunk := range wanted {
		if i >= len(found) {
			c.differ("chunk", chunk, nil)
			continue
		}
		c.values("chunk "+strconv.Itoa(i), recordOf([]byte(chunk), false), recordOf([]byte(found[i]), false))
	}
}

// chunks takes whole chunks of a transfer apart.
func chunks(text string) []string {
	var list []string
	for {
		size, rest, ok := strings.Cut(text, "\r\n")
		n, err := strconv.ParseUint(size, 16, 32)
		if !ok || err != nil || n == 0 || uint64(len(rest)) < n+2 {
			return list
		}
		list = append(list, rest[:n])
		text = rest[n+2:]
	}
}

// comparePrefix does the same for chunks of protobuf, whose records are compared as the JSON that they would be.
func comparePrefix(c *comparison, want, got []byte) {
	wanted, found := chunks(string(want)), chunks(string(got))
	if len(wanted) == 0 {
		c.differ("chunks", string(want), nil)
	}
	for i, chunk := range wanted {
		if i >= len(found) {
			c.differ("chunk", chunk, nil)
			continue
		}
		c.values("chunk "+strconv.Itoa(i), recordOf([]byte(chunk), true), recordOf([]byte(found[i]), true))
	}
}

// recordOf decodes a chunk that is one record; otherwise it gives the bytes as they are.
func recordOf(chunk []byte, protobuf bool) any {
	size, record, ok := bytes.Cut(chunk, []byte("\n"))
	if n, err := strconv.Atoi(string(size)); !ok || err != nil || n != len(record) {
		return string(chunk)
	}
	if protobuf {
		event := &scheduler.Event{}
		if err := event.Unmarshal(record); err != nil {
			return err.Error()
		}
		text, err := protojson.Marshal(event)
		if err != nil {
			return err.Error()
		}
		record = text
	}
	var decoded any
	if err := json.Unmarshal(record, &decoded); err != nil {
		return string(chunk)
	}
	return decoded
}
