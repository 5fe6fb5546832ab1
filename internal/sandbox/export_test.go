package sandbox

// CheckProof is for a fuzzer: what it reads comes from outside.
var CheckProof = checkProof
