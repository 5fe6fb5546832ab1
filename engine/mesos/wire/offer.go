package wire

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/offers"
)

// Offer converts an offer into its compact form.
func (d Decoder) Offer(o *mesos.Offer) offers.Offer {
	out := offers.Offer{
		ID:      o.ID.Value,
		AgentID: o.AgentID.Value,
		Role:    o.GetAllocationInfo().GetRole(),
		Site:    offers.Site{Hostname: o.Hostname, Attributes: attributes(o.Attributes)},
	}
	if o.URL != nil {
		out.Address = o.URL.Address.GetIP()
	}
	if o.Domain != nil && o.Domain.FaultDomain != nil {
		out.Region, out.Zone = o.Domain.FaultDomain.Region.Name, o.Domain.FaultDomain.Zone.Name
	}
	if o.Unavailability != nil {
		out.Unavailability = unavailability(o.Unavailability)
	}
	sortResources(&out, o.Resources)
	complete(&out, d.HostKeyAttribute)
	return out
}

// maxHostKey is the length of the longest host key in bytes, as of a hostname: it becomes part of the keys of records, which are bounded.
const maxHostKey = 255

// complete says who a host is, and where.
func complete(o *offers.Offer, keyAttribute string) {
	if o.Address == "" {
		o.Address = o.Hostname
	}
	o.Host = o.Hostname
	if keyAttribute != "" {
		if key := o.Attribute(keyAttribute); key != "" && len(key) <= maxHostKey && utf8.ValidString(key) {
			o.Host = key
		}
	}
}

func unavailability(u *mesos.Unavailability) *offers.Unavailability {
	out := &offers.Unavailability{Start: time.Unix(0, u.Start.Nanoseconds).UTC()}
	if u.Duration != nil {
		out.Duration = time.Duration(u.Duration.Nanoseconds)
	}
	return out
}

// attributes renders attributes as text, in the agent's order.
func attributes(list []mesos.Attribute) []offers.Attribute {
	if len(list) == 0 {
		return nil
	}
	out := make([]offers.Attribute, len(list))
	for i := range list {
		out[i] = offers.Attribute{Name: list[i].Name, Value: attributeText(&list[i])}
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

// kind is what is to be done with a resource of an offer.
type kind uint8

const (
	plain kind = iota // unreserved cpus, mem, root disk, ports
	mount             // an unreserved MOUNT disk
	other
)

// sortResources divides the resources of an offer. Slices are made once, as long as they become: a cluster offers thousands
// of disks at a time.
func sortResources(out *offers.Offer, list []mesos.Resource) {
	var mounts, ranges, others int
	for i := range list {
		switch r := &list[i]; kindOf(r) {
		case plain:
			ranges += len(r.GetRanges().GetRange())
		case mount:
			mounts++
		default:
			others++
		}
	}
	if mounts > 0 {
		out.Mounts = make([]offers.Mount, 0, mounts)
	}
	if ranges > 0 {
		out.Free.Ports = make([]offers.Range, 0, ranges)
	}
	if others > 0 {
		out.Rest = make([]offers.Resource, 0, others)
	}
	for i := range list {
		switch r := &list[i]; kindOf(r) {
		case plain:
			addPlain(&out.Free, r)
		case mount:
			out.Mounts = append(out.Mounts, mountOf(r))
		default:
			out.Rest = append(out.Rest, resource(r))
		}
	}
	out.Free.Ports = merge(out.Free.Ports)
}

func kindOf(r *mesos.Resource) kind {
	reserved := len(r.Reservations) > 0 || r.Reservation != nil || (r.Role != nil && *r.Role != "" && *r.Role != "*")
	if reserved || r.Revocable != nil || r.Shared != nil {
		return other
	}
	if d := r.Disk; d != nil {
		switch {
		case d.Persistence != nil || d.Volume != nil || r.Name != "disk":
			return other
		case d.Source == nil && r.ProviderID == nil:
			return plain
		case d.Source != nil && d.Source.Type == mesos.Resource_DiskInfo_Source_MOUNT && d.Source.Mount != nil:
			return mount
		}
		return other
	}
	if r.ProviderID != nil {
		return other
	}
	switch r.Name {
	case "cpus", "mem", "disk":
		if r.Scalar != nil {
			return plain
		}
	case "ports":
		if r.Ranges != nil {
			return plain
		}
	}
	return other
}

func addPlain(to *offers.Quantities, r *mesos.Resource) {
	switch r.Name {
	case "cpus":
		to.CPUs = sum(to.CPUs, r.Scalar.GetValue())
	case "mem":
		to.Mem = sum(to.Mem, r.Scalar.GetValue())
	case "disk":
		to.Disk = sum(to.Disk, r.Scalar.GetValue())
	case "ports":
		for _, p := range r.Ranges.GetRange() {
			to.Ports = append(to.Ports, offers.Range{Begin: p.Begin, End: p.End})
		}
	}
}

func mountOf(r *mesos.Resource) offers.Mount {
	return offers.Mount{
		Size:     sum(0, r.Scalar.GetValue()),
		Root:     r.Disk.Source.Mount.GetRoot(),
		Provider: providerOf(r),
		Provided: provided(r.Disk.Source),
	}
}

// sum adds a scalar to an amount as Mesos does, rounded to three decimals. What is no amount adds nothing.
func sum(total offers.Milli, scalar float64) offers.Milli {
	const most = 1e12 // units; beyond any cluster, and thousands of them still add up
	if !(scalar > 0 && scalar <= most) || total > offers.Scalar(most)*1000 {
		return total
	}
	return total + offers.Scalar(scalar)
}

// merge sorts ranges and joins those that overlap or touch. Inverted ones hold nothing and are dropped. The slice is used
// for the result.
func merge(in []offers.Range) []offers.Range {
	if len(in) == 0 {
		return nil
	}
	in = slices.DeleteFunc(in, func(r offers.Range) bool { return r.Begin > r.End })
	slices.SortFunc(in, func(a, b offers.Range) int { return cmp.Compare(a.Begin, b.Begin) })
	out := in[:0]
	for _, r := range in {
		if n := len(out); n > 0 && (r.Begin <= out[n-1].End || r.Begin-1 == out[n-1].End) {
			out[n-1].End = max(out[n-1].End, r.End)
			continue
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
