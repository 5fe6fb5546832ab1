package offers

// Site is what placement looks at on a host.
type Site struct {
	// Host is the key of the host, as in Offer. No clause looks at it: it is for those who count what runs where.
	Host     string
	Hostname string
	// Region and Zone are the fault domain that the agent was started with; empty if it has none.
	Region, Zone string
	// Attributes are in the agent's order; several may have one name.
	Attributes []Attribute
}

// Attribute is an attribute of an agent with its value as text: a text as it is, a scalar with three decimals (2.000),
// ranges as [a-b,c-d] and a set as {a,b}, as the DC/OS SDK shows them to its constraints (AttributeStringUtils).
type Attribute struct{ Name, Value string }
