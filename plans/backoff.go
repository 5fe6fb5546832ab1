package plans

import (
	"math"
	"time"
)

// Backoff says how long to wait after a failure. The zero value waits not at all.
type Backoff struct {
	// Initial is the wait after the first failure, Max the longest; 0: Initial.
	Initial, Max time.Duration
	// Factor is what the wait is multiplied with by each further failure; less than 1 (0): 2.
	Factor float64
	// Jitter is how much is added at the most, as a fraction of the wait: pods that fell together should not come back together.
	Jitter float64
}

// Delay is the wait after a number of failures in a row. chance is a random number, which the caller makes: the same gives the same wait.
func (b Backoff) Delay(failures int, chance uint32) time.Duration {
	if failures <= 0 || b.Initial <= 0 {
		return 0
	}
	factor := b.Factor
	if !(factor >= 1) {
		factor = 2
	}
	longest := float64(max(b.Max, b.Initial))
	wait := min(float64(b.Initial)*math.Pow(factor, float64(failures-1)), longest)
	if b.Jitter > 0 {
		wait += wait * b.Jitter * float64(chance) / math.MaxUint32
	}
	return time.Duration(min(wait, math.MaxInt64/2))
}
