// Package backup is the file that a durable state is exported into, and imported from: JSON, for people to read too.
//
// Whoever exports makes a File with New and writes it with Write; whoever imports reads it with Read and takes its Records. All of it are functions
// of their arguments. A file is never read in part: one that was cut short, or is of a newer format, is refused.
package backup
