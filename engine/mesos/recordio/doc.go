// Package recordio frames the event streams of the Mesos v1 API: each record is its length in decimal, a newline, and
// that many bytes.
//
// A caller wraps a stream with NewReader and calls Next until it returns an error; io.EOF means that the stream ended
// between two records. The other end frames records with Append.
//
// Chunk boundaries of the HTTP layer mean nothing to it: a record may be split at any byte. A Reader is not safe for
// concurrent use. It never allocates more than about twice what has arrived, whatever length a stream announces, and
// never interprets a record. After records that needed little for a while it gives up what a long one had needed.
package recordio
