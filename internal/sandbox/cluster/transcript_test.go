package cluster_test

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// TestTranscripts plays the stories under testdata/stories. Each command of a story is one call to the cluster (see story.run);
// what follows the line is every effect of it. Ids are made short: the master is M, and #7 is the seventh id given.
// Rewrite them with -rewrite after reading the difference.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := newStory()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.out.Reset()
			if err := s.run(d); err != nil {
				fmt.Fprintf(&s.out, "error: %v\n", err)
			}
			if s.out.Len() == 0 {
				return "(silence)\n"
			}
			return s.out.String()
		})
	})
}

var epoch = time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)

// story is a cluster with named schedulers and executors around it.
type story struct {
	c          *cluster.Cluster
	now        time.Time
	ids        uint64
	streams    map[string]string // by scheduler, "A" or "A/2"
	names      map[string]string // scheduler or executor by stream
	frameworks map[string]string // framework id by scheduler
	last       map[string]*mesos.TaskStatus
	operations map[string]*mesos.OperationStatus // the last with a uuid, by id
	tasks      map[string]string                 // container by task, or by executor id of a custom one
	scripts    map[string]*cluster.Script        // by task
	held       []mesos.OfferID                   // offered since the last group, or launch of what is held, for the next
	out        strings.Builder
	forbidden  string                 // action that nobody may take
	lossy      bool                   // nothing that the master tells an agent arrives
	entries    []cluster.Entry        // of the journal that were not shown yet
	told       func([]cluster.Effect) // is told of what comes out; nil for nobody
	idle       func()                 // is told of a Tick that is not in the journal; nil for nobody
	cfg        cluster.Config
	given      [][16]byte // ids that the cluster got
}

func newStory() *story {
	s := &story{
		now: epoch, streams: map[string]string{}, names: map[string]string{}, frameworks: map[string]string{},
		last: map[string]*mesos.TaskStatus{}, operations: map[string]*mesos.OperationStatus{}, tasks: map[string]string{},
		scripts: map[string]*cluster.Script{},
	}
	s.cfg = s.config()
	s.c = cluster.New(epoch, s.cfg)
	return s
}

func (s *story) config() cluster.Config {
	return cluster.Config{
		MasterID: "M", Hostname: "master", IP: "127.0.0.1", Port: 5050,
		NewID: s.newClusterID, AllocationInterval: 500 * time.Millisecond,
		Script: func(t cluster.ScriptedTask) *cluster.Script { return s.scripts[cmp.Or(t.Task, t.Executor)] },
		Lose:   func(cluster.Delivery) bool { return s.lossy },
		Deny:   func(r cluster.AuthorizationRequest) bool { return s.forbidden != "" && r.Action == s.forbidden },
		Journal: func(e cluster.Entry) {
			e.About = kept(e.About)
			s.entries = append(s.entries, e)
		},
	}
}

func (s *story) newClusterID() [16]byte {
	s.given = append(s.given, s.newID())
	return s.given[len(s.given)-1]
}

// kept is what an entry is about, for good: a cluster completes calls.
func kept(about any) any {
	switch original := about.(type) {
	case *scheduler.Call:
		return again(original, &scheduler.Call{})
	case *executor.Call:
		return again(original, &executor.Call{})
	case *master.Call:
		return again(original, &master.Call{})
	}
	return about
}

func again[T any, M interface {
	*T
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}](original, again M) M {
	data, err := original.Marshal()
	if err == nil {
		err = again.Unmarshal(data)
	}
	if err != nil {
		return original // calls without what they must have are as they are
	}
	return again
}

func (s *story) newID() (id [16]byte) {
	s.ids++
	binary.BigEndian.PutUint64(id[8:], s.ids)
	return id
}

var longID = regexp.MustCompile(`00000000-0000-0000-0000-0*([0-9a-f]+)`)

func short(text string) string { return longID.ReplaceAllString(text, "#$1") }

func (s *story) run(d *datadriven.TestData) error {
	commands := map[string]func(*datadriven.TestData) error{
		"agent":      s.agent,           // agent ip=127.0.1.1 cpus=4 mem=4096 [ports=31000-31999] [id=N-S7] [rack=r1] [rack-number=7] [\n disk[MOUNT:/m1]:64 ...]
		"subscribe":  s.subscribe,       // subscribe A [as=A/2] [id=..] [roles=(dev)] [caps=(..)] [failover=60] [\n {"subscribe":{"offer_constraints":..}}]
		"disconnect": s.disconnect,      // disconnect A
		"call":       s.call,            // call A \n {"type":"REVIVE"}
		"accept":     s.accept,          // accept A offer=0 [refuse=1000] \n one operation a line, see operation_test.go
		"ackop":      s.ackOperation,    // ackop A op1: acknowledge the last update seen of op1
		"launch":     s.launch,          // launch A offer=0|held task=t1 cpus=1 mem=64 [executor=e1] [grace=2s] [limit=5s] ...
		"ack":        s.ack,             // ack A t1: acknowledge the last update seen of t1
		"pulled":     s.pulled,          // pulled t1: its image is there
		"not-run":    s.notRun,          // not-run t1 code=125: its container can't be run
		"started":    s.started,         // started t1 pid=7
		"failed":     s.failed,          // failed t1 problem="..."
		"refused":    s.refused,         // refused t1: its agent can't make room for it
		"exited":     s.exited,          // exited t1 status=256 [lost]
		"executor":   s.executor,        // executor e1 [framework=M-0000] \n {"type":"SUBSCRIBE","subscribe":{}}
		"hangup":     s.hangup,          // hangup e1: the executor's connection ends
		"group":      s.group,           // group A executor=ex task=(a,b) [custom] [least=(cpus:0.1,mem:32)] + JSON for the tasks
		"script":     s.script,          // script t1 start=1s ready=2s unready=9s ends=5s end=256 deaf stops=1s clean problem="no"
		"checked":    s.checked,         // checked t1 [health] exit=1, or status=404, or connected, or problem=timeout
		"died":       s.died,            // died A t1 status=9: the process of a task, whoever runs it
		"advance":    s.advance,         // advance 5s
		"journal":    s.journal,         // journal: what the journal has since it was shown last
		"counters":   s.counters,        // counters operations/: what the master and its allocator have counted under names that begin so, but for nothing
		"free":       s.free,            // free: what each agent uses and has offered
		"json":       s.lastEventOfTask, // json t1: the last update of a task in full

		"operate": s.operate, // operate \n {"type":"GET_QUOTA"}: a call of the operator API
		"cluster": s.cluster, // cluster [registry=memory] [docker] [ping=1s] [pings=3] [offer-timeout=2s]: another one than usual, as the first command
		"fault":   s.fault,   // fault kill M-S0, see fault_test.go
		"deny":    s.deny,    // deny [RUN_TASK]: nobody may do that from now on
		"lossy":   s.lose,    // lossy [no]: what the master tells agents gets lost from now on, or no more
	}
	command := commands[d.Cmd]
	if command == nil {
		return fmt.Errorf("no command %q", d.Cmd)
	}
	return command(d)
}

func (s *story) agent(d *datadriven.TestData) error {
	cfg := cluster.AgentConfig{Port: 5051}
	if arg, ok := d.Arg("ip"); ok {
		cfg.IP = arg.Vals[0]
	}
	if arg, ok := d.Arg("id"); ok {
		cfg.ID = arg.Vals[0]
	}
	cfg.Hostname = cfg.IP
	if arg, ok := d.Arg("rack"); ok {
		cfg.Attributes = append(cfg.Attributes, mesos.Attribute{Name: "rack", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: arg.Vals[0]}})
	}
	if value, ok := number(d, "rack-number"); ok {
		cfg.Attributes = append(cfg.Attributes, mesos.Attribute{Name: "rack", Type: mesos.SCALAR, Scalar: &mesos.Value_Scalar{Value: value}})
	}
	for _, name := range []string{"cpus", "mem", "disk"} {
		if value, ok := number(d, name); ok {
			cfg.Resources = append(cfg.Resources, cluster.Scalar(name, value))
		}
	}
	if arg, ok := d.Arg("ports"); ok {
		cfg.Resources = append(cfg.Resources, ports(arg.Vals[0]))
	}
	further, err := parseNotation(strings.Fields(d.Input))
	if err != nil {
		return err
	}
	cfg.Resources = append(cfg.Resources, further...)
	if err := cluster.CheckResources(cfg.Resources); err != nil {
		return err
	}
	id, effects := s.c.AddAgent(s.now, cfg)
	fmt.Fprintf(&s.out, "agent %s\n", id)
	s.show(effects)
	return nil
}

func number(d *datadriven.TestData, name string) (float64, bool) {
	arg, ok := d.Arg(name)
	if !ok {
		return 0, false
	}
	value, err := strconv.ParseFloat(arg.Vals[0], 64)
	return value, err == nil
}

func ports(text string) mesos.Resource {
	var span cluster.Span
	if n, _ := fmt.Sscanf(text, "%d-%d", &span.Begin, &span.End); n == 1 {
		span.End = span.Begin
	}
	return cluster.Ranges("ports", span)
}

func (s *story) subscribe(d *datadriven.TestData) error {
	name := d.CmdArgs[0].Key
	info := &mesos.FrameworkInfo{User: "root", Name: name, Roles: []string{"dev"}}
	caps := []string{"MULTI_ROLE", "PARTITION_AWARE", "RESERVATION_REFINEMENT"}
	if arg, ok := d.Arg("roles"); ok {
		info.Roles = slices.DeleteFunc(slices.Clone(arg.Vals), func(role string) bool { return role == "" })
	}
	if arg, ok := d.Arg("caps"); ok {
		caps = arg.Vals
	}
	if arg, ok := d.Arg("role"); ok {
		info.Roles, info.Role = nil, &arg.Vals[0]
	}
	if arg, ok := d.Arg("principal"); ok {
		info.Principal = &arg.Vals[0]
	}
	for _, c := range caps {
		info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{
			Type: mesos.FrameworkInfo_Capability_Type(mesos.FrameworkInfo_Capability_Type_value[c])})
	}
	if d.HasArg("checkpoint") {
		yes := true
		info.Checkpoint = &yes
	}
	if timeout, ok := number(d, "failover"); ok {
		info.FailoverTimeout = &timeout
	}
	call := &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: info}}
	if arg, ok := d.Arg("id"); ok {
		call.FrameworkID = &mesos.FrameworkID{Value: arg.Vals[0]}
		info.ID = &mesos.FrameworkID{Value: arg.Vals[0]}
	}
	if arg, ok := d.Arg("suppressed"); ok {
		call.Subscribe.SuppressedRoles = arg.Vals
	}
	if arg, ok := d.Arg("as"); ok {
		name = arg.Vals[0]
	}
	if err := cluster.Validate(call); err != nil {
		return err
	}
	constraints := &cluster.CallConstraints{} // the input, if there is any, is a call of which only these count
	if d.Input != "" {
		if err := protojson.Unmarshal([]byte(d.Input), constraints); err != nil {
			return err
		}
	}
	stream, effects := s.c.SubscribeConstrained(s.now, call, constraints.Constraints())
	if stream == "" {
		answer := s.c.Unavailable()
		fmt.Fprintln(&s.out, answer.Status, answer.Text)
		return nil
	}
	s.streams[name], s.names[stream] = stream, name
	s.show(effects)
	return nil
}

func (s *story) disconnect(d *datadriven.TestData) error {
	s.show(s.c.Disconnect(s.now, s.streams[d.CmdArgs[0].Key]))
	return nil
}

func (s *story) call(d *datadriven.TestData) error {
	name := d.CmdArgs[0].Key
	call := &scheduler.Call{FrameworkID: &mesos.FrameworkID{Value: s.frameworks[name]}}
	constraints := &cluster.CallConstraints{}
	for _, part := range []any{call, constraints} {
		if err := protojson.Unmarshal([]byte(d.Input), part); err != nil {
			return err
		}
	}
	return s.doConstrained(name, call, constraints.Constraints())
}

func (s *story) do(name string, call *scheduler.Call) error { return s.doConstrained(name, call, nil) }

func (s *story) doConstrained(name string, call *scheduler.Call, constraints *cluster.OfferConstraints) error {
	if err := cluster.Validate(call); err != nil {
		return err
	}
	answer, effects := s.c.CallConstrained(s.now, s.streams[name], call, constraints)
	s.show(effects)
	if answer.Status != 202 {
		fmt.Fprintln(&s.out, strings.TrimSpace(fmt.Sprint(answer.Status, " ", short(answer.Text))))
	}
	return nil
}

func (s *story) launch(d *datadriven.TestData) error {
	name := d.CmdArgs[0].Key
	accept := &scheduler.Call_Accept{}
	if arg, ok := d.Arg("offer"); ok {
		for _, n := range arg.Vals {
			if !strings.Contains(n, "-") {
				n = "M-O" + n
			}
			accept.OfferIDs = append(accept.OfferIDs, mesos.OfferID{Value: n})
		}
	}
	if d.HasArg("held") {
		accept.OfferIDs, s.held = s.held, nil
	}
	if refuse, ok := number(d, "refuse"); ok {
		accept.Filters = &mesos.Filters{RefuseSeconds: &refuse}
	}
	tasks, _ := d.Arg("task")
	launch := &mesos.Offer_Operation_Launch{}
	for _, id := range tasks.Vals {
		info := taskInfo(d, id)
		if err := addInput(d, &info); err != nil {
			return err
		}
		launch.TaskInfos = append(launch.TaskInfos, info)
	}
	accept.Operations = []mesos.Offer_Operation{{Type: mesos.Offer_Operation_LAUNCH, Launch: launch}}
	return s.do(name, &scheduler.Call{
		Type: scheduler.Call_ACCEPT, Accept: accept, FrameworkID: &mesos.FrameworkID{Value: s.frameworks[name]},
	})
}

// addInput reads more of a task from the JSON below the command.
func addInput(d *datadriven.TestData, info *mesos.TaskInfo) error {
	if d.Input == "" {
		return nil
	}
	required := fmt.Sprintf(`{"name":%q,"task_id":{"value":%q},"agent_id":{"value":%q},`,
		info.Name, info.TaskID.Value, info.AgentID.Value)
	return protojson.Unmarshal([]byte(required+strings.TrimPrefix(d.Input, "{")), info)
}

func taskInfo(d *datadriven.TestData, id string) mesos.TaskInfo {
	info := mesos.TaskInfo{Name: id, TaskID: mesos.TaskID{Value: id}, AgentID: mesos.AgentID{Value: "M-S0"}}
	if arg, ok := d.Arg("agent"); ok {
		info.AgentID.Value = arg.Vals[0]
	}
	for _, resource := range []string{"cpus", "mem"} {
		if value, ok := number(d, resource); ok {
			info.Resources = append(info.Resources, cluster.Scalar(resource, value))
		}
	}
	if arg, ok := d.Arg("ports"); ok {
		info.Resources = append(info.Resources, ports(arg.Vals[0]))
	}
	if arg, ok := d.Arg("grace"); ok {
		grace, _ := time.ParseDuration(arg.Vals[0])
		info.KillPolicy = &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: int64(grace)}}
	}
	if arg, ok := d.Arg("limit"); ok {
		limit, _ := time.ParseDuration(arg.Vals[0])
		info.MaxCompletionTime = &mesos.DurationInfo{Nanoseconds: int64(limit)}
	}
	command := "sleep 1000"
	if arg, ok := d.Arg("executor"); ok {
		info.Executor = &mesos.ExecutorInfo{
			Type: mesos.ExecutorInfo_CUSTOM, ExecutorID: mesos.ExecutorID{Value: arg.Vals[0]},
			Command:   &mesos.CommandInfo{Value: &command},
			Resources: []mesos.Resource{cluster.Scalar("cpus", 0.1), cluster.Scalar("mem", 32)},
		}
		if arg, ok := d.Arg("executor-name"); ok {
			info.Executor.Name = &arg.Vals[0]
		}
		return info
	}
	info.Command = &mesos.CommandInfo{Value: &command}
	return info
}

func (s *story) ack(d *datadriven.TestData) error {
	name, task := d.CmdArgs[0].Key, d.CmdArgs[1].Key
	status := s.last[task]
	if status == nil || status.UUID == nil {
		return fmt.Errorf("the last update of %s carries no uuid", task)
	}
	uuid := status.UUID
	if d.HasArg("wrong") {
		uuid = make([]byte, 16)
	}
	return s.do(name, &scheduler.Call{
		Type: scheduler.Call_ACKNOWLEDGE, FrameworkID: &mesos.FrameworkID{Value: s.frameworks[name]},
		Acknowledge: &scheduler.Call_Acknowledge{AgentID: *status.AgentID, TaskID: status.TaskID, UUID: uuid},
	})
}

func (s *story) container(d *datadriven.TestData) (string, error) {
	container, ok := s.tasks[d.CmdArgs[0].Key]
	if !ok {
		return "", errors.New("no process was started for " + d.CmdArgs[0].Key)
	}
	return container, nil
}

func (s *story) started(d *datadriven.TestData) error {
	container, err := s.container(d)
	if err == nil {
		s.show(s.c.ProcessStarted(s.now, container, 7))
	}
	return err
}

func (s *story) failed(d *datadriven.TestData) error {
	container, err := s.container(d)
	if err == nil {
		s.show(s.c.ProcessFailed(s.now, container, "Failed to fetch all URIs for container 'c': exited with status 1"))
	}
	return err
}

func (s *story) refused(d *datadriven.TestData) error {
	container, err := s.container(d)
	if err == nil {
		s.show(s.c.ContainerRefused(s.now, container, "Failed to create executor directory 'd': No such user 'u'"))
	}
	return err
}

func (s *story) exited(d *datadriven.TestData) error {
	container, err := s.container(d)
	if err == nil {
		status, _ := number(d, "status")
		s.show(s.c.ProcessExited(s.now, container, cluster.Exit{Status: int(status), Lost: d.HasArg("lost")}))
	}
	return err
}

func (s *story) executor(d *datadriven.TestData) error {
	id := d.CmdArgs[0].Key
	call := &executor.Call{
		ExecutorID: mesos.ExecutorID{Value: id}, FrameworkID: mesos.FrameworkID{Value: "M-0000"},
	}
	if err := protojson.Unmarshal([]byte(`{"executor_id":{"value":"`+id+`"},"framework_id":{"value":"M-0000"},`+
		strings.TrimPrefix(strings.TrimSpace(d.Input), "{")), call); err != nil {
		return err
	}
	if call.Update != nil && call.Update.Status.UUID == nil && !d.HasArg("no-uuid") {
		uuid := s.newID()
		call.Update.Status.UUID = uuid[:]
	}
	if err := cluster.ValidateExecutorCall(call); err != nil {
		return err
	}
	if call.Type != executor.Call_SUBSCRIBE {
		answer, effects := s.c.ExecutorCall(s.now, "M-S0", call)
		s.show(effects)
		if answer.Status != 202 {
			fmt.Fprintf(&s.out, "%d %s\n", answer.Status, answer.Text)
		}
		return nil
	}
	stream, answer, effects := s.c.ExecutorSubscribe(s.now, "M-S0", call)
	if stream != "" {
		s.names[stream], s.streams[id] = id, stream
	}
	s.show(effects)
	if answer.Status != 200 {
		fmt.Fprintf(&s.out, "%d %s\n", answer.Status, answer.Text)
	}
	return nil
}

func (s *story) hangup(d *datadriven.TestData) error {
	s.show(s.c.ExecutorDisconnect(s.now, s.streams[d.CmdArgs[0].Key]))
	return nil
}

func (s *story) advance(d *datadriven.TestData) error {
	span, err := time.ParseDuration(d.CmdArgs[0].Key)
	if err != nil {
		return err
	}
	from, until := s.now, s.now.Add(span)
	for {
		next := s.c.NextWake()
		if next.IsZero() || next.After(until) {
			break
		}
		if next.After(s.now) {
			s.now = next
		}
		known := len(s.entries)
		effects := s.c.Tick(s.now)
		if len(s.entries) == known && s.idle != nil {
			s.idle()
		}
		if len(effects) > 0 {
			fmt.Fprintf(&s.out, "+%s\n", s.now.Sub(from))
			s.show(effects)
		}
	}
	s.now = until
	return nil
}

func (s *story) free(*datadriven.TestData) error {
	for _, a := range s.c.Snapshot().Agents {
		fmt.Fprintf(&s.out, "%s used: %s | offered: %s\n", a.ID, a.Used, a.Offered)
	}
	return nil
}

func (s *story) lastEventOfTask(d *datadriven.TestData) error {
	status := s.last[d.CmdArgs[0].Key]
	if status == nil {
		return errors.New("no update of " + d.CmdArgs[0].Key)
	}
	text, err := protojson.Marshal(status)
	fmt.Fprintf(&s.out, "%s\n", short(string(text)))
	return err
}

func (s *story) counters(d *datadriven.TestData) error {
	values := s.c.Counters()
	for name, n := range s.c.AllocatorMetrics() {
		values["allocator/"+name] = n
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if strings.HasPrefix(name, d.CmdArgs[0].Key) && values[name] != 0 {
			fmt.Fprintf(&s.out, "%s %v\n", name, values[name])
		}
	}
	return nil
}

func (s *story) deny(d *datadriven.TestData) error {
	s.forbidden = ""
	if len(d.CmdArgs) > 0 {
		s.forbidden = d.CmdArgs[0].Key
	}
	return nil
}

func (s *story) lose(d *datadriven.TestData) error {
	s.lossy = !d.HasArg("no")
	return nil
}

func (s *story) show(effects []cluster.Effect) {
	if s.told != nil {
		s.told(effects)
	}
	for _, effect := range effects {
		fmt.Fprintln(&s.out, strings.TrimRight(short(s.describe(effect)), " \n"))
	}
}

func (s *story) describe(effect cluster.Effect) string {
	switch e := effect.(type) {
	case cluster.SendToScheduler:
		return s.name(e.Stream) + " <- " + s.schedulerEvent(e.Stream, e.Event)
	case cluster.CloseScheduler:
		return s.name(e.Stream) + " <- end of stream"
	case cluster.CutScheduler:
		return s.name(e.Stream) + " <- connection cut"
	case cluster.AgentRegistered:
		return strings.TrimSpace(e.Agent + " registers at " + e.Hostname + ", was " + e.Former)
	case cluster.SendToExecutor:
		return s.name(e.Stream) + " <- " + executorEvent(e.Event)
	case cluster.CloseExecutor:
		return s.name(e.Stream) + " <- end of stream"
	case cluster.StartProcess:
		s.tasks[cmp.Or(e.Task, e.Executor)] = e.Container
		if e.DefaultExecutor {
			return fmt.Sprintf("make container %s of %s on %s", e.Container, e.Executor, e.Agent)
		}
		text := fmt.Sprintf("start %s on %s in %s: %s", cmp.Or(e.Task, e.Executor), e.Agent, e.Container, e.Command.GetValue())
		if e.Parent != "" {
			text += " within " + e.Parent
		}
		if len(e.Volumes) > 0 {
			text += " with " + volumesText(e.Volumes)
		}
		return text
	case cluster.PerformCheck:
		return "perform " + checkText(e) + " of " + s.executorIn(e.Container)
	case cluster.MountVolumes:
		return "mount in " + s.executorIn(e.Container) + ": " + volumesText(e.Volumes)
	case cluster.CreateVolume:
		return "create " + e.Volume.Role + " " + e.Volume.ID + " on " + e.Agent
	case cluster.DestroyVolume:
		return "destroy " + e.Volume.Role + " " + e.Volume.ID + " on " + e.Agent
	case cluster.CheckpointResources:
		return e.Agent + " keeps " + resourcesText(e.Resources)
	case cluster.SignalProcess:
		return fmt.Sprintf("signal %s: %s", s.executorIn(e.Container), e.Signal)
	}
	return fmt.Sprintf("%+v", effect)
}

func (s *story) executorIn(container string) string {
	for id, other := range s.tasks {
		if other == container {
			return id
		}
	}
	return "unknown " + container
}

func (s *story) name(stream string) string {
	if name, ok := s.names[stream]; ok {
		return name
	}
	return "new stream"
}

func (s *story) schedulerEvent(stream string, event *scheduler.Event) string {
	text := event.Type.String()
	switch event.Type {
	case scheduler.Event_SUBSCRIBED:
		id := event.Subscribed.FrameworkID.Value
		s.frameworks[s.name(stream)] = id
		return text + " " + id
	case scheduler.Event_OFFERS:
		var lines []string
		for i := range event.Offers.Offers {
			s.held = append(s.held, event.Offers.Offers[i].ID)
			lines = append(lines, offerText(&event.Offers.Offers[i]))
		}
		return text + strings.Join(lines, "")
	case scheduler.Event_RESCIND:
		return text + " " + event.Rescind.OfferID.Value
	case scheduler.Event_INVERSE_OFFERS:
		for _, o := range event.InverseOffers.InverseOffers {
			text += " " + o.OfferID.Value + " on " + o.AgentID.Value
		}
		return text
	case scheduler.Event_RESCIND_INVERSE_OFFER:
		return text + " " + event.RescindInverseOffer.InverseOfferID.Value
	case scheduler.Event_UPDATE:
		status := event.Update.Status
		s.last[status.TaskID.Value] = &status
		return text + " " + statusText(&status)
	case scheduler.Event_ERROR:
		return text + " " + event.Error.Message
	case scheduler.Event_FAILURE:
		f := event.Failure
		if f.ExecutorID == nil {
			return text + " " + f.AgentID.Value
		}
		return fmt.Sprintf("%s %s %s status %d", text, f.AgentID.Value, f.ExecutorID.GetValue(), f.GetStatus())
	case scheduler.Event_MESSAGE:
		return fmt.Sprintf("%s from %s: %s", text, event.Message.ExecutorID.Value, event.Message.Data)
	case scheduler.Event_UPDATE_OPERATION_STATUS:
		status := event.UpdateOperationStatus.Status
		return text + " " + s.operationText(&status)
	}
	return text
}

func offerText(o *mesos.Offer) string {
	text := fmt.Sprintf("\n  %s on %s for %q: %s", o.ID.Value, o.AgentID.Value, o.AllocationInfo.GetRole(),
		resourcesText(o.Resources))
	if u := o.Unavailability; u != nil {
		text += fmt.Sprintf(" unavailable from %s for %s", time.Unix(0, u.Start.Nanoseconds).UTC().Format("15:04:05"),
			time.Duration(u.Duration.GetNanoseconds()))
	}
	for _, id := range o.ExecutorIDs {
		text += " executor " + id.Value
	}
	return text
}

func statusText(status *mesos.TaskStatus) string {
	text := fmt.Sprintf("%s %s from %s", status.TaskID.Value, status.GetState(),
		strings.TrimPrefix(status.GetSource().String(), "SOURCE_"))
	if status.UUID != nil {
		text += fmt.Sprintf(" #%s", strings.TrimLeft(hex.EncodeToString(status.UUID), "0"))
	}
	if status.Reason != nil {
		text += " " + status.GetReason().String()
	}
	if status.Message != nil {
		text += fmt.Sprintf(" %q", status.GetMessage())
	}
	if status.Healthy != nil {
		text += fmt.Sprintf(" healthy=%t", *status.Healthy)
	}
	if status.CheckStatus != nil {
		text += " check=" + checkStatusText(status.CheckStatus)
	}
	if status.Data != nil {
		text += fmt.Sprintf(" data %q", status.Data)
	}
	return text
}

func executorEvent(event *executor.Event) string {
	text := event.Type.String()
	switch event.Type {
	case executor.Event_SUBSCRIBED:
		s := event.Subscribed
		return fmt.Sprintf("%s %s of %s on %s", text, s.ExecutorInfo.ExecutorID.Value, s.FrameworkInfo.ID.Value,
			s.AgentInfo.ID.Value)
	case executor.Event_LAUNCH:
		return text + " " + event.Launch.Task.TaskID.Value
	case executor.Event_LAUNCH_GROUP:
		for _, task := range event.LaunchGroup.TaskGroup.Tasks {
			text += " " + task.TaskID.Value
		}
		return text
	case executor.Event_KILL:
		text += " " + event.Kill.TaskID.Value
		if policy := event.Kill.KillPolicy; policy != nil {
			text += fmt.Sprintf(" grace %s", time.Duration(policy.GracePeriod.Nanoseconds))
		}
		return text
	case executor.Event_ACKNOWLEDGED:
		return fmt.Sprintf("%s %s #%s", text, event.Acknowledged.TaskID.Value,
			strings.TrimLeft(hex.EncodeToString(event.Acknowledged.UUID), "0"))
	case executor.Event_MESSAGE:
		return fmt.Sprintf("%s %s", text, event.Message.Data)
	}
	return text
}
