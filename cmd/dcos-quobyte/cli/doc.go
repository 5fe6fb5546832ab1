// Package cli is the command line of dcos-quobyte, apart from the process: what it is told, where it writes and what time it is
// come in an Env, and what it returns is the exit code. That lets tests run it in any surroundings.
//
// The caller makes an Env (OSEnv makes the process's own) and calls Run once, with a context that ends when the user
// interrupts. Run keeps nothing between calls and never exits the process. It starts no goroutine that outlives it, save one that
// waits for the answer of a user who interrupts instead. It asks back only where a command gives up something, and only on a
// terminal: in a script there is nobody to answer, and --yes must be given.
//
// Results go to standard output, errors to standard error, each on one line that begins with the program's name.
package cli
