// Package cli is the command line of dcos-quobyte, apart from the process: what it is told, where it writes and what time it is
// come in an Env, and what it returns is the exit code. That lets tests run it in any surroundings.
//
// The caller makes an Env (OSEnv makes the process's own) and calls Run once, with a context that ends when the user
// interrupts. Run starts no goroutine that outlives it, keeps nothing between calls, never exits the process, and never asks
// back: there is nobody to answer in a script.
//
// Results go to standard output, errors to standard error, each on one line that begins with the program's name.
package cli
