package offers

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Milli is an amount in thousandths: Mesos keeps scalars with three decimals (reference: fixed-point ×1000).
type Milli int64

// maxMilli is the largest amount that is read from outside (10^12 units). Sums of thousands of offers stay far from the
// limits of int64.
const maxMilli Milli = 1e15

// Scalar converts an amount as Mesos writes it. Mesos keeps three decimals, rounded half away from zero. What is not a
// number becomes zero, and amounts beyond 10^12 units become 10^12 units.
func Scalar(f float64) Milli {
	if math.IsNaN(f) {
		return 0
	}
	m := math.Round(f * 1000)
	switch {
	case m >= float64(maxMilli):
		return maxMilli
	case m <= -float64(maxMilli):
		return -maxMilli
	}
	return Milli(m)
}

// Float is the amount as Mesos writes it.
func (m Milli) Float() float64 { return float64(m) / 1000 }

// String is the amount in units, without trailing zeros: 2084, 0.5.
func (m Milli) String() string {
	sign, u := "", uint64(m)
	if m < 0 {
		sign, u = "-", -u
	}
	whole := strconv.FormatUint(u/1000, 10)
	if u%1000 == 0 {
		return sign + whole
	}
	return sign + whole + "." + strings.TrimRight(fmt.Sprintf("%03d", u%1000), "0")
}
