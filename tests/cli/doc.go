// Package cli tests dcos-quobyte from the outside: scripts under testdata/script run it against the real HTTP API over a backend
// that they command. A script is a txtar file in the language of testscript; besides its commands there are:
//
//	serve [-token T]   serves the API and sets SERVER and QUOBYTE_MESOS_URL. With a token it serves it as DC/OS does, below
//	                   /service/quobyte and /service/prod/quobyte, wants the token there, and sets DCOS_URL instead
//	publish SCENE      publishes a view: working, failed, complete, lost, degraded, recovering, empty or none; or a rollout that verbs really
//	                   steer: steered, halted
//	events N           waits until streams have carried N events since the start
//	cut                breaks all connections to the server
//	verbs              prints the verbs that have reached the backend
//	code N COMMAND...  runs a command that must end with exit code N
//
// To write the expected output of cmp anew: go test ./tests/cli -update.
package cli
