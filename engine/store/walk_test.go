package store

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/internal/zktest"
)

// Whenever reading many nodes at a time fails, they are all read all the same, once.
func TestReadingFailsHalfWay(t *testing.T) {
	server := zktest.Start(t).Address
	s := openZoo(t, place(server, "state"))
	var want []string
	var g machine.Group
	for i := range 2000 {
		key, value := fmt.Sprintf("pods/data-%04d", i), fmt.Sprint(i)
		want = append(want, key+"="+value)
		g.Puts = append(g.Puts, put(key, value).Puts...)
	}
	must(t, s.Commit(t.Context(), g))
	for _, test := range []struct {
		name  string
		fault zktest.Fault
	}{
		{"an old server", zktest.Unknown},
		{"cut before", zktest.CutBefore},
		{"cut after", zktest.CutAfter},
	} {
		for _, at := range []int{1, 2, 3, 4, 10, 20} {
			t.Run(fmt.Sprintf("%s, request %d", test.name, at), func(t *testing.T) {
				proxy := zktest.NewProxy(t, server)
				asked := 0
				again := func() {
					asked = 0
					proxy.Judge(func(operation int32) zktest.Fault {
						if operation != zktest.OpMultiRead {
							return zktest.Pass
						}
						if asked++; asked == at {
							return test.fault
						}
						return zktest.Pass
					})
				}
				again()
				s := openZoo(t, place(proxy.Address, "state"))
				wantLoaded(t, s, want...)
				again()
				wantLoaded(t, s, want...) // read again: the first was from the opening
				if asked < at {
					t.Errorf("asked %d times, and the failure is with the %dth", asked, at)
				}
				again()
				records, _, err := ReadZooKeeper(t.Context(), place(proxy.Address, "state"))
				must(t, err)
				var got []string
				for _, r := range records {
					got = append(got, r.Key+"="+string(r.Value))
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("read by another (-want +got)\n%s", diff)
				}
				must(t, s.Commit(t.Context(), put("pods/data-0000", "0"))) // what was read is also known to be there
			})
		}
	}
}
