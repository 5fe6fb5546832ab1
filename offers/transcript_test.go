package offers

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestTranscripts runs the stories under testdata. Each file has its own pool of offers. The commands:
//
//	offers                                     adds to the pool, a line per offer
//	O1 host=h1 cpus:4;mem:4096 role=dev agent=a1 unavailable
//	(the agent is the host's key and the role is dev where none is given)
//
//	withdraw                                   empties the pool
//
//	used                                       sets the unmanaged ports in use
//	h1 21000 21001
//
//	place [refusals]                           places a requirement per line in one round, then groups the results
//	registry-0 host=h1 cpus:1;mem:512 rpc=21000 http=21001?
//	(without a host it is free; a question mark makes a port unmanaged)
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		s := story{used: map[string][]uint64{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t = t
			switch d.Cmd {
			case "offers":
				return s.offers(lines(d.Input))
			case "withdraw":
				s.pool = nil
				return ""
			case "used":
				return s.use(lines(d.Input))
			case "place":
				return s.place(lines(d.Input), d.HasArg("refusals"))
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

type story struct {
	t    *testing.T
	pool []Offer
	used map[string][]uint64
}

func lines(input string) [][]string {
	var all [][]string
	for line := range strings.SplitSeq(input, "\n") {
		all = append(all, strings.Fields(line))
	}
	return all
}

func (s *story) offers(lines [][]string) string {
	for _, words := range lines {
		o := Offer{ID: words[0], Role: "dev"}
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, "=")
			switch key {
			case "host":
				o.Host, o.Hostname = value, value
			case "role":
				o.Role = value
			case "agent":
				o.AgentID = value
			case "unavailable":
				o.Unavailable = true
			default:
				o.Free = s.resources(word)
			}
		}
		if o.AgentID == "" {
			o.AgentID = o.Host
		}
		s.pool = append(s.pool, o)
	}
	return ""
}

func (s *story) resources(text string) Quantities {
	r, err := ParseQuantities(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *story) number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *story) use(lines [][]string) string {
	for _, words := range lines {
		s.used[words[0]] = nil
		for _, word := range words[1:] {
			s.used[words[0]] = append(s.used[words[0]], s.number(word))
		}
	}
	return ""
}

func (s *story) requirement(words []string) Requirement {
	r := Requirement{Subject: words[0]}
	for _, word := range words[1:] {
		key, value, isPair := strings.Cut(word, "=")
		switch {
		case key == "host":
			r.Host = value
		case isPair:
			number, unmanaged := strings.CutSuffix(value, "?")
			r.Ports = append(r.Ports, Port{Name: key, Number: s.number(number), Unmanaged: unmanaged})
		default:
			free := s.resources(word)
			r.CPUs, r.Mem, r.Disk = free.CPUs, free.Mem, free.Disk
		}
	}
	return r
}

func (s *story) place(lines [][]string, refusals bool) string {
	var reqs []Requirement
	for _, words := range lines {
		reqs = append(reqs, s.requirement(words))
	}
	results := Place(reqs, s.pool, func(host string) []uint64 { return s.used[host] })
	var b strings.Builder
	for i, res := range results {
		fmt.Fprintf(&b, "%s: %s", reqs[i].Subject, Explain(reqs[i], res))
		if p := res.Placement; p != nil {
			fmt.Fprintf(&b, ": %s as %s of %s", p.Take, p.Role, strings.Join(p.OfferIDs, " "))
		}
		b.WriteString("\n")
		for _, r := range res.Refusals {
			if refusals {
				fmt.Fprintf(&b, "  %s host=%s resource=%s need=%q have=%q\n", r.Code, r.Host, r.Resource, r.Need, r.Have)
			}
		}
		for _, k := range res.Summary {
			if refusals {
				fmt.Fprintf(&b, "  sum %s %dx first=%s resource=%s need=%q have=%q mixed=%v\n", k.Code, k.Hosts, k.Host, k.Resource, k.Need, k.Have, k.Mixed)
			}
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
