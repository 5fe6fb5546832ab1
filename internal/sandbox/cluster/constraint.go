package cluster

import (
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// OfferConstraints say of which agents a framework wants offers (Mesos 1.11 and later). They are messages of our own, because the
// generated types are those of Mesos 1.10: see CallConstraints for how a call is read with them.
type OfferConstraints struct {
	// RoleConstraints are by role; a role without any is offered every agent.
	RoleConstraints map[string]*RoleConstraints `protobuf:"bytes,1,rep,name=role_constraints" protobuf_key:"bytes,1,opt,name=key" protobuf_val:"bytes,2,opt,name=value"`
}

// RoleConstraints are met by an agent if one of the groups is.
type RoleConstraints struct {
	Groups []*ConstraintGroup `protobuf:"bytes,1,rep,name=groups"`
}

// ConstraintGroup is met by an agent if all of it is.
type ConstraintGroup struct {
	AttributeConstraints []*AttributeConstraint `protobuf:"bytes,1,rep,name=attribute_constraints"`
}

// AttributeConstraint is a predicate about what a selector finds in an agent.
type AttributeConstraint struct {
	Selector  *Selector  `protobuf:"bytes,1,req,name=selector"`
	Predicate *Predicate `protobuf:"bytes,2,req,name=predicate"`
}

// Selector names an attribute, the first with that name, or what else there is of an agent. One field is set.
type Selector struct {
	PseudoattributeType *Pseudoattribute `protobuf:"varint,1,opt,name=pseudoattribute_type,enum=mesos.v1.scheduler.AttributeConstraint_Selector_PseudoattributeType"`
	AttributeName       *string          `protobuf:"bytes,2,opt,name=attribute_name"`
}

// Pseudoattribute is what agents have besides attributes.
type Pseudoattribute int32

// The pseudoattributes; zero is none.
const (
	pseudoHostname Pseudoattribute = 1
	pseudoRegion   Pseudoattribute = 2
	pseudoZone     Pseudoattribute = 3
)

func init() { // where protojson and the protobuf runtime look for the names of enums, those of generated types as well
	names := map[int32]string{0: "UNKNOWN", int32(pseudoHostname): "HOSTNAME", int32(pseudoRegion): "REGION", int32(pseudoZone): "ZONE"}
	values := map[string]int32{}
	for n, name := range names {
		values[name] = n
	}
	proto.RegisterEnum("mesos.v1.scheduler.AttributeConstraint_Selector_PseudoattributeType", names, values)
}

// Predicate has one field set.
type Predicate struct {
	Exists         *struct{}    `protobuf:"bytes,1,opt,name=exists"`
	NotExists      *struct{}    `protobuf:"bytes,2,opt,name=not_exists"`
	TextEquals     *TextValue   `protobuf:"bytes,3,opt,name=text_equals"`
	TextNotEquals  *TextValue   `protobuf:"bytes,4,opt,name=text_not_equals"`
	TextMatches    *TextPattern `protobuf:"bytes,5,opt,name=text_matches"`
	TextNotMatches *TextPattern `protobuf:"bytes,6,opt,name=text_not_matches"`
}

// TextValue is a text to compare with.
type TextValue struct {
	Value string `protobuf:"bytes,1,req,name=value"`
}

// TextPattern is a regular expression that has to match as a whole.
type TextPattern struct {
	Regex string `protobuf:"bytes,1,req,name=regex"`
}

// CallConstraints is a scheduler call of which only the offer constraints are looked at. A call is read twice: into the generated type, and
// into this one, which skip what they do not know.
type CallConstraints struct {
	Subscribe       *constrained `protobuf:"bytes,3,opt,name=subscribe"`
	UpdateFramework *constrained `protobuf:"bytes,19,opt,name=update_framework"`
}

type constrained struct {
	OfferConstraints *OfferConstraints `protobuf:"bytes,3,opt,name=offer_constraints"`
}

// Reset, String and ProtoMessage make it a message of the protobuf runtime.
func (c *CallConstraints) Reset()         { *c = CallConstraints{} }
func (c *CallConstraints) String() string { return fmt.Sprintf("%+v", *c) }
func (*CallConstraints) ProtoMessage()    {}

// Unmarshal reads a call in protobuf.
func (c *CallConstraints) Unmarshal(data []byte) error {
	return proto.UnmarshalMerge(data, (*mergedConstraints)(c))
}

// mergedConstraints has no Unmarshal, so that the runtime reads it by its tags.
type mergedConstraints CallConstraints

func (c *mergedConstraints) Reset()         { *c = mergedConstraints{} }
func (c *mergedConstraints) String() string { return (*CallConstraints)(c).String() }
func (*mergedConstraints) ProtoMessage()    {}

// Constraints are those of the call; nil if it is of another kind, or says nothing of them.
func (c *CallConstraints) Constraints() *OfferConstraints {
	switch {
	case c.Subscribe != nil:
		return c.Subscribe.OfferConstraints
	case c.UpdateFramework != nil:
		return c.UpdateFramework.OfferConstraints
	}
	return nil
}

// constraintsProblem says why a master refuses constraints.
func constraintsProblem(info *mesos.FrameworkInfo, constraints *OfferConstraints) string {
	if constraints == nil {
		return ""
	}
	roles := slices.Sorted(maps.Keys(constraints.RoleConstraints))
	for _, role := range roles {
		if !slices.Contains(rolesOf(info), role) {
			return "Offer constraints specify `role_constraints` for a role '" + role + "'not contained in the set of roles"
		}
	}
	for _, role := range roles {
		if problem := groupsProblem(role, constraints.RoleConstraints[role].groups()); problem != "" {
			return "Offer constraints are not valid: " + problem
		}
	}
	return ""
}

func groupsProblem(role string, groups []*ConstraintGroup) string {
	if len(groups) == 0 {
		return "'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role " + role
	}
	for _, group := range groups {
		if group == nil || len(group.AttributeConstraints) == 0 {
			return "'OfferConstraints::RoleConstraints::groups' for role " + role + "contains an empty RoleConstraints::Group"
		}
		for _, constraint := range group.AttributeConstraints {
			if problem := constraint.problem(); problem != "" {
				return "A role " + role + " has an invalid 'AttributeConstraint': " + problem
			}
		}
	}
	return ""
}

func (r *RoleConstraints) groups() []*ConstraintGroup {
	if r == nil {
		return nil
	}
	return r.Groups
}

func (a *AttributeConstraint) problem() string {
	s := a.Selector
	switch {
	case s.PseudoattributeType == nil && s.AttributeName == nil:
		return "Exactly one of 'AttributeConstraint::Selector::name' or 'AttributeConstraint::Selector::pseudoattribute_type' must be set"
	case s.AttributeName == nil && (*s.PseudoattributeType < pseudoHostname || *s.PseudoattributeType > pseudoZone):
		return "Unknown pseudoattribute type"
	}
	p := a.Predicate
	switch {
	case p.TextMatches != nil:
		return patternProblem(p.TextMatches.Regex)
	case p.TextNotMatches != nil:
		return patternProblem(p.TextNotMatches.Regex)
	case p.Exists == nil && p.NotExists == nil && p.TextEquals == nil && p.TextNotEquals == nil:
		return "Unknown predicate type"
	}
	return ""
}

// largestPattern is how long the program of a regular expression may be (Mesos: --offer_constraints_re2_max_program_size). Ours are
// compiled by another compiler of the same language, so that the lengths are only similar.
const largestPattern = 100

func patternProblem(text string) string {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return "Failed to construct regex from pattern '" + text + "': " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err == nil && len(program.Inst) > largestPattern {
		return fmt.Sprintf("Regex '%s' is too complex: program size of %d is larger than maximum of %d allowed", text, len(program.Inst), largestPattern)
	}
	return ""
}

// excludes tells whether a framework wants no offers of an agent for a role.
func (f *framework) excludes(role string, a *agent) bool {
	if f.constraints == nil || f.constraints.RoleConstraints[role] == nil {
		return false
	}
	return !slices.ContainsFunc(f.constraints.RoleConstraints[role].Groups, func(group *ConstraintGroup) bool {
		return !slices.ContainsFunc(group.AttributeConstraints, func(c *AttributeConstraint) bool { return !c.metBy(a) })
	})
}

// metBy: what is no text meets every predicate about texts, so that the framework looks itself.
func (a *AttributeConstraint) metBy(on *agent) bool {
	value, exists, text := a.Selector.find(on)
	p := a.Predicate
	switch {
	case p.Exists != nil:
		return exists
	case p.NotExists != nil:
		return !exists
	case exists && !text:
		return true
	case p.TextEquals != nil:
		return exists && value == p.TextEquals.Value
	case p.TextNotEquals != nil:
		return !exists || value != p.TextNotEquals.Value
	case p.TextMatches != nil:
		return exists && p.TextMatches.matches(value)
	}
	return !exists || !p.TextNotMatches.matches(value)
}

func (p *TextPattern) matches(value string) bool {
	re, err := regexp.Compile(`\A(?:` + p.Regex + `)\z`)
	return err == nil && re.MatchString(value)
}

// find returns what a selector means of an agent, whether there is such a thing, and whether it is a text.
func (s *Selector) find(a *agent) (value string, exists, text bool) {
	if s.AttributeName == nil {
		domain := a.domain.GetFaultDomain()
		switch *s.PseudoattributeType {
		case pseudoRegion:
			return domain.GetRegion().Name, domain != nil, true
		case pseudoZone:
			return domain.GetZone().Name, domain != nil, true
		}
		return a.hostname, true, true
	}
	for i := range a.attributes {
		if attribute := &a.attributes[i]; attribute.Name == *s.AttributeName {
			return attribute.GetText().GetValue(), true, attribute.Type == mesos.TEXT
		}
	}
	return "", false, false
}
