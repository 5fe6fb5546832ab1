package sandbox

import (
	"fmt"
	"math"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// milli rounds to what Mesos counts in: thousandths.
func milli(x float64) float64 { return math.Round(x*1000) / 1000 }

// rangesView prints ranges as version 0 does, joined where they touch.
func rangesView(list []mesos.Value_Range) string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b mesos.Value_Range) int {
		switch {
		case a.Begin < b.Begin:
			return -1
		case a.Begin > b.Begin:
			return 1
		}
		return 0
	})
	var joined []mesos.Value_Range
	for _, span := range list {
		if n := len(joined); n > 0 && span.Begin <= joined[n-1].End+1 {
			joined[n-1].End = max(joined[n-1].End, span.End)
			continue
		}
		joined = append(joined, span)
	}
	texts := make([]string, len(joined))
	for i, span := range joined {
		texts[i] = fmt.Sprintf("%d-%d", span.Begin, span.End)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func setView(items []string) string { return "{" + strings.Join(items, ", ") + "}" }
