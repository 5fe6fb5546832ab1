package cluster_test

import (
	"strings"
	"testing"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

func TestRestore(t *testing.T) {
	const configured = "cpus:4 disk(dev):100 disk:50 disk[MOUNT:/m1]:64"
	for _, c := range []struct{ name, configured, kept, want, problem string }{
		{"nothing", configured, "", "cpus:4 disk(dev):100 disk:50 disk[MOUNT:/m1]:64", ""},
		{"all sorts", configured, "cpus(dev,p1)(dev/sub,p1):1 disk(dev)[v1:data]:40 disk(dev)(dev/sub,p1):10 disk(dev,p1)[MOUNT:/m1,v2:data]:64",
			"cpus:3 disk(dev):50 disk:50 cpus(dev,p1)(dev/sub,p1):1 disk(dev)[v1:data]:40 disk(dev)(dev/sub,p1):10 disk(dev,p1)[MOUNT:/m1,v2:data]:64", ""},
		{"more than before", "cpus:8", "cpus(dev,p1):1", "cpus:7 cpus(dev,p1):1", ""},
		{"less than is reserved", "cpus:0.5", "cpus(dev,p1):1", "", "Incompatible agent resources: cpus:0.5 does not contain cpus:1"},
		{"another size of a MOUNT disk", "disk[MOUNT:/m1]:65", "disk(dev,p1)[MOUNT:/m1,v1:data]:64", "",
			"Incompatible agent resources: disk[MOUNT:/m1]:65 does not contain disk[MOUNT:/m1]:64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			given, err := parseNotation(strings.Fields(c.configured))
			if err != nil {
				t.Fatal(err)
			}
			kept, err := parseNotation(strings.Fields(c.kept))
			if err != nil {
				t.Fatal(err)
			}
			got, err := cluster.Restore(given, kept)
			problem := ""
			if err != nil {
				problem = err.Error()
			}
			if problem != c.problem || resourcesText(got) != c.want {
				t.Errorf("got %s, %q\nwant %s, %q", resourcesText(got), problem, c.want, c.problem)
			}
		})
	}
}

func TestCheckResources(t *testing.T) {
	for resources, want := range map[string]string{
		"cpus:4 cpus(dev):1 disk[MOUNT:/m1]:64 disk(dev,p1)[v1:data]:10": "",
		"cpus(*):1":                             `Resource 'cpus(reservations: [(STATIC,*)]):1' is invalid: Invalid reservation: role "*" cannot be reserved`,
		"disk[v1:data]:10":                      "Resource 'disk[v1:data]:10' is invalid: Persistent volumes cannot be created from unreserved resources",
		"disk(dev)[v1:a]:10 disk(dev)[v1:b]:10": "",
	} {
		list, err := parseNotation(strings.Fields(resources))
		if err != nil {
			t.Fatal(err)
		}
		problem := ""
		if err := cluster.CheckResources(list); err != nil {
			problem = err.Error()
		}
		if problem != want {
			t.Errorf("%s: %q, want %q", resources, problem, want)
		}
	}
}
