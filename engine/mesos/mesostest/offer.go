package mesostest

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// StorageOffer is what an agent of a storage cluster offers: cpus, mem, disk, 6 ranges of ports, 12 MOUNT disks, 3 attributes, an
// address and a fault domain.
func StorageOffer(i int) mesos.Offer {
	role := func() *mesos.Resource_AllocationInfo { return &mesos.Resource_AllocationInfo{Role: ptr("quobyte")} }
	scalar := func(name string, value float64) mesos.Resource {
		return mesos.Resource{Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: value}, AllocationInfo: role()}
	}
	o := mesos.Offer{
		ID:          mesos.OfferID{Value: fmt.Sprintf("f46c9e03-a331-4a74-989e-b55ec446bcec-O%d", i)},
		FrameworkID: mesos.FrameworkID{Value: "f46c9e03-a331-4a74-989e-b55ec446bcec-0000"},
		AgentID:     mesos.AgentID{Value: fmt.Sprintf("f46c9e03-a331-4a74-989e-b55ec446bcec-S%d", i)}, Hostname: fmt.Sprintf("host-%05d.storage.example.com", i),
		AllocationInfo: role(),
		URL: &mesos.URL{
			Scheme: "http", Path: ptr("/slave(1)"),
			Address: mesos.Address{IP: ptr("10.1.2.3"), Hostname: ptr(fmt.Sprintf("host-%05d.storage.example.com", i)), Port: 5051},
		},
		Domain: &mesos.DomainInfo{FaultDomain: &mesos.DomainInfo_FaultDomain{
			Region: mesos.DomainInfo_FaultDomain_RegionInfo{Name: "eu"}, Zone: mesos.DomainInfo_FaultDomain_ZoneInfo{Name: fmt.Sprintf("zone-%d", i%5)},
		}},
	}
	for _, name := range []string{"rack", "class", "row"} {
		o.Attributes = append(o.Attributes, mesos.Attribute{Name: name, Type: mesos.TEXT, Text: &mesos.Value_Text{Value: fmt.Sprintf("%s-%d", name, i%40)}})
	}
	ports := mesos.Resource{Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{}, AllocationInfo: role()}
	for k := range uint64(6) {
		ports.Ranges.Range = append(ports.Ranges.Range, mesos.Value_Range{Begin: 20000 + 1000*k, End: 20500 + 1000*k})
	}
	o.Resources = []mesos.Resource{scalar("cpus", 32), scalar("mem", 131072), scalar("disk", 500000), ports}
	for k := range 12 {
		disk := scalar("disk", 4e6)
		disk.Disk = &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{
			Type: mesos.Resource_DiskInfo_Source_MOUNT, Mount: &mesos.Resource_DiskInfo_Source_Mount{Root: ptr(fmt.Sprintf("/mnt/disk%02d", k))},
		}}
		o.Resources = append(o.Resources, disk)
	}
	return o
}

func ptr(s string) *string { return &s }
