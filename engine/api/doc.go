// Package api serves the framework's HTTP API: plans and the verbs on them as the DC/OS SDK serves them, health, pods, hosts,
// a stream of events for watchers, and the artifacts that agents fetch.
//
// A caller makes a handler with New, gives it a Backend, and serves it. Streams last as long as their request's context: who
// wants to shut a server down ends that context (http.Server.BaseContext) before calling Shutdown. Read timeouts belong to
// the server; a WriteTimeout of the server does not apply to streams, which set their own deadline before each event.
//
// The handler may be used by any number of goroutines. It only reads published views, which it never changes, and it never
// makes the backend wait: a reader that is too slow misses views in between, and is cut off when it accepts nothing for
// half a minute.
//
// Bodies and codes are those of the SDK's scheduler, except where these are harmful:
//
//   - GET /v1/health answers 200 with a graded code in its body while the scheduler works. The SDK uses the graded code as
//     HTTP status too; but 204 and 205 must not carry a body (RFC 9110, 15.3.5 and 15.3.6), and clients take 318 to 326 for
//     redirects. A pause is graded before what is pending, which would otherwise hide it.
//   - A query parameter that a verb does not know, or an empty phase, is refused with 400: the SDK ignores them, so that a
//     misspelt ?phase= pauses the whole plan.
//   - Browsers' requests from other origins can't use verbs.
//
// It authenticates nobody: it is meant to be reached through DC/OS's Admin Router or from the host itself. The actor that a
// request names is recorded as what it is, a claim.
package api
