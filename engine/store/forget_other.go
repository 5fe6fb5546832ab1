//go:build !linux

package store

func (f *boltFile) forget() {}
