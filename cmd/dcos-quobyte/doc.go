// Command dcos-quobyte shows and steers a quobyte-mesos scheduler: its plans, pods, hosts and health. It also is the
// subcommand "dcos quobyte" of the DC/OS CLI. docs/exit-codes.md says how it ends.
package main
