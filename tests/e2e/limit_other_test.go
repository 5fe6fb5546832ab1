//go:build !linux

package e2e

import "errors"

// writeNothing: only Linux sets limits of other processes.
func writeNothing(int) error { return errors.New("limits of other processes: only on Linux") }
