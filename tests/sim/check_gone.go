package sim

import (
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// doubts notes, when somebody begins to say that the task of a pod is gone, whether they are wrong. It is the task of that moment: if the pod has another one when
// the word is heard, that is none that could be marked gone. Nothing is excused by that, unless they are believed: see checkGone.
func (c *checker) doubts(i *instance, pod string) {
	record := c.disk.pods[pod]
	tasks := []string{}
	if s := c.keeper(i.view, record); s != nil { // on no record, and taken for that of the pod
		tasks = append(tasks, s.TaskID)
	}
	if record.Task != nil {
		tasks = append(tasks, record.Task.ID)
	}
	for _, r := range record.Replaced {
		tasks = append(tasks, r.TaskID)
	}
	for _, task := range tasks {
		if c.alive(task) {
			c.doubted[task] = pod
			c.note("%s still runs", task)
		}
	}
}

// longSilence is how long Mesos must have said nothing of a task for that to be an answer.
const longSilence = 15 * time.Minute

// markedGone looks at what is recorded of a task that somebody was told is taken for gone.
func (c *checker) markedGone(i *instance, v machine.Verb) bool {
	var last machine.Consent
	for _, said := range c.disk.pods[v.Pod].Consents {
		if said.Verb == v.Kind { // its place may have been given up since
			last = said
		}
	}
	if last.TaskID == "" {
		return false
	}
	c.consented[last.TaskID] = v.Pod
	known, told := c.knew[v.ID][last.TaskID]
	if silent := !told && c.now.Sub(c.session) >= longSilence; !outOfSight(known) && !silent {
		c.fail(markedGone, "serve %d takes %s for gone, of which it was told last in this session that it is %q", i.number, last.TaskID, known)
	}
	return last.By == v.Actor && last.Reason == v.Reason
}

// believed notes which of the tasks that somebody took for gone while they ran are on record as gone: no others may run beside another one of their pod. It
// counts from then on, and not from the answer on, which comes later, or never.
func (c *checker) believed() {
	for task, pod := range c.doubted {
		if slices.ContainsFunc(c.disk.pods[pod].Consents, func(said machine.Consent) bool { return said.TaskID == task && said.Verb == machine.MarkGone }) {
			c.mistaken[task] = true
			delete(c.doubted, task)
		}
	}
}

// checkGone looks whether what was taken for gone stays so: it is on record that it was, and it is not the task of its pod any more.
func (c *checker) checkGone(i *instance) {
	for task, pod := range c.consented {
		record := c.disk.pods[pod]
		if t := record.Task; t != nil && t.ID == task && !ended(t.State) {
			c.fail(markedGone, "serve %d has %s as the task of %s again, which was taken for gone", i.number, task, pod)
		}
		if !slices.ContainsFunc(record.Consents, func(said machine.Consent) bool { return said.TaskID == task }) {
			c.fail(verbKept, "somebody was told that %s is taken for gone, and that is not recorded any more", task)
		}
	}
}

// seen is a task that was on record as one that gave way and has shown up again: of which pod, and how often somebody had said that it is gone.
type seen struct {
	pod  string
	said int
}

// showsUp notes which tasks of pods with a device are on record as having shown up again. They run until Mesos says that they have ended, or somebody says anew that they
// are gone, whatever becomes of the record.
func (c *checker) showsUp() {
	for name, p := range c.disk.pods {
		for _, r := range p.Replaced {
			if r.Seen != "" && !outOfSight(r.Seen) && hasDevice(p.Type) {
				c.seen[r.TaskID] = seen{name, timesGone(p, r.TaskID)}
			}
		}
	}
}

// timesGone is how often it is on record that somebody took a task for gone.
func timesGone(p machine.Pod, task string) int {
	n := 0
	for _, said := range p.Consents {
		if said.TaskID == task && said.Verb == machine.MarkGone {
			n++
		}
	}
	return n
}

// checkBeside: nothing is launched for a pod with a device while a task of it, which was replaced or taken for gone, is known to have shown up again.
func (c *checker) checkBeside(i *instance, p machine.Pod) {
	for task, s := range c.seen {
		if s.pod == p.Name && timesGone(p, task) <= s.said {
			c.fail(oneTask, "serve %d launches %s, although %s has shown up again and is not known to have ended", i.number, p.Task.ID, task)
		}
	}
}
