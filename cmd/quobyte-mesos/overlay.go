package main

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// envPrefix begins the names of environment variables that stand for flags.
const envPrefix = "QUOBYTE_MESOS_"

// envOfCLI is dcos-quobyte's own variable.
const envOfCLI = envPrefix + "URL"

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// check overlays the flags and validates the outcome, and tells all problems of both at once. What validation finds in a flag whose
// value could not be taken only follows from that, and is left out.
func (o *serveOptions) check(cmd *cobra.Command, env environment) error {
	for _, name := range strangers(cmd, env.Environ()) {
		fmt.Fprintf(env.Stderr, "quobyte-mesos: warning: environment: %s: no such flag; it is ignored\n", name)
	}
	o.refused.release(cmd)
	o.Mesos.getenv = env.Getenv
	failed, err := o.overlay(cmd, env.Getenv)
	all := multierror.Append(multierror.Append(nil, o.refused.errs...), err)
	maps.Copy(failed, o.refused.failed)
	if err := o.validate(); err != nil {
		for _, text := range problems(err) {
			if !failed[flagOf(text)] {
				all = multierror.Append(all, fmt.Errorf("%s", text))
			}
		}
	}
	return all.ErrorOrNil()
}

// flagOf is the flag that a problem is about: it begins with it.
func flagOf(problem string) string {
	name, ok := strings.CutPrefix(problem, "--")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(name, ": "); end >= 0 {
		name = name[:end]
	}
	return name
}

// strangers are the variables that look as if they were meant for a flag, and are for none.
func strangers(cmd *cobra.Command, environ []string) []string {
	known := map[string]bool{envOfCLI: true, envSecret: true}
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known[envName(f.Name)] = true })
	var out []string
	for _, variable := range environ {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, envPrefix) && !known[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// overlay gives flags that are not on the command line their values from the environment (QUOBYTE_MESOS_STATE_DIR) and from the
// file named by --config; the command line wins over the environment, and that over the file. All problems are told at once; failed
// are the flags that did not get the value that was meant for them, and keep their defaults.
func (o *serveOptions) overlay(cmd *cobra.Command, getenv func(string) string) (failed map[string]bool, err error) {
	failed = map[string]bool{}
	var all *multierror.Error
	file := cmp.Or(o.Config, getenv(envName("config")))
	v, err := readConfig(file)
	if err != nil {
		all = multierror.Append(all, fmt.Errorf("config file %s: %w", file, err))
	}
	for _, key := range slices.Sorted(slices.Values(v.AllKeys())) {
		if top, _, _ := strings.Cut(key, "."); cmd.Flags().Lookup(top) == nil {
			all = multierror.Append(all, fmt.Errorf("config file %s: %s: no such flag", file, key))
		}
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "config" || f.Name == "help" {
			return
		}
		value, from := getenv(envName(f.Name)), "environment"
		if value == "" {
			failed[f.Name] = err != nil // nobody knows what the file has for it
			value, from = fromConfig(v, f.Name), "config file "+file
		}
		if value == "" {
			return
		}
		if err := f.Value.Set(value); err != nil {
			failed[f.Name] = true
			all = multierror.Append(all, fmt.Errorf("%s: %w", from, plain(f, value, err)))
			restore(f)
		}
	})
	return failed, all.ErrorOrNil()
}

// restore undoes a failed Set: some types become zero by it, and others would be measured by that.
func restore(f *pflag.Flag) {
	switch f.Value.Type() {
	case "int", "bool", "duration":
		_ = f.Value.Set(f.DefValue) // was printed from a value
	}
}

// readConfig reads the file. The outcome can be used after an error, too: it is empty then.
func readConfig(file string) (*viper.Viper, error) {
	v := viper.New()
	if file == "" {
		return v, nil
	}
	switch filepath.Ext(file) {
	case ".yaml", ".yml", ".toml", ".json":
	default:
		return v, fmt.Errorf("name must end in .yaml, .toml or .json, which tells what is in it")
	}
	v.SetConfigFile(file)
	if err := v.ReadInConfig(); err != nil {
		return viper.New(), fmt.Errorf("not readable: %w", err)
	}
	return v, nil
}

// fromConfig renders a value of the file as it would stand on the command line. Names may have dashes or underscores.
func fromConfig(v *viper.Viper, name string) string {
	for _, key := range []string{name, strings.ReplaceAll(name, "-", "_")} {
		if !v.IsSet(key) {
			continue
		}
		switch value := v.Get(key).(type) {
		case []any:
			return strings.Join(v.GetStringSlice(key), ",")
		case map[string]any:
			var parts []string
			for k, n := range value {
				parts = append(parts, fmt.Sprintf("%s=%v", k, n))
			}
			slices.Sort(parts)
			return strings.Join(parts, ",")
		}
		return v.GetString(key)
	}
	return ""
}
