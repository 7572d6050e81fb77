package gateway

// operationsOf lists the operations of a type, or of the system for an empty one.
func operationsOf(string) []operation { return nil }
