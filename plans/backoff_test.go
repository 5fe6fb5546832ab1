package plans

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBackoffDelay(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name     string
		backoff  Backoff
		failures int
		chance   uint32
		want     time.Duration
	}{
		{"the zero value waits not at all", Backoff{}, 3, 7, 0},
		{"without an initial wait there is none", Backoff{Max: time.Hour, Factor: 2, Jitter: 1}, 3, 7, 0},
		{"a negative initial wait is none", Backoff{Initial: -s, Max: time.Hour}, 1, 0, 0},
		{"nothing has failed", Backoff{Initial: s, Max: time.Minute}, 0, 0, 0},
		{"less than nothing has failed", Backoff{Initial: s, Max: time.Minute}, -1, 0, 0},
		{"the first failure", Backoff{Initial: s, Max: time.Minute}, 1, 0, s},
		{"the factor is 2", Backoff{Initial: s, Max: time.Minute}, 4, 0, 8 * s},
		{"a factor", Backoff{Initial: s, Max: time.Minute, Factor: 1.5}, 3, 0, 2250 * time.Millisecond},
		{"a factor of 1 stays", Backoff{Initial: s, Max: time.Minute, Factor: 1}, 100, 0, s},
		{"a factor below 1 is 2", Backoff{Initial: s, Max: time.Minute, Factor: 0.5}, 3, 0, 4 * s},
		{"a negative factor is 2", Backoff{Initial: s, Max: time.Minute, Factor: -3}, 3, 0, 4 * s},
		{"what is no number is 2", Backoff{Initial: s, Max: time.Minute, Factor: math.NaN()}, 3, 0, 4 * s},
		{"an infinite factor", Backoff{Initial: s, Max: time.Minute, Factor: math.Inf(1)}, 2, 0, time.Minute},
		{"up to the longest", Backoff{Initial: s, Max: time.Minute}, 7, 0, time.Minute},
		{"no longest is the initial", Backoff{Initial: s}, 7, 0, s},
		{"a longest below the initial is the initial", Backoff{Initial: s, Max: time.Millisecond}, 7, 0, s},
		{"no chance adds nothing", Backoff{Initial: s, Max: time.Minute, Jitter: 0.5}, 1, 0, s},
		{"all chance adds all the jitter", Backoff{Initial: s, Max: time.Minute, Jitter: 0.5}, 1, math.MaxUint32, 1500 * time.Millisecond},
		{"jitter comes on top of the longest", Backoff{Initial: s, Max: time.Minute, Jitter: 0.5}, 50, math.MaxUint32, 90 * s},
		{"negative jitter is none", Backoff{Initial: s, Max: time.Minute, Jitter: -0.5}, 1, math.MaxUint32, s},
		{"as many failures as there are numbers", Backoff{Initial: s, Max: time.Hour}, math.MaxInt, 0, time.Hour},
		{"the longest of all", Backoff{Initial: s, Max: math.MaxInt64, Jitter: 1}, math.MaxInt, math.MaxUint32, 1 << 62},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.backoff.Delay(tc.failures, tc.chance); got != tc.want {
				t.Errorf("%s after %d failures, want %s", got, tc.failures, tc.want)
			}
		})
	}
}

func TestBackoffProperties(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		b := Backoff{
			Initial: time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "initial")),
			Max:     time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "max")),
			Factor:  rapid.Float64Range(0, 10).Draw(t, "factor"),
			Jitter:  rapid.Float64Range(0, 2).Draw(t, "jitter"),
		}
		failures := oneOf(t, "failures", rapid.IntRange(0, 50).Draw(t, "some"), rapid.IntRange(0, math.MaxInt-1).Draw(t, "many"))
		chance := rapid.Uint32().Draw(t, "chance")
		wait := b.Delay(failures, chance)
		if again := b.Delay(failures, chance); again != wait {
			t.Errorf("waits %s, and with the same chance %s", wait, again)
		}
		if more := b.Delay(failures+1, chance); more < wait {
			t.Errorf("waits %s after %d failures, and only %s after one more", wait, failures, more)
		}
		longest := max(b.Max, b.Initial)
		if most := float64(longest) * (1 + b.Jitter); float64(wait) > most {
			t.Errorf("waits %s, longer than %s and the jitter", wait, longest)
		}
		if least := b.Delay(failures, 0); wait < least || (failures > 0) != (least >= b.Initial) {
			t.Errorf("waits %s after %d failures, and without a chance %s; the first wait is %s", wait, failures, least, b.Initial)
		}
	})
}
