package offers

import (
	"fmt"
	"testing"
)

// storageCluster is hosts with cpus, mem, disk, 6 ranges of ports, 12 MOUNT disks, 3 attributes and a zone. No two have the
// same amounts free.
func storageCluster(hosts int) []Offer {
	pool := make([]Offer, hosts)
	for i := range pool {
		o := Offer{
			ID: fmt.Sprintf("O%05d", i), AgentID: fmt.Sprintf("S%05d", i), Role: "quobyte", Address: "10.0.0.1",
			Site: Site{
				Host: fmt.Sprintf("host-%05d", i), Hostname: fmt.Sprintf("host-%05d", i), Region: "eu", Zone: fmt.Sprintf("zone-%d", i%5),
				Attributes: []Attribute{{"rack", fmt.Sprintf("rack-%d", i%250)}, {"class", []string{"ssd", "hdd"}[i%2]}, {"row", fmt.Sprint(i % 25)}},
			},
			Free: Quantities{CPUs: Milli(8000 + i*7%24000), Mem: Milli(32e6 + i*13%96000*1000), Disk: 500e6},
		}
		for k := range uint64(6) {
			o.Free.Ports = append(o.Free.Ports, Range{20000 + 1000*k, 20500 + 1000*k})
		}
		for k := range 12 {
			o.Mounts = append(o.Mounts, Mount{Size: 4e9 + Milli(k), Root: fmt.Sprintf("/mnt/disk%02d", k)})
		}
		pool[i] = o
	}
	return pool
}

func metadataPod(i int) Requirement {
	return Requirement{
		Subject: fmt.Sprintf("metadata-%d", i), PodType: "metadata", CPUs: 2000, Mem: 8192e3, Disk: 32e3,
		Ports:   []Port{{Name: "rpc", Number: 21002}, {Name: "http", Number: 21003}, {Name: "admin"}},
		Volumes: []Volume{{Name: "db", Type: MountVolume, Size: 1e9, ContainerPath: "db"}},
		Claim:   &Claim{Service: "quobyte", Framework: "F", Principal: "p", ID: fmt.Sprintf("claim-%d", i)},
	}
}

// BenchmarkPlaceFree: 200 pods that may go anywhere, on 10,000 hosts, with a constraint and spread over zones. Making the
// indexes is part of it.
func BenchmarkPlaceFree(b *testing.B) {
	constraint, err := ParseConstraint("class:IS:ssd,rack:MAX_PER:2,hostname:UNLIKE:host-0000.")
	if err != nil {
		b.Fatal(err)
	}
	round := Round{Offers: storageCluster(10000)}
	for i := range 200 {
		r := metadataPod(i)
		r.Constraint = constraint
		round.Requirements = append(round.Requirements, r)
	}
	benchmark(b, round, 200)
}

// BenchmarkPlaceFreeCrowded: the same with three pods and three reservations on every host, and each host a little better than
// the one before.
func BenchmarkPlaceFreeCrowded(b *testing.B) {
	constraint, err := ParseConstraint("rack:MAX_PER:300,hostname:UNLIKE:host-0000.")
	if err != nil {
		b.Fatal(err)
	}
	round := Round{Offers: storageCluster(10000)}
	for i := range round.Offers {
		o := &round.Offers[i]
		o.Zone, o.Free.CPUs, o.Free.Mem = "z", Milli(90000-i), 64e6
		for k := range 3 {
			name := fmt.Sprintf("data-%d", 3*i+k)
			claim := Claim{Service: "quobyte", Framework: "F", Principal: "p", ID: "claim-" + name}
			o.Rest = append(o.Rest, plainResources(Quantities{CPUs: 100, Mem: 1e6}, o.Role, []Reservation{claim.reservation(name, o.Role)})...)
			round.Pods = append(round.Pods, Pod{Name: name, PodType: "data", Site: o.Site, Ports: []uint64{uint64(7000 + k)}})
		}
	}
	for i := range 200 {
		r := metadataPod(i)
		r.Constraint = constraint
		r.Volumes = append(r.Volumes, Volume{Name: "log", Type: MountVolume, Size: 1e9, ContainerPath: "log"})
		round.Requirements = append(round.Requirements, r)
	}
	benchmark(b, round, 200)
}

// BenchmarkPlacePortBase: bases for two ports, where every second number is free, on 200 hosts; none fits.
func BenchmarkPlacePortBase(b *testing.B) {
	round := Round{Offers: storageCluster(200)}
	var ports []Range
	for n := uint64(1025); n < 65535; n += 2 {
		ports = append(ports, Range{n, n})
	}
	for i := range round.Offers {
		round.Offers[i].Free.Ports = ports
	}
	round.Requirements = []Requirement{{Subject: "a", PodType: "a", CPUs: 100, Ports: []Port{{Name: "x", Offset: true}, {Name: "y", Offset: true, Number: 1}}}}
	benchmark(b, round, 0)
}

// BenchmarkPlaceBound: one pod on every one of 10,000 hosts.
func BenchmarkPlaceBound(b *testing.B) {
	round := Round{Offers: storageCluster(10000)}
	for i := range round.Offers {
		r := Requirement{
			Subject: fmt.Sprintf("data-%d", i), PodType: "data", Host: round.Offers[i].Host, CPUs: 4000, Mem: 4096e3, Disk: 32e3,
			Ports: []Port{{Name: "rpc", Number: 21004}, {Name: "http", Number: 21005}},
		}
		round.Requirements = append(round.Requirements, r)
	}
	benchmark(b, round, 10000)
}

// BenchmarkPlaceBoundClaimed: the same with everything reserved.
func BenchmarkPlaceBoundClaimed(b *testing.B) {
	round := Round{Offers: storageCluster(10000)}
	for i := range round.Offers {
		r := Requirement{
			Subject: fmt.Sprintf("data-%d", i), PodType: "data", Host: round.Offers[i].Host, CPUs: 4000, Mem: 4096e3, Disk: 32e3,
			Ports: []Port{{Name: "rpc", Number: 21004}, {Name: "http", Number: 21005}},
			Claim: &Claim{Service: "quobyte", Framework: "F", Principal: "p", ID: fmt.Sprintf("claim-%d", i)},
		}
		round.Requirements = append(round.Requirements, r)
	}
	benchmark(b, round, 10000)
}

// BenchmarkPlaceBoundReserved: the same with two volumes on MOUNT disks each.
func BenchmarkPlaceBoundReserved(b *testing.B) {
	round := Round{Offers: storageCluster(10000)}
	for i := range round.Offers {
		r := metadataPod(i)
		r.Host = round.Offers[i].Host
		r.Volumes = append(r.Volumes, Volume{Name: "log", Type: MountVolume, Root: "/mnt/disk07", ContainerPath: "log"})
		round.Requirements = append(round.Requirements, r)
	}
	benchmark(b, round, 10000)
}

// refusedRound is a pod that fits none of 10,000 hosts, each of which lacks other ports, and cpus, mem or a disk.
func refusedRound(b *testing.B) Round {
	constraint, err := ParseConstraint("hostname:LIKE:host-.*[0-8]")
	if err != nil {
		b.Fatal(err)
	}
	r := metadataPod(0)
	r.Constraint = constraint
	r.CPUs = 20000
	r.Mem = 100000e3
	r.Ports[1].Number = 29000
	r.Volumes[0].Size = 5e9
	round := Round{Offers: storageCluster(10000), Requirements: []Requirement{r}}
	for i := range round.Offers {
		free := &round.Offers[i].Free
		free.Ports = append([]Range{{20000 + uint64(i%40), 21000 + uint64(i%5)}}, free.Ports[2:]...)
	}
	return round
}

// BenchmarkRefuse looks in vain for a host, and explains why: the constraint is judged anew for every host each time.
func BenchmarkRefuse(b *testing.B) {
	round := refusedRound(b)
	p := newPool(round.Offers, nil, 1)
	b.ReportAllocs()
	for b.Loop() {
		p.refused, p.census.columns = verdict{}, nil
		res := p.place(&round.Requirements[0])
		if res.Placement != nil || len(Explain(round.Requirements[0], res)) < 40 {
			b.Fatal("it fits")
		}
	}
}

// BenchmarkRefuseRound is BenchmarkRefuse with the making of the indexes, which a round does once.
func BenchmarkRefuseRound(b *testing.B) {
	round := refusedRound(b)
	benchmark(b, round, 0)
}

func benchmark(b *testing.B, round Round, fit int) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, r := range Place(round) {
			if r.Placement != nil {
				n++
			}
		}
		if n != fit {
			b.Fatalf("%d fit", n)
		}
	}
}
