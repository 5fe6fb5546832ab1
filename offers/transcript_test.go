package offers

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestTranscripts runs the stories under testdata. Each file has its own offers and pods. The commands:
//
//	offers                                     adds offers, a line each
//	O1 host=h1 cpus:4;mem:4096 role=dev agent=a1 zone=z1 region=eu rack=r1 unavailable
//	   mount=/d1:4000 mount=/d2:4000:ssd       MOUNT disks, in MB, with a profile
//	   static(dev)=cpus:1                      reserved by the operator
//	   held(registry-0,c1)=cpus:1;mem:512      reserved for a pod of ours with a claim
//	   held(x,c9,other)=cpus:1                 the same of another service
//	   volume(registry-0,c1,ID)=1000           a volume on the root disk; with @/d1 on a MOUNT disk
//	(the agent is the host's key and the role is dev where none is given; what else has a name is an attribute)
//
//	withdraw                                   takes all offers back
//
//	pods                                       sets the pods that have a place
//	api-0 type=api host=h1 zone=z1 ports=80,443
//
//	place [refusals]                           places a requirement per line in one round, then groups the results
//	registry-0 type=registry host=h1 cpus:1;mem:512 rpc=21000 http=21001? any=* from=*[31000-31004]
//	(a question mark makes a port unmanaged, a star takes any number, base=N or base=* with rpc=+0 counts from a base)
//	   claim=c1 held=cpus:1 data=ROOT:1000 db=MOUNT:4000 log=MOUNT@/d1 prior(db)=ID prior(any)=31002
//	   constraint=rack:UNIQUE roles=dev,ops prereserved=public avoid=client colocate=data executor=cpus:0.1
//
//	unwanted [partial]                         what is reserved for no pod; a line per pod that is known
//	registry-0 c1
//
//	release                                    gives back what a pod has
//	registry-0 c1
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		s := story{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t = t
			switch d.Cmd {
			case "offers":
				return s.addOffers(lines(d.Input))
			case "withdraw":
				s.offers = nil
				return ""
			case "pods":
				return s.setPods(lines(d.Input))
			case "place":
				return s.place(lines(d.Input), d.HasArg("refusals"))
			case "unwanted":
				return s.unwanted(lines(d.Input), !d.HasArg("partial"))
			case "release":
				words := lines(d.Input)[0]
				return showReleases(ReleaseClaim(s.offers, words[0], Claim{Service: "quobyte", ID: words[1]}))
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

type story struct {
	t      *testing.T
	offers []Offer
	pods   []Pod
}

// lines are the words of each line. One that begins with a space goes on with the line before.
func lines(input string) [][]string {
	var all [][]string
	for line := range strings.SplitSeq(input, "\n") {
		if strings.HasPrefix(line, " ") && len(all) > 0 {
			all[len(all)-1] = append(all[len(all)-1], strings.Fields(line)...)
			continue
		}
		all = append(all, strings.Fields(line))
	}
	return all
}

func (s *story) addOffers(lines [][]string) string {
	for _, words := range lines {
		if len(words) == 0 {
			continue
		}
		o := Offer{ID: words[0], Role: "dev"}
		for _, word := range words[1:] {
			s.offerWord(&o, word)
		}
		if o.AgentID == "" {
			o.AgentID = o.Host
		}
		s.offers = append(s.offers, o)
	}
	return ""
}

func (s *story) offerWord(o *Offer, word string) {
	key, value, _ := strings.Cut(word, "=")
	call, args, _ := strings.Cut(strings.TrimSuffix(key, ")"), "(")
	switch call {
	case "host":
		o.Host, o.Hostname = value, value
	case "role":
		o.Role = value
	case "agent":
		o.AgentID = value
	case "zone":
		o.Zone = value
	case "region":
		o.Region = value
	case "unavailable":
		o.Unavailability = &Unavailability{Start: time.Unix(0, 0)}
	case "mount":
		o.Mounts = append(o.Mounts, s.mount(value))
	case "static":
		o.Rest = append(o.Rest, plainResources(s.quantities(value), o.Role, []Reservation{{Role: args}})...)
	case "held":
		o.Rest = append(o.Rest, plainResources(s.quantities(value), o.Role, stackOf(o.Role, args))...)
	case "volume":
		o.Rest = append(o.Rest, s.volume(o.Role, args, value))
	default:
		if !strings.Contains(key, ":") {
			o.Attributes = append(o.Attributes, Attribute{key, value})
			return
		}
		o.Free = s.quantities(word)
	}
}

func (s *story) mount(text string) Mount {
	parts := strings.Split(text, ":")
	m := Mount{Root: parts[0], Size: s.milli(parts[1])}
	if len(parts) > 2 {
		m.Provided = &Provided{Profile: parts[2]}
	}
	return m
}

// stackOf is the reservation of a claim, given as pod,claim or pod,claim,service.
func stackOf(role, args string) []Reservation {
	parts := append(strings.Split(args, ","), "quobyte")
	return []Reservation{Claim{Service: parts[2], Framework: "F", Principal: "p", ID: parts[1]}.reservation(parts[0], role)}
}

func (s *story) volume(role, args, value string) Resource {
	parts := strings.Split(args, ",")
	size, root, mounted := strings.Cut(value, "@")
	r := Resource{Name: "disk", Scalar: s.milli(size), Role: role, Reservations: stackOf(role, parts[0]+","+parts[1]),
		Disk: &Disk{Persistence: &Persistence{ID: parts[2], Principal: "p"}, Volume: &DiskVolume{ContainerPath: "old"}}}
	if mounted {
		r.Disk.Source = Source{Type: MountDisk, Root: root}
	}
	return r
}

func (s *story) quantities(text string) Quantities {
	r, err := ParseQuantities(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *story) milli(text string) Milli {
	m, err := parseMilli(text)
	if err != nil {
		s.t.Fatal(text, err)
	}
	return m
}

func (s *story) number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *story) setPods(lines [][]string) string {
	s.pods = nil
	for _, words := range lines {
		if len(words) == 0 {
			continue
		}
		p := Pod{Name: words[0]}
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, "=")
			switch key {
			case "type":
				p.PodType = value
			case "host":
				p.Site.Host, p.Site.Hostname = value, value
			case "zone":
				p.Site.Zone = value
			case "ports":
				for n := range strings.SplitSeq(value, ",") {
					p.Ports = append(p.Ports, s.number(n))
				}
			default:
				p.Site.Attributes = append(p.Site.Attributes, Attribute{key, value})
			}
		}
		s.pods = append(s.pods, p)
	}
	return ""
}

func (s *story) requirement(words []string) Requirement {
	r := Requirement{Subject: words[0], PodType: strings.TrimRight(words[0], "-0123456789")}
	for _, word := range words[1:] {
		s.requirementWord(&r, word)
	}
	if err := r.Validate(); err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *story) requirementWord(r *Requirement, word string) {
	key, value, pair := strings.Cut(word, "=")
	call, of, _ := strings.Cut(strings.TrimSuffix(key, ")"), "(")
	list := strings.Split(value, ",")
	switch call {
	case "type":
		r.PodType = value
	case "host":
		r.Host = value
	case "roles":
		r.Roles = list
	case "prereserved":
		r.PreReserved = value
	case "avoid":
		r.Avoid = list
	case "colocate":
		r.Colocate = list
	case "executor":
		r.Executor = s.quantities(value)
	case "claim":
		r.Claim = &Claim{Service: "quobyte", Framework: "F", Principal: "p", ID: value}
	case "held":
		r.Claim.Held = s.quantities(value)
	case "constraint":
		c, err := ParseConstraint(value)
		if err != nil {
			s.t.Fatal(err)
		}
		r.Constraint = c
	case "base":
		if value != "*" {
			r.PortBase.Number = s.number(value)
		}
	case "prior":
		s.prior(r, of, value)
	default:
		switch {
		case !pair:
			q := s.quantities(word)
			r.CPUs, r.Mem, r.Disk = q.CPUs, q.Mem, q.Disk
		case strings.HasPrefix(value, "ROOT") || strings.HasPrefix(value, "MOUNT"):
			r.Volumes = append(r.Volumes, s.requiredVolume(key, value))
		default:
			r.Ports = append(r.Ports, s.port(key, value))
		}
	}
}

func (s *story) prior(r *Requirement, of, value string) {
	for i := range r.Volumes {
		if r.Volumes[i].Name == of {
			r.Volumes[i].Prior = value
			return
		}
	}
	for i := range r.Ports {
		if r.Ports[i].Name == of {
			r.Ports[i].Prior = s.number(value)
			return
		}
	}
	s.t.Fatalf("prior of unknown %q", of)
}

func (s *story) requiredVolume(name, value string) Volume {
	v := Volume{Name: name, ContainerPath: name}
	value, v.Root, _ = strings.Cut(value, "@")
	parts := strings.Split(value, ":")
	v.Type = VolumeType(parts[0])
	if len(parts) > 1 {
		v.Size = s.milli(parts[1])
	}
	if len(parts) > 2 {
		v.Profiles = strings.Split(parts[2], "|")
	}
	return v
}

func (s *story) port(name, value string) Port {
	p := Port{Name: name}
	value, p.Unmanaged = strings.CutSuffix(value, "?")
	if name == "udp" {
		p.Protocol = name
	}
	if ranges, any := strings.CutPrefix(value, "*"); any {
		if ranges != "" {
			p.Ranges = s.quantities("ports:" + ranges).Ports
		}
		return p
	}
	value, p.Offset = strings.CutPrefix(value, "+")
	p.Number = s.number(value)
	return p
}

func (s *story) place(lines [][]string, refusals bool) string {
	var reqs []Requirement
	for _, words := range lines {
		reqs = append(reqs, s.requirement(words))
	}
	results := Place(Round{Requirements: reqs, Offers: s.offers, Pods: s.pods})
	var b strings.Builder
	for i, res := range results {
		fmt.Fprintf(&b, "%s: %s\n", reqs[i].Subject, Explain(reqs[i], res))
		if res.Placement != nil {
			showPlacement(&b, res.Placement)
		}
		if refusals {
			showRefusals(&b, res)
		}
	}
	for _, a := range Group(results) {
		var subjects []string
		for _, i := range a.Results {
			subjects = append(subjects, reqs[i].Subject)
		}
		fmt.Fprintf(&b, "ACCEPT %s on %s as %s for %s\n", strings.Join(a.OfferIDs, " "), a.AgentID, a.Role, strings.Join(subjects, " "))
	}
	return b.String()
}

func showPlacement(b *strings.Builder, p *Placement) {
	if len(p.Ports) > 0 {
		fmt.Fprintf(b, "  ports %v\n", p.Ports)
	}
	for _, v := range p.Volumes {
		fmt.Fprintf(b, "  volume %s %s MB %s new=%v\n", v.ID, v.Size, v.Root, v.New)
	}
	showOperations(b, p.Operations)
	if p.Grows {
		return
	}
	for _, part := range []struct {
		name string
		of   Resources
	}{{"executor", p.Executor}, {"task", p.Task}} {
		if len(part.of) > 0 {
			fmt.Fprintf(b, "  %s %s\n", part.name, brief(part.of))
		}
	}
}

// brief shortens what is the same everywhere in the stories.
func brief(r Resources) string {
	return strings.NewReplacer("(allocated: dev)", "", "framework_id: F, service: quobyte, pod: ", "", "resource_id: ", "").Replace(r.String())
}

func showOperations(b *strings.Builder, ops []Operation) {
	for _, op := range ops {
		if op.Type == GrowVolume {
			fmt.Fprintf(b, "  %s %s by %s\n", op.Type, brief(Resources{op.Volume}), brief(Resources{op.Addition}))
			continue
		}
		fmt.Fprintf(b, "  %s %s\n", op.Type, brief(op.Resources))
	}
}

func showRefusals(b *strings.Builder, res Result) {
	for _, r := range res.Refusals {
		fmt.Fprintf(b, "  %s host=%s", r.Code, r.Host)
		for _, f := range []struct{ name, value string }{
			{"role", r.Role}, {"resource", r.Resource}, {"name", r.Name}, {"clause", r.Clause}, {"need", r.Need}, {"have", r.Have},
		} {
			if f.value != "" {
				fmt.Fprintf(b, " %s=%q", f.name, f.value)
			}
		}
		b.WriteString("\n")
	}
}

func (s *story) unwanted(lines [][]string, complete bool) string {
	known := Known{Service: "quobyte", Framework: "F", Claims: map[string]string{}, Complete: complete}
	for _, words := range lines {
		if len(words) == 2 {
			known.Claims[words[0]] = words[1]
		}
	}
	return showReleases(Unwanted(s.offers, known))
}

func showReleases(all []Release) string {
	if len(all) == 0 {
		return "nothing\n"
	}
	var b strings.Builder
	for _, r := range all {
		fmt.Fprintf(&b, "ACCEPT %s on %s as %s, of %s\n", strings.Join(r.OfferIDs, " "), r.AgentID, r.Role, strings.Join(r.Pods, " "))
		showOperations(&b, r.Operations)
	}
	return b.String()
}
