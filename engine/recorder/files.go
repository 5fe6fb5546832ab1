package recorder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// gzipped is the end of a compressed segment's name.
const gzipped = ".gz"

var segmentPattern = regexp.MustCompile(`^recording-([0-9]{8})\.jsonl(\.gz)?$`)

func segmentName(number int) string { return fmt.Sprintf("recording-%08d.jsonl", number) }

func segmentNumber(name string) int {
	m := segmentPattern.FindStringSubmatch(name)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1]) // eight digits
	return n
}

// segmentNames lists the segments of a directory, the oldest first. Of one that is there twice, because compressing it was
// interrupted, the original counts.
func segmentNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries { // sorted: the original comes before its compressed form
		if !segmentPattern.MatchString(e.Name()) {
			continue
		}
		if n := len(names); n > 0 && names[n-1] == strings.TrimSuffix(e.Name(), gzipped) {
			continue
		}
		names = append(names, e.Name())
	}
	return names, nil
}

// Files lists what is to be replayed: a segment itself, or all of a directory, the oldest first.
func Files(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	names, err := segmentNames(path)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("recording: %w", errors.New(path+": no segments there (recording-NNNNNNNN.jsonl)"))
	}
	names = slices.Clone(names)
	for i := range names {
		names[i] = filepath.Join(path, names[i])
	}
	return names, nil
}
