// Package tree draws a plan for people: as a tree on a terminal, redrawn in place while it changes, or as plain lines, one
// per change, where there is no terminal.
//
// Everything is rendered from a plans.View, the same one that the HTTP API and its JSON show. A caller either
//
//   - calls Render once, with Options that say how wide, how high and in what colours; or
//   - makes a Screen (ScreenOf reads the terminal and the environment), feeds Frames into a channel, and calls Live, which
//     returns when the channel is closed or the context ends; or
//   - keeps a Lines and asks it for the lines of each successive view.
//
// Render and Table are functions of their arguments and may be called from anywhere. A Lines belongs to one goroutine.
// Live does all its writing in the goroutine that calls it and starts no other.
//
// Meaning is never carried by colour alone: each status has a glyph and its word. Names and reasons come from outside; what
// could move the cursor or fake a line is made visible before it reaches the terminal, and nothing is ever used as a format.
package tree
