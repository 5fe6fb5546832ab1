package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// refusals collects the flags whose values could not be read. The flag parser stops at the first of them; an operator wants to know
// all, and what else is wrong.
type refusals struct {
	errs   []error
	failed map[string]bool
}

// tolerate makes the parser go on after a value that can't be read, until release. Help is printed from the flags as they are.
func (r *refusals) tolerate(cmd *cobra.Command) {
	r.failed = map[string]bool{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Value = &tolerant{Value: f.Value, flag: f, refused: r} })
	help := cmd.HelpFunc()
	cmd.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		r.release(cmd)
		help(cmd, args)
	})
}

func (r *refusals) release(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if t, ok := f.Value.(*tolerant); ok {
			f.Value = t.Value
		}
	})
}

// tolerant is a flag's value that takes note of what it can't read, and keeps its default then.
type tolerant struct {
	pflag.Value
	flag    *pflag.Flag
	refused *refusals
}

func (t *tolerant) Set(text string) error {
	err := t.Value.Set(text)
	if err == nil {
		return nil
	}
	t.refused.errs = append(t.refused.errs, plain(t.flag, text, err))
	t.refused.failed[t.flag.Name] = true
	restore(t.flag)
	return nil
}
