package mesos

// For tests of what ZooKeeper's nodes say.
var (
	FirstContender  = firstContender
	MasterAddresses = masterAddresses
)
