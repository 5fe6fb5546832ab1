package offers

import (
	"fmt"
	"slices"
	"strings"
)

// maxPhrases is how many kinds of refusals a line of text names.
const maxPhrases = 5

// Explain puts a result of Place for r into one line that can be printed.
func Explain(r Requirement, res Result) string {
	switch {
	case res.Placement != nil && res.Placement.Grows:
		return "fits host " + res.Placement.Host + ", once its volume has grown"
	case res.Placement != nil:
		return "fits host " + res.Placement.Host
	case res.Hosts == 0 && r.Host != "":
		return "no offer from host " + r.Host
	case res.Hosts == 0:
		return "no offers"
	case res.Hosts == 1 && len(res.Refusals) > 0:
		return "host " + res.Refusals[0].Host + " " + join(r.plainRefusals(res.Refusals), Refusal.phrase)
	}
	text := fmt.Sprintf("0 of %d hosts fit: %s", res.Hosts, join(r.plainTallies(res.Summary), Tally.phrase))
	if res.Nearest != nil {
		text += "; nearest: " + res.Nearest.String()
		if r.choosesRole() && res.Nearest.Role != "" {
			text += " in role " + res.Nearest.Role
		}
	}
	return text
}

// plainRefusals leaves out roles where there was no choice.
func (r *Requirement) plainRefusals(all []Refusal) []Refusal {
	if r.choosesRole() {
		return all
	}
	plain := slices.Clone(all)
	for i := range plain {
		plain[i].Role = ""
	}
	return plain
}

func (r *Requirement) plainTallies(all []Tally) []Tally {
	if r.choosesRole() {
		return all
	}
	plain := slices.Clone(all)
	for i := range plain {
		plain[i].Role = ""
	}
	return plain
}

// join lists phrases, at most maxPhrases of them.
func join[T any](all []T, phrase func(T) string) string {
	var phrases []string
	for i, one := range all {
		if i == maxPhrases {
			phrases = append(phrases, fmt.Sprintf("and %d more reasons", len(all)-maxPhrases))
			break
		}
		phrases = append(phrases, phrase(one))
	}
	return strings.Join(phrases, ", ")
}

// phrase is what is said behind the name of the host.
func (r Refusal) phrase() string {
	switch r.Code {
	case CodeMaintenance:
		return "is in maintenance " + r.Have
	case CodeConstraint, CodeRole:
		return "is " + r.words(true, "")
	}
	return r.words(true, r.comparison())
}

// phrase is what is said of a number of hosts.
func (t Tally) phrase() string {
	return fmt.Sprintf("%d %s", t.Hosts, t.words(t.Hosts == 1, t.comparison()))
}

// words is the predicate of a sentence about one host, or of several. In summaries some verbs are left out.
func (r Refusal) words(one bool, comparison string) string {
	verb := func(singular, plural string) string {
		if one {
			return singular
		}
		return plural
	}
	lack := verb("lacks", "lack") + " "
	switch r.Code {
	case CodeMaintenance:
		return "in maintenance"
	case CodeConstraint:
		return "excluded by " + r.Clause
	case CodeColocate:
		return verb("has", "have") + " no " + r.Name + " pods, which it must be with"
	case CodeAvoid:
		return verb("has", "have") + " " + r.Name + " pods, which it avoids"
	case CodeRole:
		return "offered to other roles (" + r.Have + ")"
	case CodeElsewhere:
		return verb("is", "are") + " not host " + r.Name + ", where its reservations are"
	case CodeHeld:
		if r.Resource == "" {
			text := verb("does", "do") + " not offer what is reserved for " + r.Name
			if r.Have != "" {
				text += " (it was last on host " + r.Have + ")"
			}
			return text
		}
		return verb("does", "do") + " not offer all that is reserved for " + r.Name + ": " + r.heldNamed() + comparison
	case CodeVolume:
		return verb("does", "do") + " not offer its volume " + r.Need
	case CodePorts:
		return lack + r.portsNamed() + r.inRole() + comparison
	case CodePortClash:
		return verb("has", "have") + " " + r.portsNamed() + " in use by another pod"
	case CodePortBase:
		text := verb("has", "have") + " no free block for the ports base+" + strings.ReplaceAll(r.Need, ", ", ", base+")
		if r.Name != "" {
			text += " with the base from " + r.Name
		}
		return text + r.inRole() + comparison
	case CodePortAny:
		from := ""
		if r.Have == "" {
			return verb("has", "have") + " no number left for port " + r.Name + ": others use " + r.Need
		}
		if r.Need != "none" {
			from = " from " + r.Need
		}
		return lack + "a port for " + r.Name + from + r.inRole() + comparison
	case CodeMount:
		return lack + r.mountNamed() + r.inRole() + comparison
	case CodeScalar:
		return lack + r.scalarNamed() + r.inRole() + comparison
	case CodeOther:
		return verb("has", "have") + " other reasons"
	}
	return string(r.Code)
}

func (r Refusal) heldNamed() string {
	if r.Resource == "ports" {
		return r.portsNamed()
	}
	return r.Resource
}

func (r Refusal) inRole() string {
	if r.Role == "" {
		return ""
	}
	return " in role " + r.Role
}

func (r Refusal) portsNamed() string {
	if strings.ContainsAny(r.Need, "-,") {
		return "ports " + r.Need
	}
	return "port " + r.Need
}

func (r Refusal) scalarNamed() string {
	if r.Name != "" {
		return r.Resource + " for volume " + r.Name
	}
	return r.Resource
}

func (r Refusal) mountNamed() string {
	if strings.HasPrefix(r.Name, "/") {
		return "MOUNT disk " + r.Name
	}
	return "a MOUNT disk for volume " + r.Name
}

// unit is behind amounts of a resource.
func unit(resource string) string {
	if resource == "cpus" {
		return ""
	}
	return " MB"
}

func (r Refusal) comparison() string { return r.compare(false, "have ") }

func (t Tally) comparison() string {
	if t.Mixed {
		return t.compare(true, "have at most ")
	}
	return t.compare(false, "have ")
}

func (r Refusal) compare(mixed bool, have string) string {
	switch {
	case r.Resource == "ports" && r.Code == CodePortClash:
		return ""
	case r.Resource == "ports" && mixed:
		return " (offered on host " + r.Host + ": " + r.Have + ")"
	case r.Resource == "ports":
		return " (offered: " + r.Have + ")"
	case r.Have == "" && r.Need == "0":
		return "" // a disk that is wanted by its path, whatever its size
	case r.Have == "":
		return " (need " + r.Need + unit(r.Resource) + ", have none)"
	}
	return " (need " + r.Need + unit(r.Resource) + ", " + have + r.Have + unit(r.Resource) + ")"
}

// String is what the host needs: h7 needs 512 MB more mem and port 21004.
func (n Nearest) String() string {
	var needs []string
	for _, l := range n.Lacks {
		needs = append(needs, l.phrase())
	}
	return n.Host + " needs " + strings.Join(needs, " and ")
}

func (l Lack) phrase() string {
	switch {
	case l.Resource == "ports":
		return Refusal{Need: l.More}.portsNamed()
	case strings.HasPrefix(l.More, "/"):
		return l.Resource + " " + l.More
	case l.Resource == "MOUNT disk":
		return "a " + l.Resource + " of " + l.More + " MB"
	}
	return l.More + unit(l.Resource) + " more " + l.Resource
}
