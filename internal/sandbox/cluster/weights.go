package cluster

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
)

// updateWeights answers UPDATE_WEIGHTS: all of them, or none. If anybody has one of the roles, all offers are taken back, so that the next round is
// by the new weights.
func (c *Cluster) updateWeights(infos []mesos.WeightInfo) Answer {
	const wrong = "Failed to validate update weights request JSON"
	next := maps.Clone(c.registry.weights)
	used := false
	for i := range infos {
		role := strings.TrimSpace(infos[i].GetRole())
		if problem := roleProblem(role); problem != "" {
			return refused(wrong + ": Invalid role '" + role + "': " + problem)
		}
		if weight := infos[i].Weight; !(weight > 0) {
			return refused(wrong + " for role '" + role + "': Invalid weight '" + strconv.FormatFloat(weight, 'g', 6, 64) +
				"': Weights must be positive")
		}
		next[role] = infos[i].Weight
		used = used || c.hasRole(role)
	}
	c.registry.weights = next
	for _, o := range c.outstanding() {
		if used {
			c.rescind(o.framework, o)
		}
	}
	c.rounds.request(c.now)
	return Answer{Status: statusOK}
}

// hasRole tells whether a framework is subscribed with a role.
func (c *Cluster) hasRole(role string) bool {
	return slices.ContainsFunc(c.frameworks, func(f *framework) bool { return slices.Contains(f.roles(), role) })
}

func (c *Cluster) allWeights() *master.Response_GetWeights {
	var all master.Response_GetWeights
	for _, role := range sortedKeys(c.registry.weights) {
		all.WeightInfos = append(all.WeightInfos, mesos.WeightInfo{Role: &role, Weight: c.registry.weights[role]})
	}
	if len(all.WeightInfos) == 0 {
		return nil
	}
	return &all
}

// weight is by how much the share of a role, or of a group of roles, is divided.
func (c *Cluster) weight(role string) float64 {
	if weight, ok := c.registry.weights[role]; ok {
		return weight
	}
	return 1
}
