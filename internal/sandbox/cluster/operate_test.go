package cluster_test

import (
	"fmt"

	"github.com/cockroachdb/datadriven"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// operate is a call of the operator API, with its answer.
func (s *story) operate(d *datadriven.TestData) error {
	call := &master.Call{}
	if err := protojson.Unmarshal([]byte(d.Input), call); err != nil {
		return err
	}
	if err := cluster.ValidateOperatorCall(call); err != nil {
		return err
	}
	answer, effects := s.c.Operate(s.now, call)
	s.show(effects)
	if answer.Response == nil {
		fmt.Fprintln(&s.out, answer.Status, answer.Text)
		return nil
	}
	text, err := protojson.MarshalLists(answer.Response, nil)
	fmt.Fprintf(&s.out, "%d %s\n", answer.Status, short(string(text)))
	return err
}
