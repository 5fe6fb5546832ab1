package offers

import (
	"fmt"
	"strings"
)

// maxKinds is how many kinds of refusals a line of text names.
const maxKinds = 5

// Explain puts a result of Place for r into one line that can be printed.
func Explain(r Requirement, res Result) string {
	switch {
	case res.Placement != nil:
		return "fits host " + res.Placement.Host
	case res.Hosts == 0 && r.Host != "":
		return "no offer from host " + r.Host
	case res.Hosts == 0:
		return "no offers"
	case res.Hosts == 1 && len(res.Refusals) > 0:
		return "host " + res.Refusals[0].Host + " " + join(res.Refusals, Refusal.phrase)
	}
	return fmt.Sprintf("0 of %d hosts fit: %s", res.Hosts, join(res.Summary, Tally.phrase))
}

// join lists phrases, at most maxKinds of them.
func join[T any](all []T, phrase func(T) string) string {
	var phrases []string
	for i, one := range all {
		if i == maxKinds {
			phrases = append(phrases, fmt.Sprintf("and %d more reasons", len(all)-maxKinds))
			break
		}
		phrases = append(phrases, phrase(one))
	}
	return strings.Join(phrases, ", ")
}

// phrase is what is said behind the name of the host.
func (r Refusal) phrase() string {
	if r.Code == CodeMaintenance {
		return "is in maintenance"
	}
	return r.verbs("lacks", "has") + r.comparison()
}

// phrase is what is said of a number of hosts.
func (t Tally) phrase() string {
	switch {
	case t.Code == CodeMaintenance:
		return fmt.Sprintf("%d in maintenance", t.Hosts)
	case t.Hosts == 1:
		return "1 " + t.verbs("lacks", "has") + t.comparison()
	}
	return fmt.Sprintf("%d %s", t.Hosts, t.verbs("lack", "have")+t.comparison())
}

func (r Refusal) verbs(lack, have string) string {
	switch r.Code {
	case CodePorts:
		return lack + " " + r.portsNamed()
	case CodePortClash:
		return have + " " + r.portsNamed() + " in use by another pod"
	case CodeScalar:
		return lack + " " + r.Resource
	}
	return string(r.Code)
}

func (r Refusal) portsNamed() string {
	if strings.ContainsAny(r.Need, "-,") {
		return "ports " + r.Need
	}
	return "port " + r.Need
}

func (r Refusal) comparison() string {
	switch r.Code {
	case CodePorts:
		return " (offered: " + r.Have + ")"
	case CodeScalar:
		return " (need " + r.Need + ", have " + r.Have + ")"
	}
	return ""
}

func (t Tally) comparison() string {
	switch {
	case t.Mixed && t.Code == CodePorts:
		return " (offered on host " + t.Host + ": " + t.Have + ")"
	case t.Mixed:
		return " (need " + t.Need + ", have at most " + t.Have + ")"
	}
	return t.Refusal.comparison()
}
