//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/engine/mesos/mesostest"
)

// patience bounds every wait. It is generous: what it guards against is waiting for ever.
const patience = 5 * time.Minute

// BenchmarkServe is what the program needs for 10,000 hosts with three pods each, all of them deployed, on one core: it is started, and takes offers of all hosts, with
// 12 disks each, on which there is nothing to do. An operation is an event of 10,000 offers.
//
// offers/cpu-s is by the time for which it had a processor, whoever else needed one. subscribed-s is the time from its start until its SUBSCRIBE arrives. resident-MB is what it has in memory when the last offer is declined, peak-MB the most that it ever had; state-MB
// of both is the file of its state, which the system takes out of memory when it needs room.
//
// On all hosts all is well, or the last one has gone, and a pod of it waits for an offer.
func BenchmarkServe(b *testing.B) {
	b.Run("all-well", func(b *testing.B) { takeOffers(b, hosts, false) })
	b.Run("one-waits", func(b *testing.B) { takeOffers(b, hosts-1, true) })
}

func takeOffers(b *testing.B, hosts int, oneWaits bool) {
	program, state := build(b), b.TempDir()
	w := deploy(b, state, oneWaits)
	master, err := mesostest.NewMaster(hosts)
	if err != nil {
		b.Fatal(err)
	}
	master.Told = w.told
	begun := time.Now()
	p := serve(b, program, listen(b, master), state)
	await(b, master.Subscribed(), "SUBSCRIBE")
	subscribed := time.Since(begun)
	round := func() {
		master.Offer()
		await(b, master.Declined(), "DECLINE")
	}
	for w.answers.Load() < int64(hosts) { // who has just started tells all probers what to look at
		round()
	}
	for range 5 { // in which it takes in what they answer
		round()
	}
	computed := p.computed()
	for b.Loop() {
		round()
	}
	b.ReportMetric(float64(hosts*b.N)/b.Elapsed().Seconds(), "offers/s")
	b.ReportMetric(float64(hosts*b.N)/(p.computed()-computed).Seconds(), "offers/cpu-s")
	b.ReportMetric(subscribed.Seconds(), "subscribed-s")
	b.ReportMetric(p.memory("VmRSS"), "resident-MB")
	b.ReportMetric(p.memory("VmHWM"), "peak-MB")
	b.ReportMetric(p.memory("RssFile"), "state-MB")
	p.end()
}

func await(b *testing.B, told <-chan struct{}, what string) {
	b.Helper()
	select {
	case <-told:
	case <-time.After(patience):
		b.Fatalf("no %s after %s", what, patience)
	}
}

func build(b *testing.B) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "quobyte-mesos")
	cmd := exec.Command("go", "build", "-o", program, "./cmd/quobyte-mesos")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// listen serves until the end of the benchmark, and returns the address.
func listen(b *testing.B, handler http.Handler) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(l)
	b.Cleanup(func() { server.Close() })
	return l.Addr().String()
}

// process is serve.
type process struct {
	b    *testing.B
	cmd  *exec.Cmd
	log  string
	url  string
	done chan struct{}
}

var serving = regexp.MustCompile(`msg=serving api=(\S+)`)

// serve starts the program, and waits until its API is there.
func serve(b *testing.B, program, master, state string) *process {
	b.Helper()
	p := &process{b: b, log: filepath.Join(b.TempDir(), "log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	p.cmd = exec.Command(program, "serve", "--master", master, "--state-dir", state, "--listen", "127.0.0.1:0", "--discovery-window", "1s",
		"--containerizer", "command", "--server-command", serverCommand, "--ports-from", "host")
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() { // joined by Cleanup
		p.cmd.Wait()
		close(p.done)
	}()
	b.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
		if b.Failed() {
			b.Logf("serve wrote\n%s", p.tail())
		}
	})
	p.wait("serving", func() bool {
		text, _ := os.ReadFile(p.log)
		m := serving.FindSubmatch(text)
		if m != nil {
			p.url = string(m[1])
		}
		return m != nil
	})
	return p
}

func (p *process) tail() []byte {
	text, _ := os.ReadFile(p.log)
	lines := bytes.Split(text, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-30):], []byte("\n"))
}

func (p *process) wait(what string, condition func() bool) {
	p.b.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-p.done:
			p.b.Fatalf("serve has ended, and was not %s", what)
		case <-timeout:
			p.b.Fatalf("serve: not %s after %s", what, patience)
		}
	}
}

// memory reads a line of /proc/PID/status, in MB.
func (p *process) memory(name string) float64 {
	p.b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), name+":")
	rest, _, _ = strings.Cut(strings.TrimSpace(rest), " kB")
	kib, err := strconv.ParseFloat(rest, 64)
	if err != nil {
		p.b.Fatalf("%s: %v", name, err)
	}
	return kib * 1024 / 1e6
}

// computed is the time for which the process has had a processor, to a hundredth of a second.
func (p *process) computed() time.Duration {
	p.b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // the third and so on of proc(5)
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	if err := errors.Join(errUser, errSystem); err != nil {
		p.b.Fatal(err)
	}
	return time.Duration(user+system) * time.Second / 100
}

func (p *process) end() {
	p.b.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.b.Fatal(err)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.b.Errorf("serve ended with %d", code)
	}
}
