package offers

// Site is what placement looks at on a host.
type Site struct {
	// Host is the key of the host: its hostname, or the value of the attribute that the operator named.
	Host     string
	Hostname string
	// Region and Zone are the agent's fault domain; empty if it has none.
	Region, Zone string
	// Attributes are in the agent's order. Several may have one name.
	Attributes []Attribute
}

// Attribute is an agent's attribute with its value as text: text as it is, scalars with three decimals, ranges as
// [1-2,5-6], sets as {a,b}.
type Attribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attribute is the value of the first attribute with the name, as in Mesos's own offer constraints; empty if there is none.
func (s Site) Attribute(name string) string {
	for _, a := range s.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}
