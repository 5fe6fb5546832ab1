package plans

import (
	"time"
)

// Ledger says which pods are down, and how many may be. It is one value for all plans over the same pods: pods that are down use the
// budget whoever stopped them, and also if nobody did.
type Ledger struct {
	// Budgets by pod type. Of a type without a budget, one pod may be down.
	Budgets []Budget
	// Pods are all pods, sorted by name.
	Pods []PodState
	// SettledAt is when the last voluntary stop of any plan was over. A verdict that was asked for before that no longer counts.
	SettledAt time.Time
}

// Budget says how many pods of a type may be down at once.
type Budget struct {
	PodType        string
	MaxUnavailable Amount
	// PerDomain bounds in the same way how many of the pods of the type in one failure domain may be; nil: only MaxUnavailable does.
	PerDomain *Amount
	// Quorum says that the type's pods decide by majority: while one of them is being repaired, no plan stops anything.
	Quorum bool
}

// Amount is a number, or a percentage of a total.
type Amount struct {
	Value   int
	Percent bool
}

// PodState is what the ledger knows of a pod.
type PodState struct {
	Name, Type string
	// Domain is the failure domain; empty if none is configured.
	Domain string
	// Down says that the pod does not do its work now: it does not run, or is not ready, or has not settled.
	Down bool
	// MayServe says of a pod that is down that it may do its work all the same: it has not settled yet, or nobody knows how it is. To stop it
	// takes what it uses already, so that several of them are not stopped together because none of them takes anything.
	MayServe bool
	// Since is when it went down, By who took it down ("deploy"), empty if nobody did.
	Since time.Time
	By    string
}
