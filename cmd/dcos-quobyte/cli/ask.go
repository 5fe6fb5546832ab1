package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
)

// errNotConfirmed ends a command that was not confirmed.
var errNotConfirmed = errors.New("not confirmed; nothing was done")

// asks says whether there is somebody who could be asked: both ends of the dialogue are a terminal.
func (c *command) asks() bool { return isTerminal(c.env.Stdin) && isTerminal(c.env.Stderr) }

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// confirm asks the user whether to go on, after telling what that means. Only yes goes on.
func (c *command) confirm(ctx context.Context, meaning ...string) error {
	for _, text := range meaning {
		fmt.Fprintln(c.env.Stderr, tree.OneLine(text))
	}
	fmt.Fprint(c.env.Stderr, "Go on? [y/N] ")
	answer := make(chan string, 1)
	go func() { // a read of a terminal can't be interrupted
		line, _ := bufio.NewReader(c.env.Stdin).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(c.env.Stderr)
		return errNotConfirmed
	case text := <-answer:
		if text == "y" || text == "yes" {
			return nil
		}
		return errNotConfirmed
	}
}
