// Package api serves the framework's HTTP API: plans and the verbs on them as the DC/OS SDK serves them, health, pods, hosts,
// a stream of events for watchers, and the artifacts that agents fetch.
//
// A caller makes a handler with New, gives it a Backend, and serves it. Streams last as long as their request's context: who
// wants to shut a server down ends that context (http.Server.BaseContext) before calling Shutdown. Read timeouts belong to
// the server; a WriteTimeout of the server does not apply, because each piece of an answer has a deadline of its own.
//
// The handler may be used by any number of goroutines. It only reads published views, which it never changes, and it never
// makes the backend wait: a reader of a stream that is too slow misses views in between, and who accepts nothing for
// half a minute is cut off.
//
// Bodies and codes are those of the SDK's scheduler, except where these are harmful:
//
//   - GET /v1/health answers 200 with a graded code in its body while the scheduler works. The SDK uses the graded code as
//     HTTP status too; but 204 and 205 must not carry a body (RFC 9110, 15.3.5 and 15.3.6), and clients take 318 to 326 for
//     redirects.
//   - The grades of GET /v1/health come in another order, and there are two more. The SDK looks at its plans only, deploy first,
//     so that an outage hides behind a rollout, and behind plans that are COMPLETE it is RUNNING. Here a lost session with Mesos
//     comes before all that plans say, as SERVICE_UNAVAILABLE (503) once it lasts for 15 s: pods may be well, but nobody mends
//     them. Its HTTP status is 200 all the same, since the scheduler works, and whoever restarted it for that would gain nothing.
//     Then comes what fell: RECOVERING_PENDING (203), RECOVERING_STARTING (205), and DEGRADED (206), which the SDK declares and
//     never produces, while a pod that was ready is not, its prober is silent, or all of recovery backs off. Only then comes the
//     deploy plan, and of it first a pause, which what is pending would otherwise hide. The message in the body names the pods.
//   - A query parameter that a verb does not know, or an empty one, is refused with 400: the SDK ignores them, so that a
//     misspelt ?phase= pauses the whole plan.
//   - Browsers' requests from other origins can't use verbs.
//
// # Verbs
//
// POST /v1/plans/{plan}/start, stop, restart, interrupt, continue and forceComplete are the SDK's. Whole plans are started and stopped; start takes no
// parameters, so that a body is empty or {}, and stop ends the run instead of doing it again. restart takes ?force=true: then running pods are
// stopped whatever gate and budget say, which takes a ?reason=. All but start and stop take ?phase= and ?step= (names or ids; a step needs its phase),
// ?reason=, ?revision= (that of the plan that was looked at, from its JSON or from the header Quobyte-Plan-Revision), and interrupt takes
// ?when= (now, after-steps, after-phase). Ours are /v1/plans/{plan}/break and unbreak, with ?phase= and ?when= (before, after, after-batch), and
// /v1/pods/{pod}/except, include, markGone, replace and forgetReservations, with ?reason= (which all but include need) and ?force=true for the first and the
// last, /v1/hosts/{host}/release (which needs a reason, too) and cancelRelease, which takes it back while the host is waited for, and /v1/tasks/{task}/kill, with ?reason=, for tasks that belong to no pod. What replace and release give back, and destroy, is
// named by ?claim=: who gives it has seen what it is. The answers:
//
//	200  done: JSON with the SDK's "message", and in "detail" what was done
//	208  nothing to do: it is so already, or COMPLETE
//	400  invalid: the verb makes no sense, or the query is wrong
//	404  no such plan, phase, step, pod or task
//	409  conflict: the plan is no longer that of ?revision=
//	422  refused: it would do harm, or nothing
//	503  the scheduler gave no answer; the verb may still be carried out
//
// All but 200 are plain text: first the SDK's words, where it has some, and on the last line ours. A verb is answered when what it changed
// is durable.
//
// # Whom it trusts
//
// It authenticates nobody: it is meant to be reached through DC/OS's Admin Router or from the host itself. The actor that a
// request names is recorded as what it is, a claim. Nor is the Host header looked at, because hosts and proxies reach it by any
// name: a page in a browser that may reach the port, and whose own name is made to resolve to it (DNS rebinding), is of no other
// origin to the browser and can do what anybody can. Who lets browsers near the port puts a proxy before it that knows its names.
package api
