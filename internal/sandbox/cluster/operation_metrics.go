package cluster

import (
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// operationStates are what operations are counted by.
var operationStates = strings.Fields("total pending recovering unreachable finished failed error dropped gone_by_operator")

// countOperationState counts an operation that has come into a state, and uncountOperationState one that has left it.
func (c *Cluster) countOperationState(kind mesos.Offer_Operation_Type, state string) {
	c.addOperationState(kind, state, 1)
}

func (c *Cluster) uncountOperationState(kind mesos.Offer_Operation_Type, state string) {
	c.addOperationState(kind, state, -1)
}

func (c *Cluster) addOperationState(kind mesos.Offer_Operation_Type, state string, n float64) {
	if _, known := kindOfOperation(kind); !known {
		return // launches are not counted so
	}
	for _, prefix := range []string{"operations/", "operations/" + strings.ToLower(kind.String()) + "/"} {
		c.tally[prefix+"total"] += n
		c.tally[prefix+state] += n
	}
}

// expectOperation notes one that the master believes is under way.
func (a *agent) expectOperation(c *Cluster, kind mesos.Offer_Operation_Type) {
	a.unheard = append(a.unheard, kind)
	c.countOperationState(kind, "pending")
}

// hearNothing ends the wait for operations that were lost: nothing came of them, for the reason that the state says; "" if nobody counts those.
func (a *agent) hearNothing(c *Cluster, state string) {
	for _, kind := range a.unheard {
		c.uncountOperationState(kind, "pending")
		if state != "" {
			c.countOperationState(kind, state)
		}
	}
	a.unheard = nil
}
