package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/quobyte/mesos-framework/internal/sandbox"
)

// TestMain lets the test binary be the programs that the tests need as processes of their own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "be-supervisor":
			os.Exit(sandbox.SuperviseInherited(os.Args[2:]))
		case "be-executor":
			os.Exit(beExecutor())
		case "be-sandbox":
			os.Exit(beSandbox(os.Args[2]))
		}
	}
	os.Exit(m.Run())
}

func supervisor() []string { return []string{os.Args[0], "be-supervisor"} }

// beSandbox runs a sandbox with one agent, prints its master address, and ends with its stdin.
func beSandbox(dir string) int {
	s, err := sandbox.Start(context.Background(), oneAgent(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.MasterAddress())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Close(); err != nil {
		return 1
	}
	return 0
}

func oneAgent(dir string) sandbox.Config {
	return sandbox.Config{
		MasterAddress: "127.0.0.1:0",
		Supervisor:    supervisor(),
		Agents: []sandbox.Agent{{
			IP: "127.0.3.1", Port: sandbox.AnyPort, WorkDir: dir,
			Attributes: []sandbox.Attribute{{Name: "rack", Value: "r1"}},
			Resources:  sandbox.Resources{CPUs: 4, Mem: 4096, Disk: 1000, Ports: []sandbox.PortRange{{Begin: 31000, End: 31999}}},
		}},
	}
}
