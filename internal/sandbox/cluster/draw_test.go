package cluster

import (
	"flag"
	"hash/fnv"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// CheckDrawn is rapid.Check with draws of its own for each test, the same every time: so a test fails for the change that
// broke it, and for no other. Go farther with -rapid.seed=… and -rapid.checks=….
func CheckDrawn(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	const seed = "rapid.seed"
	if given := flag.Lookup(seed).Value.String(); given == "0" {
		h := fnv.New64a()
		h.Write([]byte(t.Name()))
		if err := flag.Set(seed, strconv.FormatUint(h.Sum64(), 10)); err != nil {
			t.Fatal(err)
		}
		defer flag.Set(seed, given)
	}
	rapid.Check(t, property)
}
