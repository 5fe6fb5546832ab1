package offers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// Apply is what one operation of a framework makes of resources on offer: what the operations behind it in the same ACCEPT
// may use. The tasks' share is gone after LAUNCH, and so are volume and addition after GROW_VOLUME (see Operation.Grown).
// The error, an *OperationError, is why Mesos refuses the operation; then it changes nothing, so a comes back.
//
// Mesos demands a framework's principal in what it reserves and creates; an empty one stands for none. Resources need
// their allocation role, though Mesos would put it in. What Mesos knows of the agent beyond the offer is not asked: volumes
// in use, or what other roles hold.
func (a Resources) Apply(op Operation, principal string) (Resources, error) {
	next, err := accept{principal: principal, left: a.Normalize()}.apply(op)
	if err != nil {
		return next.left, err
	}
	return next.left, nil
}

// ApplyAll is what one ACCEPT makes of resources on offer: what is left, volumes that were grown included, and what its
// tasks and their executors take. As Mesos does, it leaves out what is refused and goes on; of a LAUNCH, that is each task
// for itself. The error names everything that was refused (a *multierror.Error of *OperationError).
func (a Resources) ApplyAll(ops []Operation, principal string) (left, launched Resources, err error) {
	c := accept{principal: principal, left: a.Normalize()}
	var problems *multierror.Error
	for _, op := range ops {
		for _, part := range op.parts() {
			var refusal *OperationError
			if c, refusal = c.apply(part); refusal != nil {
				problems = multierror.Append(problems, refusal)
			}
		}
	}
	if problems != nil {
		problems.ErrorFormat = oneLine
	}
	return c.left.Add(c.grown), c.launched, problems.ErrorOrNil()
}

// parts are what Mesos judges by itself.
func (op Operation) parts() []Operation {
	if op.Type != Launch || len(op.Tasks) < 2 {
		return []Operation{op}
	}
	parts := make([]Operation, len(op.Tasks))
	for i := range op.Tasks {
		parts[i] = Operation{Type: Launch, Tasks: op.Tasks[i : i+1]}
	}
	return parts
}

// accept is how far the operations of one ACCEPT have come. It is a value: those behind a refused operation go on with the
// one before.
type accept struct {
	principal string
	// left is in normal form and belongs to this value alone; launched and grown are what nobody behind can use.
	left, launched, grown Resources
	executors             []*Executor // those of the tasks so far
}

func (c accept) apply(op Operation) (accept, *OperationError) {
	switch op.Type {
	case Reserve:
		return c.convert(op, reserving)
	case Unreserve:
		return c.convert(op, unreserving)
	case Create:
		return c.convert(op, creating)
	case Destroy:
		return c.convert(op, destroying)
	case GrowVolume:
		return c.grow(op)
	case Launch:
		return c.launchAll(op.Tasks)
	}
	return c, &OperationError{Type: op.Type, Problem: fmt.Sprintf("operation %q is unknown; allowed are %v", op.Type,
		[]OperationType{Reserve, Unreserve, Create, Destroy, GrowVolume, Launch})}
}

// conversion is an operation that makes one resource of another: what Mesos demands of all together and of each, what it
// takes, and what it gives for that.
type conversion struct {
	all          []ruleForAll
	each         []ruleForEach
	takes, gives func(Resource) Resource
}

// Rules say what is wrong; a rule for all also says with which.
type (
	ruleForAll  func(*accept, Resources) (wrong int, problem string)
	ruleForEach func(*accept, *Resource) (problem string)
)

// The conversions are tables; nobody changes them.
var (
	reserving = conversion{
		all: []ruleForAll{(*accept).oneProvider, (*accept).oneRole},
		each: []ruleForEach{
			(*accept).valid, (*accept).dynamic, (*accept).noVolume, (*accept).owned, (*accept).reserver,
		},
		takes: popped,
		gives: itself,
	}
	unreserving = conversion{
		all:   []ruleForAll{(*accept).oneProvider},
		each:  []ruleForEach{(*accept).valid, (*accept).dynamic, (*accept).noVolume},
		takes: itself,
		gives: popped,
	}
	creating = conversion{
		all:   []ruleForAll{(*accept).oneProvider, (*accept).oneRole, (*accept).newIDs},
		each:  []ruleForEach{(*accept).valid, (*accept).volume, (*accept).writable, (*accept).creator},
		takes: Resource.WithoutVolume,
		gives: itself,
	}
	destroying = conversion{
		all:   []ruleForAll{(*accept).oneProvider},
		each:  []ruleForEach{(*accept).valid, (*accept).volume},
		takes: itself,
		gives: Resource.WithoutVolume,
	}
)

func itself(r Resource) Resource { return r }

func popped(r Resource) Resource {
	r, _ = r.Pop()
	return r
}

func (c accept) convert(op Operation, v conversion) (accept, *OperationError) {
	if err := c.judge(op, v); err != nil {
		return c, err
	}
	taken, given := make(Resources, len(op.Resources)), make(Resources, len(op.Resources))
	for i, r := range op.Resources {
		taken[i], given[i] = v.takes(r), v.gives(r)
	}
	left, err := c.take(op.Type, taken)
	if err != nil {
		return c, err
	}
	c.left = left.Add(given)
	return c, nil
}

func (c *accept) judge(op Operation, v conversion) *OperationError {
	if len(op.Resources) == 0 {
		return &OperationError{Type: op.Type, Problem: "resources: none; allowed is at least one"}
	}
	for i := range op.Resources {
		for _, rule := range v.each {
			if problem := rule(c, &op.Resources[i]); problem != "" {
				return resourceError(op.Type, &op.Resources[i], "%s", problem)
			}
		}
	}
	for _, rule := range v.all {
		if wrong, problem := rule(c, op.Resources); problem != "" {
			return resourceError(op.Type, &op.Resources[wrong], "%s", problem)
		}
	}
	return nil
}

// take is what is left without wants, each taken from what those before it left.
func (c *accept) take(t OperationType, wants Resources) (Resources, *OperationError) {
	left := slices.Clone(c.left)
	for i := range wants {
		var ok bool
		if left, ok = left.take(canonical(wants[i])); !ok {
			return nil, resourceError(t, &wants[i], "not on offer; on offer are %s", left.named(wants[i].Name))
		}
	}
	return left, nil
}

// named shows what there is of a name, for the words of errors.
func (a Resources) named(name string) string {
	named := Resources{}
	for _, r := range a {
		if r.Name == name {
			named = append(named, r)
		}
	}
	switch more := len(named) - maxShown; {
	case len(named) == 0:
		return "no " + name
	case more > 0:
		return fmt.Sprintf("%s and %d more", named[:maxShown], more)
	}
	return named.String()
}

func (c *accept) oneProvider(rs Resources) (int, string) {
	for i, r := range rs {
		if r.Provider != rs[0].Provider {
			return i, fmt.Sprintf("resource provider %q beside %q; allowed is one", r.Provider, rs[0].Provider)
		}
	}
	return 0, ""
}

func (c *accept) oneRole(rs Resources) (int, string) {
	for i, r := range rs {
		if r.Role != rs[0].Role {
			return i, fmt.Sprintf("allocated to role %q beside %q; allowed is one role", r.Role, rs[0].Role)
		}
	}
	return 0, ""
}

// newIDs says whether each volume has an id of its own. Mesos: an id is unique among what is reserved for one role on an
// agent, whether it is on offer or in use.
func (c *accept) newIDs(volumes Resources) (int, string) {
	known := slices.Concat(c.left, c.launched, c.grown)
	for i := range volumes {
		v := &volumes[i]
		if slices.ContainsFunc(known, func(k Resource) bool {
			return k.Persistent() && k.Owner() == v.Owner() && k.Disk.Persistence.ID == v.Disk.Persistence.ID
		}) {
			return i, fmt.Sprintf("persistence id is in use in role %q; allowed is one that is new there", v.Owner())
		}
		known = append(known, *v)
	}
	return 0, ""
}

func (c *accept) valid(r *Resource) string { return strings.Join(r.problems(), "; ") }

func (c *accept) dynamic(r *Resource) string {
	if !r.dynamic() {
		return "not reserved dynamically; allowed is only what has a dynamic reservation last"
	}
	return ""
}

func (c *accept) noVolume(r *Resource) string {
	if r.Persistent() {
		return "is a persistent volume; allowed is only disk without persistence, so DESTROY it before"
	}
	return ""
}

// owned is why a reservation for dev/sub needs an allocation to dev/sub, also on top of one for dev.
func (c *accept) owned(r *Resource) string {
	if r.Owner() != r.Role {
		return fmt.Sprintf("reserved for role %q, allocated to role %q; allowed is one and the same", r.Owner(), r.Role)
	}
	return ""
}

func (c *accept) reserver(r *Resource) string {
	last, _ := r.lastReservation()
	return c.ours("reservation", last.Principal)
}

func (c *accept) creator(r *Resource) string {
	return c.ours("persistence", r.Disk.Persistence.Principal)
}

func (c *accept) ours(what, principal string) string {
	if c.principal != "" && principal != c.principal {
		return fmt.Sprintf("principal %q of the %s is not the framework's; allowed is %q", principal, what, c.principal)
	}
	return ""
}

func (c *accept) volume(r *Resource) string {
	if !r.Persistent() {
		return "has no persistence; allowed are persistent volumes"
	}
	return ""
}

func (c *accept) writable(r *Resource) string {
	if r.Disk.Volume.ReadOnly {
		return "is read-only; allowed is read-write"
	}
	return ""
}

func (c accept) grow(op Operation) (accept, *OperationError) {
	if err := c.judgeGrowth(op); err != nil {
		return c, err
	}
	left, err := c.take(op.Type, Resources{op.Volume, op.Addition})
	if err != nil {
		return c, err
	}
	c.left, c.grown = left, c.grown.Add(Resources{op.Grown()})
	return c, nil
}

func (c *accept) judgeGrowth(op Operation) *OperationError {
	v, more, bare := op.Volume, op.Addition, op.Volume.WithoutVolume()
	for _, rule := range []struct {
		of      *Resource
		problem string
	}{
		{&v, c.valid(&v)},
		{&more, c.valid(&more)},
		{&v, c.volume(&v)},
		{&v, c.growable(&v)},
		{&more, problemIf(more.Scalar <= 0, fmt.Sprintf("addition of %s; allowed is more than 0", more.Scalar))},
		{&more, problemIf(!sameKind(&bare, &more), fmt.Sprintf("addition of another kind; allowed is more of %q", bare))},
	} {
		if rule.problem != "" {
			return resourceError(op.Type, rule.of, "%s", rule.problem)
		}
	}
	return nil
}

func (c *accept) growable(r *Resource) string {
	switch source := diskOf(r.Disk).Source; {
	case r.Shared:
		return "is shared; allowed are volumes of one task"
	case r.Provider != "":
		return fmt.Sprintf("comes from resource provider %q; allowed is the agent's own disk", r.Provider)
	case source.Type.whole():
		return fmt.Sprintf("is on a %s disk, which is used whole; allowed are the root disk and PATH disks", source.Type)
	}
	return ""
}

func problemIf(wrong bool, problem string) string {
	if wrong {
		return problem
	}
	return ""
}
