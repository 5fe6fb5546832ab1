package wire

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/offers"
)

func (d Decoder) offer(o *mesos.Offer) offers.Offer {
	out := offers.Offer{
		ID:          o.ID.Value,
		AgentID:     o.AgentID.Value,
		Hostname:    o.Hostname,
		Host:        o.Hostname,
		Address:     o.Hostname,
		Role:        o.GetAllocationInfo().GetRole(),
		Attributes:  attributes(o.Attributes),
		Free:        free(o.Resources),
		Unavailable: o.Unavailability != nil,
	}
	if key := out.Attributes[d.HostKeyAttribute]; d.HostKeyAttribute != "" && key != "" {
		out.Host = key
	}
	if o.URL != nil && o.URL.Address.GetIP() != "" {
		out.Address = o.URL.Address.GetIP()
	}
	return out
}

// attributes renders attributes as text. Of several with one name the first counts, as in Mesos's own offer constraints.
func attributes(list []mesos.Attribute) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]string, len(list))
	for i := range list {
		a := &list[i]
		if _, ok := out[a.Name]; !ok {
			out[a.Name] = attributeText(a)
		}
	}
	return out
}

func attributeText(a *mesos.Attribute) string {
	switch a.Type {
	case mesos.SCALAR:
		return fmt.Sprintf("%.3f", a.GetScalar().GetValue())
	case mesos.RANGES:
		var parts []string
		for _, r := range a.GetRanges().GetRange() {
			parts = append(parts, fmt.Sprintf("%d-%d", r.Begin, r.End))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case mesos.SET:
		return "{" + strings.Join(a.GetSet().GetItem(), ",") + "}"
	}
	return a.GetText().GetValue()
}

// free adds up the plain resources. All else (reserved, revocable, shared, provided by a resource provider, disks with a
// source) is somebody's or needs care that plain resources do not, and is left alone.
func free(list []mesos.Resource) offers.Quantities {
	var out offers.Quantities
	for i := range list {
		r := &list[i]
		if !plain(r) {
			continue
		}
		switch r.Name {
		case "cpus":
			out.CPUs = sum(out.CPUs, r.GetScalar().GetValue())
		case "mem":
			out.Mem = sum(out.Mem, r.GetScalar().GetValue())
		case "disk":
			out.Disk = sum(out.Disk, r.GetScalar().GetValue())
		case "ports":
			for _, p := range r.GetRanges().GetRange() {
				out.Ports = append(out.Ports, offers.Range{Begin: p.Begin, End: p.End})
			}
		}
	}
	out.Ports = merge(out.Ports)
	return out
}

func plain(r *mesos.Resource) bool {
	reserved := len(r.Reservations) > 0 || r.Reservation != nil || (r.Role != nil && *r.Role != "" && *r.Role != "*")
	special := r.Revocable != nil || r.Shared != nil || r.ProviderID != nil
	disk := r.Disk != nil && (r.Disk.Source != nil || r.Disk.Persistence != nil || r.Disk.Volume != nil)
	return !reserved && !special && !disk
}

// sum adds a scalar to an amount as Mesos does, rounded to three decimals. What is no amount adds nothing.
func sum(total offers.Milli, scalar float64) offers.Milli {
	const most = math.MaxInt64 / 4 // beyond any cluster, and two of them still add up
	m := math.Round(scalar * 1000)
	if !(m > 0) || m > most || total > most {
		return total
	}
	return total + offers.Milli(m)
}

// merge sorts ranges and joins those that overlap or touch. Inverted ones hold nothing and are dropped.
func merge(in []offers.Range) []offers.Range {
	in = slices.DeleteFunc(in, func(r offers.Range) bool { return r.Begin > r.End })
	slices.SortFunc(in, func(a, b offers.Range) int { return cmp.Compare(a.Begin, b.Begin) })
	var out []offers.Range
	for _, r := range in {
		if n := len(out); n > 0 && (r.Begin <= out[n-1].End || r.Begin-1 == out[n-1].End) {
			out[n-1].End = max(out[n-1].End, r.End)
			continue
		}
		out = append(out, r)
	}
	return out
}
