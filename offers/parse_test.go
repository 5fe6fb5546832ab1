package offers

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-multierror"
	"pgregory.net/rapid"
)

func TestParseResources(t *testing.T) {
	for _, test := range []struct {
		in   string
		want Quantities
	}{
		{"", Quantities{}},
		{"cpus:1;mem:2084;disk:32", Quantities{CPUs: 1000, Mem: 2084000, Disk: 32000}},
		{"mem:2048", Quantities{Mem: 2048000}}, // the predecessor read 204
		{" cpus : 0.1 ; mem:512; ", Quantities{CPUs: 100, Mem: 512000}},
		{"cpus:1.0;ports:[21000-21001,21010-21010]", Quantities{CPUs: 1000, Ports: []Range{{21000, 21001}, {21010, 21010}}}},
		{"ports:[ 3-4 , 1 - 3 ]", Quantities{Ports: []Range{{1, 4}}}},
		{"cpus:0.001;disk:1000000000000", Quantities{CPUs: 1, Disk: 1e15}},
	} {
		got, err := ParseQuantities(test.in)
		if err != nil {
			t.Errorf("%q: %v", test.in, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", test.in, diff)
		}
	}
}

func TestParseResourcesRefuses(t *testing.T) {
	for _, test := range []struct {
		in   string
		want []string
	}{
		{"gpus:1", []string{`resource "gpus": unknown name, with the value "1"; allowed are cpus, mem, disk and ports`}},
		{"cpus", []string{`resource "cpus": no colon; allowed is name:value, with the names cpus, mem, disk and ports`}},
		{"cpus:1;;mem:2", []string{`resource "": no colon; allowed is name:value, with the names cpus, mem, disk and ports`}},
		{"cpus:1;cpus:2", []string{`resource "cpus": given as "1" and again as "2"; allowed is once`}},
		{"cpus:-1;mem:x;disk:1e3", []string{
			`resource "cpus": value "-1" is negative; allowed is a number from 0 to 1000000000000 with up to three decimals, such as 0.5`,
			`resource "mem": value "x" is not a number; allowed is a number from 0 to 1000000000000 with up to three decimals, such as 0.5`,
			`resource "disk": value "1e3" is not a number; allowed is a number from 0 to 1000000000000 with up to three decimals, such as 0.5`,
		}},
		{"cpus:0.0001;mem:1000000000000.001;disk:99999999999999999999", []string{
			`resource "cpus": value "0.0001" has more than three decimals; allowed is a number from 0 to 1000000000000 with up to three decimals, such as 0.5`,
			`resource "mem": value "1000000000000.001" is too large; allowed is a number from 0 to 1000000000000 with up to three decimals, such as 0.5`,
			`resource "disk": value "99999999999999999999" is too large; allowed is a number from 0 to 1000000000000 with up to three decimals, such as 0.5`,
		}},
		{"cpus:", []string{`resource "cpus": value "" is not a number; allowed is a number from 0 to 1000000000000 with up to three decimals, such as 0.5`}},
		{"cpus:1.", []string{`resource "cpus": value "1." is not a number; allowed is a number from 0 to 1000000000000 with up to three decimals, such as 0.5`}},
		{"cpus:NaN", []string{`resource "cpus": value "NaN" is not a number; allowed is a number from 0 to 1000000000000 with up to three decimals, such as 0.5`}},
		{"ports:21000", []string{`resource "ports": value "21000" is not a list of ranges; allowed are ranges from 1 to 65535 in brackets, such as [21000-21001,21010-21010]`}},
		{"ports:[]", []string{`resource "ports": value "[]" is not a list of ranges; allowed are ranges from 1 to 65535 in brackets, such as [21000-21001,21010-21010]`}},
		{"ports:[5-4,0-1,7,1-65536,-3-4,]", []string{
			`resource "ports": range "5-4" ends before it begins; allowed are ranges from 1 to 65535 in brackets, such as [21000-21001,21010-21010]`,
			`resource "ports": range "0-1" goes beyond the numbers of ports; allowed are ranges from 1 to 65535 in brackets, such as [21000-21001,21010-21010]`,
			`resource "ports": range "7" is not two numbers with a dash between them; allowed are ranges from 1 to 65535 in brackets, such as [21000-21001,21010-21010]`,
			`resource "ports": range "1-65536" goes beyond the numbers of ports; allowed are ranges from 1 to 65535 in brackets, such as [21000-21001,21010-21010]`,
			`resource "ports": range "-3-4" is not two numbers with a dash between them; allowed are ranges from 1 to 65535 in brackets, such as [21000-21001,21010-21010]`,
			`resource "ports": range "" is not two numbers with a dash between them; allowed are ranges from 1 to 65535 in brackets, such as [21000-21001,21010-21010]`,
		}},
	} {
		got, err := ParseQuantities(test.in)
		var all *multierror.Error
		if !errors.As(err, &all) {
			t.Errorf("%q: no error but %s", test.in, got)
			continue
		}
		var texts []string
		for _, one := range all.Errors {
			texts = append(texts, one.Error())
		}
		if diff := cmp.Diff(test.want, texts); diff != "" {
			t.Errorf("%q (-want +got)\n%s", test.in, diff)
		}
		if !got.IsZero() {
			t.Errorf("%q: refused, but half read: %s", test.in, got)
		}
	}
}

func TestResourcesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawResources(t, "resources")
		want.Ports = cutRanges(want.Ports, []Range{{0, 0}})
		roundTrip(t, want)
	})
}

func roundTrip(t interface{ Fatalf(string, ...any) }, want Quantities) {
	got, err := ParseQuantities(want.String())
	if err != nil || !got.Equal(want) {
		t.Fatalf("%s was read as %s, %v", want, got, err)
	}
}

func FuzzParseResources(f *testing.F) {
	for _, seed := range []string{"", "cpus:1;mem:2084;disk:32;ports:[21000-21001,21010-21010]", "cpus:-1;mem;x:1;;", "ports:[9-8,]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseQuantities(s)
		if err != nil {
			return
		}
		if !normal(got.Ports) {
			t.Fatalf("ports are not in normal form: %v", got.Ports)
		}
		for _, s := range got.scalars() {
			if s.amount < 0 || s.amount > maxMilli {
				t.Fatalf("%s out of bounds: %d", s.name, s.amount)
			}
		}
		roundTrip(t, got)
	})
}
