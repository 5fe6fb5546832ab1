package offers

import (
	"fmt"
	"slices"
	"strings"
)

// Quantities are amounts of what Mesos calls cpus, mem (MB), disk (MB) and ports, without anything that tells two resources
// of a name apart. Ports are sorted and do not touch.
type Quantities struct {
	CPUs  Milli   `json:"cpus,omitempty"`
	Mem   Milli   `json:"mem,omitempty"`
	Disk  Milli   `json:"disk,omitempty"`
	Ports []Range `json:"ports,omitempty"`
}

// IsZero says whether there is nothing in it.
func (a Quantities) IsZero() bool { return a.scalarsZero() && len(a.Ports) == 0 }

// Equal says whether both are the same amounts and ports.
func (a Quantities) Equal(b Quantities) bool {
	return a.CPUs == b.CPUs && a.Mem == b.Mem && a.Disk == b.Disk && slices.Equal(a.Ports, b.Ports)
}

// Add is both together. A port that is in both is in the sum once.
func (a Quantities) Add(b Quantities) Quantities {
	return Quantities{
		CPUs:  a.CPUs + b.CPUs,
		Mem:   a.Mem + b.Mem,
		Disk:  a.Disk + b.Disk,
		Ports: joinRanges(a.Ports, b.Ports),
	}
}

// addScalars is Add without the ports of b.
func (a Quantities) addScalars(b Quantities) Quantities {
	a.CPUs, a.Mem, a.Disk = a.CPUs+b.CPUs, a.Mem+b.Mem, a.Disk+b.Disk
	return a
}

// Contains says whether b can be taken from a. Nothing contains a negative amount.
func (a Quantities) Contains(b Quantities) bool {
	return a.containsScalars(b) && holdsRanges(a.Ports, b.Ports)
}

// Sub is what is left of a when b is taken from it; nothing and false if a does not contain b.
func (a Quantities) Sub(b Quantities) (Quantities, bool) {
	if !a.Contains(b) {
		return Quantities{}, false
	}
	return Quantities{
		CPUs:  a.CPUs - b.CPUs,
		Mem:   a.Mem - b.Mem,
		Disk:  a.Disk - b.Disk,
		Ports: cutRanges(a.Ports, b.Ports),
	}, true
}

func (a Quantities) scalarsZero() bool { return a.CPUs == 0 && a.Mem == 0 && a.Disk == 0 }

func (a Quantities) containsScalars(b Quantities) bool {
	return enough(a.CPUs, b.CPUs) && enough(a.Mem, b.Mem) && enough(a.Disk, b.Disk)
}

func enough(have, need Milli) bool { return need >= 0 && need <= have }

// String is what ParseQuantities reads: cpus:1;mem:2084;disk:32;ports:[21000-21001]. What is zero is left out.
func (a Quantities) String() string {
	var items []string
	for _, s := range a.scalars() {
		if s.amount != 0 {
			items = append(items, s.name+":"+s.amount.String())
		}
	}
	if len(a.Ports) > 0 {
		ranges := make([]string, len(a.Ports))
		for i, r := range a.Ports {
			ranges[i] = fmt.Sprintf("%d-%d", r.Begin, r.End)
		}
		items = append(items, "ports:["+strings.Join(ranges, ",")+"]")
	}
	return strings.Join(items, ";")
}

type scalar struct {
	name   string
	amount Milli
}

// scalars lists the amounts in the order in which they are written.
func (a Quantities) scalars() [3]scalar {
	return [3]scalar{{"cpus", a.CPUs}, {"mem", a.Mem}, {"disk", a.Disk}}
}
