// Package engine is the runtime around the machine: one loop that owns it, feeds it with events and carries out its effects in
// the order that they must have.
//
// A caller makes an Engine with New, which loads the durable state, and calls Run, which returns when the context ends or when it is no use to
// go on (the store failed, another instance took over, the framework was removed). View, Do and FrameworkID may be called from any goroutine at any
// time: readers see published views only and can never delay the loop; operators' verbs wait in the same inbox as everything else.
//
// Run starts three goroutines, the session's, the loop's and the recorder's, and one for each question to the Asker while it is open, and
// joins them, but for a recorder's that hangs in a system call. The engine never decides anything: that is the machine's part.
package engine
