package e2e

import (
	"encoding/json"
	"testing"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
)

// An engine ends before it hears how its operations went, and the next one asks the master, which knows. What comes from the agent gets lost, so that
// nothing else can tell.
func TestOperationsAreReconciled(t *testing.T) {
	t.Parallel()
	master := threeHosts(t, "127.0.93.").MasterAddress()
	state := store.OpenMemory()
	service := pinned{host: "a", reserves: true}
	first := begin(t, master, service, state, false, func(e machine.Event) bool {
		switch e.(type) {
		case machine.Updated, machine.OperationUpdated:
			return true
		}
		return false
	})
	eventually(t, "the pod is launched", func() bool {
		v := first.view()
		return v != nil && len(v.Pods) == 1 && v.Pods[0].TaskID != ""
	})
	first.end()
	if n := openOperations(t, state); n != 2 {
		t.Fatalf("%d operations are on record, want RESERVE and CREATE", n)
	}

	second := begin(t, master, service, state, false, func(e machine.Event) bool {
		u, ours := e.(machine.OperationUpdated)
		_, task := e.(machine.Updated)
		return task || ours && len(u.Status.UUID) > 0
	})
	eventually(t, "the master has said how they went", func() bool { return openOperations(t, state) == 0 })
	if got := second.session.Stats().Calls["RECONCILE_OPERATIONS"]; got.Accepted == 0 {
		t.Errorf("calls to reconcile operations: %+v, want one that was accepted", got)
	}
}

// openOperations counts the operations of pods that are on record.
func openOperations(t *testing.T, state store.Store) int {
	t.Helper()
	records, err := state.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	open := 0
	for _, r := range records {
		var record struct {
			Value struct {
				Operations []machine.PodOperation `json:"operations"`
			} `json:"value"`
		}
		if err := json.Unmarshal(r.Value, &record); err != nil {
			t.Fatal(err)
		}
		open += len(record.Value.Operations)
	}
	return open
}
