package plans

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-multierror"
)

func TestValidate(t *testing.T) {
	launch := func(name string) Step { return Step{Name: name, Kind: Launch, Pod: "pod"} }
	plan := func(phases ...Phase) Definition {
		return Definition{Service: "quobyte", Name: "deploy", Strategy: Serial, Phases: phases}
	}
	tests := []struct {
		name string
		def  Definition
		want []string
	}{
		{"a plan without phases", plan(), nil},
		{
			"a good plan", plan(
				Phase{Name: "a", Strategy: Parallel, Steps: []Step{launch("a-0"), {Name: "members", Kind: Wait}}},
				Phase{Name: "b", Strategy: Serial, Open: true},
				Phase{Name: "c", Strategy: Serial, After: []string{"a", "b"}},
				Phase{Name: "d", Strategy: Serial, After: []string{}},
			), nil,
		},
		{
			"nothing at all", Definition{},
			[]string{
				`plan "": service name is empty`,
				`plan "": plan name is empty`,
				`plan "": strategy "" is unknown; use serial or parallel`,
			},
		},
		{
			"bad steps", plan(Phase{Name: "a", Strategy: Serial, Steps: []Step{
				{Name: "a-0", Kind: Launch},
				{Name: "a-1", Kind: Wait, Pod: "a-1"},
				{Name: "a-2", Kind: "dance"},
				launch(""), launch(""), launch("x\x00y"), launch("a-9"), launch("a-9"), launch("a-9"),
			}}),
			[]string{
				`plan "deploy": phase "a": step name "a-9" is not unique`,
				`plan "deploy": phase "a": step "a-0": pod is empty; a launch step needs one`,
				`plan "deploy": phase "a": step "a-1": pod is "a-1"; a wait step has none`,
				`plan "deploy": phase "a": step "a-2": kind "dance" is unknown; use launch or wait`,
				`plan "deploy": phase "a": step "": step name is empty`,
				`plan "deploy": phase "a": step "": step name is empty`,
				`plan "deploy": phase "a": step "x\x00y": step name contains a NUL character`,
			},
		},
		{
			"unknown and repeated predecessors", plan(
				Phase{Name: "a", Strategy: Serial},
				Phase{Name: "b", Strategy: Serial, After: []string{"a", "x", "a"}},
			),
			[]string{
				`plan "deploy": phase "b": after: phase "x" is unknown; the plan has "a", "b"`,
				`plan "deploy": phase "b": after: phase "a" is named twice`,
			},
		},
		{
			"two cycles, and a phase behind one", plan(
				Phase{Name: "a", Strategy: Serial, After: []string{"b"}},
				Phase{Name: "b", Strategy: Serial, After: []string{"c"}},
				Phase{Name: "c", Strategy: Serial, After: []string{"a"}},
				Phase{Name: "d", Strategy: Serial, After: []string{"d"}},
				Phase{Name: "e", Strategy: Serial, After: []string{"d"}},
			),
			[]string{
				`plan "deploy": phases wait for each other: "a" waits for "b" waits for "c" waits for "a"`,
				`plan "deploy": phases wait for each other: "d" waits for "d"`,
			},
		},
		{
			"a cycle by way of serial order", plan(
				Phase{Name: "a", Strategy: Serial, After: []string{"c"}},
				Phase{Name: "b", Strategy: Serial},
				Phase{Name: "c", Strategy: Serial},
			),
			[]string{`plan "deploy": phases wait for each other: "a" waits for "c" waits for "a"`},
		},
		{
			"the same order is no cycle in a parallel plan", Definition{
				Service: "quobyte", Name: "deploy", Strategy: Parallel, Phases: []Phase{
					{Name: "a", Strategy: Serial, After: []string{"c"}},
					{Name: "b", Strategy: Serial},
					{Name: "c", Strategy: Serial},
				},
			}, nil,
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, problems(tc.def.Validate())); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// problems are the texts of a multierror.
func problems(err error) []string {
	var list *multierror.Error
	if !errors.As(err, &list) {
		return nil
	}
	var texts []string
	for _, e := range list.Errors {
		texts = append(texts, e.Error())
	}
	return texts
}

// TestWrongDefinitionsBeginLess holds Evaluate to its promise about definitions that Validate refuses.
func TestWrongDefinitionsBeginLess(t *testing.T) {
	steps := func(prefix string) []Step {
		return []Step{{Name: prefix + "-0", Kind: Launch, Pod: "x"}, {Name: prefix + "-1", Kind: Launch, Pod: "y"}}
	}
	tests := []struct {
		name string
		def  Definition
		want []Candidate
		hold string // of the plan
	}{
		{
			"an unknown strategy is serial",
			Definition{Strategy: "zigzag", Phases: []Phase{{Name: "a", Steps: steps("a")}, {Name: "b", Steps: steps("b")}}},
			[]Candidate{{0, 0}}, "",
		},
		{
			"an unknown predecessor is never COMPLETE",
			Definition{Strategy: Parallel, Phases: []Phase{{Name: "a", After: []string{"x"}, Steps: steps("a")}}},
			nil, `phase "a": waits for phase "x"`,
		},
		{
			"phases in a cycle never begin",
			Definition{Phases: []Phase{
				{Name: "a", After: []string{"b"}, Steps: steps("a")}, {Name: "b", After: []string{"a"}, Steps: steps("b")},
			}},
			nil, `phase "a": waits for phase "b"`,
		},
		{
			"an unknown kind is never begun",
			Definition{Phases: []Phase{{Name: "a", Steps: []Step{{Name: "a-0", Kind: "dance"}}}}},
			nil, `a-0: kind "dance" is unknown`,
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			e := Evaluate(Input{Definition: tc.def})
			if diff := cmp.Diff(tc.want, e.Candidates); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
			hold := ""
			if len(e.View.Holds) > 0 {
				hold = e.View.Holds[0].Text
			}
			if hold != tc.hold {
				t.Errorf("the plan says %q, want %q", hold, tc.hold)
			}
		})
	}
}
