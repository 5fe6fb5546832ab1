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

// patience bounds the start of a server, and how long a port may take to be free again.
const patience = 60 * time.Second

// Server is a ZooKeeper of one server, without authentication of clients beyond that of ZooKeeper's own.
type Server struct {
	// Address is where clients reach it: host:port.
	Address string

	t    testing.TB
	dir  string
	cmd  *exec.Cmd
	done chan struct{}
	out  *bytes.Buffer // may be read when done is closed
}

// Start starts a server with an empty directory of its own. It has a tick of 200 ms, so that sessions may be as short as 400 ms. It
// ends with the test at the latest.
func Start(t testing.TB) *Server {
	t.Helper()
	if reason := Missing(); reason != "" {
		t.Skip("ZooKeeper is not tested: " + reason + " (apt-get install zookeeper)")
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, Address: fmt.Sprintf("127.0.0.1:%d", port), dir: t.TempDir()}
	settings := fmt.Sprintf("tickTime=200\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n"+
		"maxSessionTimeout=60000\nmaxClientCnxns=0\n4lw.commands.whitelist=*\n", filepath.Join(s.dir, "data"), port)
	if err := os.WriteFile(filepath.Join(s.dir, "zoo.cfg"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	s.Run()
	return s
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
	s.out, s.done = new(bytes.Buffer), make(chan struct{})
	sync := "no" // what it costs is a property of the disk; tests are about the rest, but benchmarks are not
	if _, is := s.t.(*testing.B); is {
		sync = "yes"
	}
	s.cmd = exec.Command("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.forceSync="+sync, "-cp", jar,
		"org.apache.zookeeper.server.quorum.QuorumPeerMain", filepath.Join(s.dir, "zoo.cfg"))
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Dir = s.out, s.out, s.dir
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { // joined by Kill
		s.cmd.Wait()
		close(s.done)
	}()
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

// Signal sends the server a signal: SIGSTOP makes it silent.
func (s *Server) Signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, errors.Join(l.Close())
}
