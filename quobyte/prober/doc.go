// Package prober is the program that runs on every host, as a custom Mesos executor: it says what the host carries and how
// its pods are. It is the only part of the framework that looks at a host itself.
//
// # What the caller does
//
//	err := prober.Run(ctx, prober.Config{Getenv: os.Getenv, Logger: logger})
//
// Run returns nil when the agent ended it (KILL, SHUTDOWN) or ctx did, and an error if its environment is wrong or the agent
// is gone for good, or no task comes within LaunchPatience.
//
// # What it does
//
// From the launch of its task on, in rounds, one each interval and one whenever a message arrives:
//
//  1. It scans the device directory: ext4 and xfs mounts at or below it, and plain directories one level below it, if they
//     carry QUOBYTE_DEV_SETUP or a directory that Quobyte keeps its data in. A file that can't be read or understood is a
//     problem in the report; such a device is not used.
//  2. Meanwhile it asks the pods of the last message (a quobyte.Watchlist) for their health, at the addresses given there.
//  3. It sends a quobyte.Report in the data of a RUNNING update if anything has changed, if a message came since the round
//     before (also one that says nothing new), and on every tenth interval, until half an hour has passed without a message: then nobody listens, and
//     it says nothing until the next one. There is at most one report to a round, so that
//     a burst of changes is one report.
//
// A scan that hangs in the kernel (a dying disk, a dead network mount) holds up neither health nor the answer to a kill:
// after ScanTimeout the round goes on with the facts of the scan before, and the update's message says so; until that scan ends,
// later rounds do not wait for it at all.
//
// # Promises
//
// Run starts and joins all goroutines, but for a scan that hangs in the kernel, which nothing can end. The prober only reads:
// it never writes to a host, mounts, formats or starts anything, and it follows no symbolic link inside the device
// directory and no HTTP redirect.
package prober
