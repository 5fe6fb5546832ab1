package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// container is one process with its sandbox directory. Its methods are called with the sandbox's lock held.
type container struct {
	start  cluster.StartProcess
	agent  *agentShell
	dir    string
	ctx    context.Context // ends when the container is not to be started any more
	cancel context.CancelFunc
	orders *os.File // write end of the pipe to the supervisor, nil until it runs

	volumes []cluster.Volume  // that it is to have
	ready   bool              // the directory is there, and account is known
	links   map[string]string // volume paths by their place in the directory
	account account

	program string // the shell command that stands for its image, "" without one

	// fetched are the files that the fetcher made, below dir. Only the container's own goroutine uses it.
	fetched []string
}

// refusal is why an agent does not even make room for a container.
type refusal string

func (r refusal) Error() string { return string(r) }

// signal tells the supervisor; before there is one, Kill stops the start.
func (c *container) signal(signal cluster.Signal) {
	switch {
	case signal == cluster.Kill && c.orders == nil:
		c.cancel()
	case c.orders != nil:
		order := orderTerminate
		if signal == cluster.Kill {
			order = orderKill
		}
		_, _ = c.orders.Write([]byte{order}) // a supervisor that is gone needs no orders
	}
}

// tellDisk tells the supervisor whether the disk is full.
func (c *container) tellDisk(full bool) {
	if c.orders == nil {
		return
	}
	order := orderSpace
	if full {
		order = orderFull
	}
	_, _ = c.orders.Write([]byte{order})
}

// abandon ends the container the way in which it ends if this process dies: the pipe closes.
func (c *container) abandon() {
	c.cancel()
	if c.orders != nil {
		_ = c.orders.Close()
		c.orders = nil
	}
}

// discard removes what was fetched once nobody needs it, so that the restarts of a task with a large program do not fill the
// disk. The task may have put anything in its place; nothing outside the directory is touched.
func (c *container) discard() {
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return // then there is nothing to remove
	}
	defer root.Close()
	for _, name := range c.fetched {
		_ = root.Remove(name)
	}
}

// launch carries out a StartProcess effect. It is called with the lock held.
func (s *Sandbox) launch(start cluster.StartProcess) {
	if s.closing {
		return
	}
	a := s.agentByID(start.Agent)
	c := &container{start: start, agent: a, volumes: start.Volumes, dir: a.directoryOf(start)}
	c.ctx, c.cancel = context.WithCancel(s.ctx)
	s.containers[start.Container] = c
	s.goroutines.Go(func() {
		s.run(c)
		c.cancel()
		s.mu.Lock()
		delete(s.containers, start.Container)
		s.mu.Unlock()
	})
}

// directoryOf is where the sandbox of a container is: that of a task of a group is in that of its executor.
func (a *agentShell) directoryOf(start cluster.StartProcess) string {
	runs := filepath.Join(a.WorkDir, "slaves", a.id, "frameworks", start.Framework, "executors", start.Executor, "runs")
	if start.Parent != "" {
		return filepath.Join(runs, start.Parent, "containers", start.Container)
	}
	return filepath.Join(runs, start.Container)
}

// run is the life of a container: prepare, start, wait.
func (s *Sandbox) run(c *container) {
	log := s.log.With("task", cmp.Or(c.start.Task, c.start.Executor), "agent", c.agent.Hostname)
	if c.start.DefaultExecutor {
		s.runDefaultExecutor(c)
		return
	}
	child, err := s.prepareAndStart(c)
	if err != nil {
		c.discard()
		log.Warn("task could not be started", "error", err)
		s.notStarted(c, err)
		return
	}
	pid := child.cmd.Process.Pid
	log.Info("task started", "pid", pid, "directory", c.dir)
	s.apply(func(now time.Time) []cluster.Effect {
		c.orders = child.orders
		if c.ctx.Err() != nil { // killed while it was being started
			c.signal(cluster.Kill)
		}
		if s.diskFull(c.agent) { // since it was prepared
			c.tellDisk(true)
		}
		return s.cluster.ProcessStarted(now, c.start.Container, pid)
	})
	exit := child.wait()
	c.discard()
	log.Info("task ended", "status", exit.Status, "lost", exit.Lost)
	s.apply(func(now time.Time) []cluster.Effect {
		c.abandon()
		return s.cluster.ProcessExited(now, c.start.Container, exit)
	})
}

func (s *Sandbox) notStarted(c *container, err error) {
	refused, is := errors.AsType[refusal](err)
	s.apply(func(now time.Time) []cluster.Effect {
		switch {
		case is:
			return s.cluster.ContainerRefused(now, c.start.Container, refused.Error())
		case c.start.Docker && c.program != "": // the image was there
			return s.cluster.ContainerNotRun(now, c.start.Container, daemonFailed)
		}
		return s.cluster.ProcessFailed(now, c.start.Container, err.Error())
	})
}

// runDefaultExecutor is the life of the container of a default executor: the executor itself is a part of the model, so
// there is only a directory, for those of its tasks.
func (s *Sandbox) runDefaultExecutor(c *container) {
	if _, err := s.prepare(c); err != nil {
		s.log.Warn("executor could not be started", "executor", c.start.Executor, "error", err)
		s.notStarted(c, err)
		return
	}
	s.apply(func(now time.Time) []cluster.Effect {
		return s.cluster.ProcessStarted(now, c.start.Container, os.Getpid())
	})
	<-c.ctx.Done()
	s.apply(func(now time.Time) []cluster.Effect {
		return s.cluster.ProcessExited(now, c.start.Container, cluster.Exit{})
	})
}

// prepareAndStart makes the sandbox directory with everything in it and starts the supervisor there.
func (s *Sandbox) prepareAndStart(c *container) (*supervised, error) {
	account, err := s.prepare(c)
	if err != nil {
		return nil, err
	}
	stdout, err := os.Create(filepath.Join(c.dir, "stdout"))
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	stderr, err := os.Create(filepath.Join(c.dir, "stderr"))
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	if err := c.fetchAll(); err != nil {
		fmt.Fprintln(stderr, err)
		s.log.Warn("fetch failed", "task", c.start.Executor, "error", err)
		return nil, fmt.Errorf("Failed to fetch all URIs for container '%s': exited with status 1", c.start.Container)
	}
	if err := account.own(c.dir); err != nil {
		return nil, err
	}
	if err := s.pull(c); err != nil {
		fmt.Fprintln(stderr, err)
		return nil, err
	}
	cmd := s.supervisor(c, c.commandLine())
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return startSupervised(cmd)
}

// prepare makes the sandbox directory, with the volumes in it, and tells who owns it.
func (s *Sandbox) prepare(c *container) (account, error) {
	s.mu.Lock()
	full := s.diskFull(c.agent)
	s.mu.Unlock()
	if full {
		return "", refusal(fmt.Sprintf("Failed to create executor directory '%s': No space left on device", c.dir))
	}
	if err := c.makeDirectory(); err != nil {
		return "", err
	}
	account, err := accountOf(c.start.User)
	if err != nil {
		return "", refusal(fmt.Sprintf("Failed to create executor directory '%s': Failed to chown directory to '%s': %v",
			c.dir, c.start.User, err))
	}
	return account, s.mountFirst(c, account)
}

// makeDirectory makes the directory, and the link by which people find it: the latest run of an executor, or the task of a
// group by its id.
func (c *container) makeDirectory() error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	runs, name := filepath.Split(c.dir)
	link, target := filepath.Join(runs, "latest"), name
	if c.start.Parent != "" {
		link, target = filepath.Join(runs, "..", "tasks", c.start.Task), filepath.Join("..", "containers", name)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			return err
		}
	}
	_ = os.Remove(link)
	return os.Symlink(target, link)
}

// commandLine is what the supervisor executes: a file, then its argv with the name of the program first.
func commandLine(command *mesos.CommandInfo) []string {
	if command.GetShell() {
		return []string{"/bin/sh", "sh", "-c", command.GetValue()}
	}
	line := []string{command.GetValue()}
	if len(command.Arguments) == 0 {
		return append(line, command.GetValue())
	}
	return append(line, command.Arguments...)
}

// environment is that of the task. What the command asks for comes last and so wins.
func (s *Sandbox) environment(c *container) []string {
	env := []string{
		"PATH=" + s.cfg.Path,
		"MESOS_SANDBOX=" + c.dir,
		"MESOS_DIRECTORY=" + c.dir,
		"LIBPROCESS_IP=" + c.agent.IP,
		"LIBPROCESS_PORT=0",
	}
	if c.start.CustomExecutor {
		env = append(env, executorEnvironment(c)...)
		if s.cfg.TLS != nil {
			env = append(env, s.cfg.TLS.environment()...)
		}
		if s.cfg.AuthenticateExecutors {
			env = append(env, "MESOS_EXECUTOR_AUTHENTICATION_TOKEN="+s.executorToken(c))
		}
	}
	if c.start.Image != "" {
		env = append(env, "MESOS_CONTAINER_NAME=mesos-"+c.start.Container, "CONTAINER_VOLUMES="+c.containerVolumes())
	}
	for _, variable := range c.start.Command.GetEnvironment().GetVariables() {
		env = append(env, variable.Name+"="+variable.GetValue())
	}
	return env
}

func executorEnvironment(c *container) []string {
	env := []string{
		"MESOS_AGENT_ENDPOINT=" + c.agent.endpoint.listener.Addr().String(),
		"MESOS_EXECUTOR_ID=" + c.start.Executor,
		"MESOS_FRAMEWORK_ID=" + c.start.Framework,
		"MESOS_SLAVE_ID=" + c.start.Agent,
		"MESOS_SLAVE_PID=" + slavePID(c.agent.IP, c.agent.Port),
		"MESOS_HTTP_COMMAND_EXECUTOR=0",
		"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD=" + cluster.DurationText(c.start.ShutdownGrace),
	}
	if !c.start.Checkpoint {
		return append(env, "MESOS_CHECKPOINT=0")
	}
	return append(env, "MESOS_CHECKPOINT=1", "MESOS_RECOVERY_TIMEOUT=15mins",
		"MESOS_SUBSCRIPTION_BACKOFF_MAX="+cluster.DurationText(c.start.ReregistrationLimit))
}
