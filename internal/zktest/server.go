package zktest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// jar is where Debian's package puts ZooKeeper. It names the other jars that it needs.
const jar = "/usr/share/java/zookeeper.jar"

// patience bounds the start of a server, until it has stopped, and how long a port may take to be free again.
const patience = 60 * time.Second

// Server is a server of ZooKeeper.
type Server struct {
	// Address is where clients reach it: host:port.
	Address string

	t    testing.TB
	dir  string
	cmd  *exec.Cmd
	done chan struct{}
	out  *bytes.Buffer // may be read when done is closed
}

// The tick of servers that are to be quick, which allows sessions of 400 ms, and the one that ZooKeeper's own configuration has.
const (
	quickTick = 200 * time.Millisecond
	usualTick = 2 * time.Second
)

// Start starts a server with an empty directory of its own. It has a tick of 200 ms, so that sessions may be as short as 400 ms. It
// ends with the test at the latest.
func Start(t testing.TB) *Server {
	t.Helper()
	return startAll(t, 1, quickTick)[0]
}

// StartUsual starts a server that ticks as those of operators do, every two seconds: sessions are 4 s at least, and end up to a tick late.
func StartUsual(t testing.TB) *Server {
	t.Helper()
	return startAll(t, 1, usualTick)[0]
}

// StartEnsemble starts several servers that are one ZooKeeper.
func StartEnsemble(t testing.TB, servers int) []*Server {
	t.Helper()
	return startAll(t, servers, quickTick)
}

func startAll(t testing.TB, servers int, tick time.Duration) []*Server {
	t.Helper()
	if reason := Missing(); reason != "" {
		t.Skip("ZooKeeper is not tested: " + reason + " (apt-get install zookeeper)")
	}
	ports, err := freePorts(3 * servers)
	if err != nil {
		t.Fatal(err)
	}
	peers := ""
	for i := range servers {
		peers += fmt.Sprintf("server.%d=127.0.0.1:%d:%d\n", i+1, ports[3*i+1], ports[3*i+2])
	}
	if servers == 1 {
		peers = ""
	}
	var all []*Server
	for i := range servers {
		s := &Server{t: t, Address: fmt.Sprintf("127.0.0.1:%d", ports[3*i]), dir: t.TempDir()}
		settings := fmt.Sprintf("tickTime=%d\ninitLimit=50\nsyncLimit=20\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n"+
			"maxSessionTimeout=60000\nmaxClientCnxns=0\n4lw.commands.whitelist=*\n%s", tick.Milliseconds(), filepath.Join(s.dir, "data"), ports[3*i], peers)
		err := errors.Join(
			os.WriteFile(filepath.Join(s.dir, "zoo.cfg"), []byte(settings), 0o600),
			os.Mkdir(filepath.Join(s.dir, "data"), 0o700),
			os.WriteFile(filepath.Join(s.dir, "data", "myid"), []byte(fmt.Sprint(i+1)), 0o600),
		)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Kill)
		s.launch()
		all = append(all, s)
	}
	for _, s := range all {
		s.await()
	}
	return all
}

// Missing says what there is not that Start needs; empty if nothing.
func Missing() string {
	if _, err := os.Stat(jar); err != nil {
		return jar + " is missing"
	}
	if _, err := exec.LookPath("java"); err != nil {
		return "java is missing"
	}
	return ""
}

// Run starts a server again that was killed. What was in it is there.
func (s *Server) Run() {
	s.t.Helper()
	s.launch()
	s.await()
}

func (s *Server) launch() {
	s.t.Helper()
	s.out, s.done = new(bytes.Buffer), make(chan struct{})
	sync := "no" // what it costs is a property of the disk; tests are about the rest, but benchmarks are not
	if _, is := s.t.(*testing.B); is {
		sync = "yes"
	}
	s.cmd = exec.Command("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.forceSync="+sync, "-cp", jar,
		"org.apache.zookeeper.server.quorum.QuorumPeerMain", filepath.Join(s.dir, "zoo.cfg"))
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Dir = s.out, s.out, s.dir
	s.cmd.SysProcAttr = withParent()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { // joined by Kill
		s.cmd.Wait()
		close(s.done)
	}()
}

// await waits until the server serves; one of several does when it knows who leads them.
func (s *Server) await() {
	s.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for !s.serves() {
		select {
		case <-tick.C:
		case <-s.done:
			s.t.Fatalf("ZooKeeper has ended: %s", s.out)
		case <-timeout:
			s.t.Fatalf("ZooKeeper at %s does not serve after %s", s.Address, patience)
		}
	}
}

// serves asks the server whether it is one. Only one that serves knows its mode.
func (s *Server) serves() bool {
	c, err := net.DialTimeout("tcp", s.Address, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	io.WriteString(c, "srvr")
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "Mode: ") {
			return true
		}
	}
	return false
}

// Kill ends the server as a crash would.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	s.cmd.Process.Kill()
	<-s.done
}

// Signal sends the server a signal: SIGSTOP makes it silent, and when it returns it is.
func (s *Server) Signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(patience); signal == syscall.SIGSTOP && s.works(); {
		if time.Now().After(end) {
			s.t.Fatalf("zookeeper has not stopped within %v", patience)
		}
		time.Sleep(time.Millisecond) // another process can only be looked at
	}
}

// works says whether any thread of the server is not stopped. On a busy machine a signal takes its time to reach all of them.
func (s *Server) works() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.cmd.Process.Pid))
	for _, t := range threads {
		text, err := os.ReadFile(t)
		_, state, _ := strings.Cut(string(text), ") ")
		if err == nil && !strings.HasPrefix(state, "T") {
			return true
		}
	}
	return false
}

// freePorts finds ports that nobody uses, all at once: of two that are found one after the other, the second may be the first.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
