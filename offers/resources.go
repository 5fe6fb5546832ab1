package offers

// Resources are resources of one agent. In normal form no two of them could be one: amounts that Mesos would add up are
// added up, and the order is fixed. Add, Sub and Normalize give that form.
type Resources []Resource
