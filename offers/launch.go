package offers

import (
	"fmt"
	"slices"
)

// launchAll launches all tasks or none.
func (c accept) launchAll(tasks []Task) (accept, *OperationError) {
	if len(tasks) == 0 {
		return c, &OperationError{Type: Launch, Problem: "tasks: none; allowed is at least one"}
	}
	next := c
	for i := range tasks {
		var err *OperationError
		if next, err = next.launch(&tasks[i]); err != nil {
			err.Problem = fmt.Sprintf("task %q: %s", tasks[i].ID, err.Problem)
			return c, err
		}
	}
	return next, nil
}

func (c accept) launch(t *Task) (accept, *OperationError) {
	if len(t.Resources) == 0 {
		return c, &OperationError{Type: Launch, Problem: "resources: none; allowed is at least one"}
	}
	executor, err := c.newExecutor(t.Executor)
	if err != nil {
		return c, err
	}
	need := slices.Clone(t.Resources)
	if executor != nil {
		need = slices.Concat(need, executor.Resources)
		c.executors = append(slices.Clip(c.executors), executor)
	}
	if err := c.judgeLaunch(need); err != nil {
		return c, err
	}
	left, err := c.take(Launch, need)
	if err != nil {
		return c, err
	}
	c.left, c.launched = left, c.launched.Add(need)
	return c, nil
}

// newExecutor is e if no task of the ACCEPT has brought it along before. Mesos: an executor's resources are taken once, and
// all that name its id must describe it alike (what it costs is all that is compared here).
func (c *accept) newExecutor(e *Executor) (*Executor, *OperationError) {
	if e == nil {
		return nil, nil
	}
	for _, known := range c.executors {
		if known.ID != e.ID {
			continue
		}
		if !known.Resources.Equal(e.Resources) {
			return nil, &OperationError{Type: Launch, Problem: fmt.Sprintf(
				"executor %q: resources %s, but %s before; allowed are the same", e.ID, e.Resources, known.Resources)}
		}
		return nil, nil
	}
	return e, nil
}

func (c *accept) judgeLaunch(need Resources) *OperationError {
	for i := range need {
		if problem := c.valid(&need[i]); problem != "" {
			return resourceError(Launch, &need[i], "%s", problem)
		}
	}
	for _, rule := range []func(Resources) (int, string){c.oneRole, c.notBothRevocable} {
		if wrong, problem := rule(need); problem != "" {
			return resourceError(Launch, &need[wrong], "%s", problem)
		}
	}
	return nil
}

func (c *accept) notBothRevocable(rs Resources) (int, string) {
	for i, r := range rs {
		for _, o := range rs[:i] {
			if o.Name == r.Name && o.Revocable != r.Revocable {
				return i, fmt.Sprintf("%s both revocable and not; allowed is one of them", r.Name)
			}
		}
	}
	return 0, ""
}
