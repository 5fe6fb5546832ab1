package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/quobyte/mesos-framework/quobyte"
)

// recognisable is a further argument of the demo's stand-ins, which does nothing: their own directories, with the demo's directory and
// the pod's name in them, so that ps and pkill tell one from the other. The shell that runs a command knows it.
const recognisable = ` "$MESOS_SANDBOX"`

// urlOfCLI is where dcos-quobyte looks if it is told nothing.
const urlOfCLI = "http://127.0.0.1:7888"

// printNext tells where everything is, and what to try next.
func (d *demo) printNext() error {
	cli := d.cli()
	_, err := fmt.Fprintf(d.env.Stdout, `
deploy is COMPLETE.

  API           %s/v1/plans/deploy
  Web console   %s
  Mesos master  http://%s/state
  Log           %s

Try in another terminal:

  %[5]s plan show deploy
  %[5]s pod list
  %[6]s && %[5]s plan show recovery     # kills a daemon

Ctrl-C ends everything.
`, d.framework.url, d.webconsole(), d.cluster.MasterAddress(), d.logPath, cli, killHint(d.cluster.dir, "data-0"))
	return err
}

// cli is how to call dcos-quobyte for this demo from where the operator is.
func (d *demo) cli() string {
	program := "dcos-quobyte"
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), program)
		if _, err := os.Stat(beside); err == nil {
			here, _ := os.Getwd()
			program = fromHere(here, beside)
		}
	}
	elsewhere := cmp.Or(d.env.Getenv(envOfCLI), d.env.Getenv("DCOS_URL"))
	if d.framework.url == urlOfCLI && elsewhere == "" {
		return quote(program)
	}
	return quote(program) + " --url " + quote(d.framework.url)
}

// fromHere shortens a path to something below the directory here.
func fromHere(here, path string) string {
	rel, err := filepath.Rel(here, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	if !strings.ContainsRune(rel, filepath.Separator) {
		return "./" + rel
	}
	return rel
}

// killHint is a command that kills the daemon of a pod of the demo in dir, and no other process.
func killHint(dir, pod string) string {
	return "pkill -9 -f " + quote("standin .*"+regexp.QuoteMeta(dir)+"/.*/"+pod+"-server__")
}

// webconsole is the address of the console's page, as the plan knows it.
func (d *demo) webconsole() string {
	v, _ := d.framework.engine.View()
	for _, p := range v.Pods {
		if p.Type == quobyte.Webconsole {
			return fmt.Sprintf("http://%s:%d/", p.Host, d.options.serve.Quobyte.WebconsolePort)
		}
	}
	return "none"
}
