package offers

import (
	"fmt"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// subject names a resource in the words of errors: a persistent volume by its id, others as Mesos prints them.
func (r *Resource) subject() string {
	if r.Persistent() {
		return fmt.Sprintf("volume %q", r.Disk.Persistence.ID)
	}
	return fmt.Sprintf("resource %q", r)
}

// Check says what Mesos would find wrong with the resource in any operation, all problems at once (a *multierror.Error),
// whether it is on offer or not.
func (r Resource) Check() error {
	var all *multierror.Error
	for _, problem := range r.problems() {
		all = multierror.Append(all, fmt.Errorf("%s: %s", r.subject(), problem))
	}
	if all != nil {
		all.ErrorFormat = oneLine
	}
	return all.ErrorOrNil()
}

// problems are those of Check, without the noun.
func (r *Resource) problems() []string {
	c := checker{r: r}
	for _, check := range []func(){c.name, c.value, c.ranges, c.set, c.role, c.reservations, c.disk, c.persistence} {
		check()
	}
	return c.problems
}

type checker struct {
	r        *Resource
	problems []string
}

func (c *checker) failIf(wrong bool, format string, args ...any) {
	if wrong {
		c.problems = append(c.problems, fmt.Sprintf(format, args...))
	}
}

func (c *checker) name() { c.failIf(c.r.Name == "", "name is empty; allowed is any other") }

func (c *checker) value() {
	r := c.r
	c.failIf(r.Type > Set, "type %d is unknown; allowed are SCALAR, RANGES and SET", r.Type)
	const other = "type %s with the %s %v; allowed is only the value of its type"
	c.failIf(r.Type != Scalars && r.Scalar != 0, other, r.Type, "scalar", r.Scalar)
	c.failIf(r.Type != Ranges && len(r.Ranges) > 0, other, r.Type, "ranges", showRanges(r.Ranges))
	c.failIf(r.Type != Set && len(r.Set) > 0, other, r.Type, "set", r.Set)
	c.failIf(r.Scalar < 0, "value %s is negative; allowed is 0 or more", r.Scalar)
	c.failIf(r.Name == "gpus" && r.Scalar%1000 != 0, "value %s is not a whole number; allowed are whole gpus", r.Scalar)
}

func (c *checker) ranges() {
	for i, b := range c.r.Ranges {
		c.failIf(b.End < b.Begin, "range %s ends before it begins; allowed are ranges from a lower to a higher number", b)
		for _, a := range c.r.Ranges[:i] {
			c.failIf(a.Begin <= b.End && b.Begin <= a.End, "ranges %s and %s overlap; allowed is each number once", a, b)
		}
	}
}

func (c *checker) set() {
	seen := map[string]bool{}
	for _, item := range c.r.Set {
		c.failIf(seen[item], "item %q is there twice; allowed is each item once", item)
		seen[item] = true
	}
}

func (c *checker) role() {
	if c.r.Role != "" { // Mesos puts in the offer's role
		c.roleName("allocation role", c.r.Role)
	}
}

// maxID is how many bytes Mesos allows an id.
const maxID = 255

const (
	allowedRoles = "* or names with / between them, such as storage/prod, without spaces and none that begins with a dash"
	allowedIDs   = "1 to 255 bytes without slash, backslash and control characters, and neither . nor .."
)

func (c *checker) roleName(what, role string) {
	c.failIf(!validRole(role), "%s %q is no role; allowed are %s", what, role, allowedRoles)
}

func validRole(role string) bool {
	if role == "*" {
		return true
	}
	for part := range strings.SplitSeq(role, "/") {
		switch {
		case part == "", part == ".", part == "..", part == "*":
			return false
		case part[0] == '-', strings.ContainsAny(part, "\t\n\v\f\r \x7f"):
			return false
		}
	}
	return true
}

func validID(id string) bool {
	if id == "" || len(id) > maxID || id == "." || id == ".." {
		return false
	}
	return !strings.ContainsFunc(id, func(c rune) bool { return c < ' ' || c == 0x7f || c == '/' || c == '\\' })
}

func (c *checker) reservations() {
	for i, res := range c.r.Reservations {
		c.roleName("role of reservation", res.Role)
		c.failIf(res.Role == "*", `reservation for role "*"; allowed is any other role`)
		if i == 0 {
			continue
		}
		above := c.r.Reservations[i-1].Role
		c.failIf(!res.Dynamic, "reservation for role %q is static inside another; allowed is that for the first", res.Role)
		c.failIf(!strings.HasPrefix(res.Role, above+"/"),
			"reservation for role %q inside that for %q; allowed is a role below the latter", res.Role, above)
	}
	c.failIf(c.r.dynamic() && c.r.Revocable, "revocable and reserved dynamically; allowed is one of them")
}

func (c *checker) disk() {
	d := c.r.Disk
	if d == nil {
		return
	}
	s := d.Source
	c.failIf(c.r.Name != "disk", "has a disk; allowed is that only for disk")
	c.failIf(*d == (Disk{}), "disk has neither source nor persistence; allowed is no disk at all")
	c.failIf(s.Type > RawDisk, "type %d of the disk is unknown; allowed are PATH, MOUNT, BLOCK and RAW", s.Type)
	c.failIf(s.Type == RootDisk && s.Provided != nil,
		"root disk with id, vendor, profile or metadata; allowed are those for others")
	c.failIf(s.Root != "" && s.Type != PathDisk && s.Type != MountDisk,
		"disk has the root %q; allowed is that for PATH and MOUNT", s.Root)
	c.failIf(d.Volume != nil && d.Persistence == nil, "volume without persistence; allowed are only persistent volumes")
}

func (c *checker) persistence() {
	r := c.r
	if !r.Persistent() {
		c.failIf(r.Shared, "shared; allowed is that only for persistent volumes")
		return
	}
	c.failIf(!validID(r.Disk.Persistence.ID), "persistence id is invalid; allowed are %s", allowedIDs)
	c.failIf(r.Disk.Volume == nil, "persistence without a volume; allowed is one with a container path")
	c.failIf(!r.Reserved(), "persistence on unreserved disk; allowed is reserved disk")
	c.failIf(r.Revocable, "persistence on revocable disk; allowed is disk that stays")
}
