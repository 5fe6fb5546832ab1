package engine

import (
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// unrecorded is the Recorder of an engine that is given none.
type unrecorded struct{}

func (unrecorded) Run() {}
func (unrecorded) Begin(machine.Config, machine.Service, []machine.Record, machine.Boot, *machine.Machine) {
}
func (unrecorded) Take(time.Time, machine.Event)             {}
func (unrecorded) Decide(time.Time, [16]byte)                {}
func (unrecorded) Decided(machine.Effects, *machine.Machine) {}
func (unrecorded) End(*machine.Machine) bool                 { return true }
