package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"
)

// takeovers are how long it took, again and again, from when a framework was killed until it was SUBSCRIBED again.
type takeovers []time.Duration

// String is the shortest, the median and the longest.
func (all takeovers) String() string {
	if len(all) == 0 {
		return "none was measured"
	}
	sorted := slices.Sorted(slices.Values(all))
	return fmt.Sprintf("min %.2f s / median %.2f s / max %.2f s, of %d", sorted[0].Seconds(), sorted[len(sorted)/2].Seconds(), sorted[len(sorted)-1].Seconds(), len(sorted))
}

// reportTakeovers tells them in the test's log, and, so that a run without -v tells them too, in the file that TAKEOVERS_REPORT names (see Makefile).
func reportTakeovers(t *testing.T, what string, all takeovers) {
	t.Helper()
	line := fmt.Sprintf("take-over, %s: %s", what, all)
	t.Log(line)
	name := os.Getenv("TAKEOVERS_REPORT")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, line); err != nil {
		t.Fatal(err)
	}
}

var subscribed = regexp.MustCompile(`(?m)^time=(\S+) .*msg=subscribed .*framework_id=(\S+) `)

// subscription is the framework that the process was SUBSCRIBED as first, and when, by its own log: who looks may come later.
func (p *process) subscription() (framework string, at time.Time, ok bool) {
	p.t.Helper()
	m := subscribed.FindStringSubmatch(p.text())
	if m == nil {
		return "", time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, m[1])
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return m[2], at, true
}

func TestTakeoversAreToldAsMinMedianMax(t *testing.T) {
	for _, c := range []struct {
		all  takeovers
		want string
	}{
		{nil, "none was measured"},
		{takeovers{time.Second}, "min 1.00 s / median 1.00 s / max 1.00 s, of 1"},
		{takeovers{4 * time.Second, time.Second, 2500 * time.Millisecond}, "min 1.00 s / median 2.50 s / max 4.00 s, of 3"},
	} {
		if got := c.all.String(); got != c.want {
			t.Errorf("%v: %s, want %s", []time.Duration(c.all), got, c.want)
		}
	}
}
