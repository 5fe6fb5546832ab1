package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// check carries out a PerformCheck effect. It is called with the lock held.
func (s *Sandbox) check(p cluster.PerformCheck) {
	c := s.containers[p.Container]
	if c == nil || s.closing {
		return
	}
	s.goroutines.Go(func() {
		ctx, cancel := c.ctx, context.CancelFunc(func() {})
		if p.Timeout > 0 {
			ctx, cancel = context.WithTimeout(c.ctx, p.Timeout)
		}
		defer cancel()
		result := s.performCheck(ctx, c, p)
		if c.ctx.Err() != nil {
			return // the task has ended meanwhile
		}
		s.apply(func(now time.Time) []cluster.Effect { return s.cluster.Checked(now, p.Container, p.Health, result) })
	})
}

// performCheck waits for what a check brings, at most until ctx ends.
func (s *Sandbox) performCheck(ctx context.Context, c *container, p cluster.PerformCheck) cluster.CheckResult {
	var result cluster.CheckResult
	var err error
	switch {
	case p.HTTP != nil:
		result.StatusCode, err = checkHTTP(ctx, c.agent.IP, p.HTTP)
	case p.TCP != nil:
		result.Connected, err = checkTCP(ctx, c.agent.IP, p.TCP)
	default:
		result.ExitCode, err = s.checkCommand(ctx, c, p.Command)
	}
	if err != nil {
		result.Problem = err.Error()
		s.log.Debug("check failed", "task", c.start.Task, "health", p.Health, "error", err)
	}
	return result
}

// checkCommand runs a command as the task is run: as its user, in its directory and environment. What it prints is lost. When
// ctx ends it is killed with all that it has started.
func (s *Sandbox) checkCommand(ctx context.Context, c *container, command *mesos.CommandInfo) (int32, error) {
	cmd := s.supervisor(c, commandLine(command))
	for _, variable := range command.GetEnvironment().GetVariables() {
		cmd.Env = append(cmd.Env, variable.Name+"="+variable.GetValue())
	}
	child, err := startSupervised(cmd)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	full := s.diskFull(c.agent)
	s.mu.Unlock()
	if full {
		_, _ = child.orders.Write([]byte{orderFull}) // it has hardly begun
	}
	stop := context.AfterFunc(ctx, func() { _ = child.orders.Close() })
	exit := child.wait()
	if stop() {
		_ = child.orders.Close()
	}
	status := syscall.WaitStatus(exit.Status)
	switch {
	case ctx.Err() != nil:
		return 0, fmt.Errorf("command: %w", ctx.Err())
	case exit.Lost:
		return 0, errors.New("command: its supervisor was killed")
	case status.Signaled():
		return 128 + int32(status.Signal()), nil // as a shell would say
	}
	return int32(status.ExitStatus()), nil
}

// supervisor is the process that runs a command line for a container whose directory is there.
func (s *Sandbox) supervisor(c *container, line []string) *exec.Cmd {
	argv := append(append([]string(nil), s.cfg.Supervisor[1:]...), string(c.account))
	argv = append(argv, line...)
	cmd := exec.Command(s.cfg.Supervisor[0], argv...)
	cmd.Dir, cmd.Env = c.dir, s.environment(c)
	return cmd
}

// checkHTTP gives the status of a GET at an agent's address, after redirects. Certificates are not looked at (Mesos: the
// same).
func checkHTTP(ctx context.Context, ip string, p *cluster.HTTPCheck) (uint32, error) {
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	url := p.Scheme + "://" + net.JoinHostPort(ip, strconv.Itoa(int(p.Port))) + p.Path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close()
	return uint32(response.StatusCode), nil
}

// checkTCP tells whether something listens at an agent's address. That nothing does is an answer; that nothing says so in
// time is none.
func checkTCP(ctx context.Context, ip string, p *cluster.TCPCheck) (bool, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(ip, strconv.Itoa(int(p.Port))))
	switch {
	case err == nil:
		return true, conn.Close()
	case ctx.Err() != nil:
		return false, fmt.Errorf("connection: %w", ctx.Err())
	}
	return false, nil
}
