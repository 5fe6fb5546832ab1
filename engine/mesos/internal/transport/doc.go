// Package transport makes the HTTP round trippers of sessions with masters and agents, and puts what goes wrong with them
// into words.
//
// A session makes one round tripper with New, closes its idle connections when it ends, and asks Explain for the text of an
// error. All of it may be used from any goroutine. It never follows a redirect, never uses a proxy and never sends anything
// twice: a request fails unless it is certain that nothing of it was sent.
package transport
