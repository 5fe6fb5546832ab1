package plans

// Parameter is something that an operator may say when starting a plan.
type Parameter struct {
	// Name is a name that an environment variable may have: letters, digits and _, not beginning with a digit.
	Name string
	Type ParameterType
	// Default is the value if none is given; it must be of the type. With Required there is none, and a value must be given.
	Default  string
	Required bool
	// Choices are the values that are allowed; none: all of the type.
	Choices []string
	// Help is a sentence for operators.
	Help string
}

// ParameterType is the type of a parameter's values.
type ParameterType string

// The types of parameters.
const (
	Text         ParameterType = "text"
	Integer      ParameterType = "integer"
	Boolean      ParameterType = "boolean"
	TimeInterval ParameterType = "duration" // as Go writes it: 1h30m
)

// Argument is the value of a parameter.
type Argument struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
