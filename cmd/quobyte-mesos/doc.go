// Command quobyte-mesos is the framework: it deploys and watches Quobyte on Apache Mesos (serve), shows all of it on an embedded
// cluster (demo), and is also what the framework runs on hosts (prober) and in place of the Quobyte image (standin).
//
// Its parts start and join their goroutines in one place each, and nothing but main calls os.Exit. Exit codes are in docs/exit-codes.md.
package main
