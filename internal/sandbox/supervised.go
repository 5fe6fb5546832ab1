package sandbox

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// Descriptors that a supervisor is started with.
const (
	OrdersFD = 3 // read end of the pipe for orders; its end is the order to kill and go
	ReportFD = 4 // write end of the pipe for how the task ended
)

// Orders to a supervisor, one byte each.
const (
	orderTerminate byte = 'T' // SIGTERM to the task's process group
	orderKill      byte = 'K' // SIGKILL to all of the task's descendants
	orderFull      byte = 'F' // none of them can write to files any more
	orderSpace     byte = 'S' // they can again
)

// supervised is a running supervisor as seen from the sandbox.
type supervised struct {
	cmd    *exec.Cmd
	orders *os.File
	report *os.File
}

// startSupervised starts the command of a supervisor with both pipes. Their ends on this side are closed in every
// other child, so that the supervisor notices when this process is gone.
func startSupervised(cmd *exec.Cmd) (*supervised, error) {
	ordersIn, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ordersIn.Close()
	report, reportIn, err := os.Pipe()
	if err != nil {
		orders.Close()
		return nil, err
	}
	defer reportIn.Close()
	cmd.ExtraFiles = []*os.File{ordersIn, reportIn}
	// A group of its own, so that Ctrl-C in the terminal reaches the sandbox alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		orders.Close()
		report.Close()
		return nil, err
	}
	return &supervised{cmd: cmd, orders: orders, report: report}, nil
}

// wait waits for the supervisor to end, and tells how the task did. A supervisor that ended without a word was killed
// itself; then nobody knows.
func (c *supervised) wait() cluster.Exit {
	text, err := io.ReadAll(c.report)
	_ = c.report.Close()
	_ = c.cmd.Wait()
	if err == nil {
		if status, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return cluster.Exit{Status: status}
		}
	}
	return cluster.Exit{Status: int(syscall.SIGKILL), Lost: true}
}
