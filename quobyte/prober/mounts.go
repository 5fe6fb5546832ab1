package prober

import (
	"bufio"
	"io"
	"strings"
)

// maxMounts bounds what is read of the list of mounts, in bytes.
const maxMounts = 16 << 20

// mount is a line of /proc/mounts.
type mount struct{ path, fs string }

// parseMounts reads the kernel's list of mounts. Lines that it does not understand are left out. A mount that lies over
// another at the same path comes after it.
func parseMounts(r io.Reader) ([]mount, error) {
	var mounts []mount
	lines := bufio.NewScanner(io.LimitReader(r, maxMounts))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 {
			continue
		}
		mounts = append(mounts, mount{path: unescape(fields[1]), fs: unescape(fields[2])})
	}
	return mounts, lines.Err()
}

// unescape decodes the kernel's octal escapes: \040 is a space, \134 a backslash.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if c, ok := octal(text[i:]); ok {
			b.WriteByte(c)
			i += 3
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// octal decodes a backslash and three octal digits at the beginning of a text.
func octal(text string) (byte, bool) {
	if len(text) < 4 || text[0] != '\\' || text[1] > '3' {
		return 0, false
	}
	var c byte
	for _, d := range []byte(text[1:4]) {
		if d < '0' || d > '7' {
			return 0, false
		}
		c = c<<3 | (d - '0')
	}
	return c, true
}
