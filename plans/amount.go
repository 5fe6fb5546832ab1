package plans

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseAmount reads a number such as 2, or a percentage such as 25%.
func ParseAmount(text string) (Amount, error) {
	digits, percent := strings.CutSuffix(text, "%")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return Amount{}, fmt.Errorf("amount %q: use a number such as 2, or a percentage such as 25%%", text)
	}
	value, err := strconv.Atoi(digits)
	if err != nil {
		return Amount{}, fmt.Errorf("amount %q: the number is too large", text)
	}
	a := Amount{Value: value, Percent: percent}
	if allowed := a.instead(); allowed != "" {
		return Amount{}, fmt.Errorf("amount %q: use %s", text, allowed)
	}
	return a, nil
}

// String writes the amount as ParseAmount reads it.
func (a Amount) String() string {
	if a.Percent {
		return strconv.Itoa(a.Value) + "%"
	}
	return strconv.Itoa(a.Value)
}

// MarshalText encodes the amount as String does.
func (a Amount) MarshalText() ([]byte, error) {
	if allowed := a.instead(); allowed != "" {
		return nil, fmt.Errorf("amount %q: use %s", a, allowed)
	}
	return []byte(a.String()), nil
}

// UnmarshalText decodes an amount as ParseAmount does.
func (a *Amount) UnmarshalText(text []byte) error {
	parsed, err := ParseAmount(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// Of returns how many of a total the amount is. A percentage is rounded down, but more than 0 % of something is at least one: a budget that
// rounds to nothing would stop all rollouts. What is negative counts as 0, and more than 100 % as all. A number is itself, however
// small the total.
func (a Amount) Of(total int) int {
	switch {
	case a.Value <= 0:
		return 0
	case !a.Percent:
		return a.Value
	case total <= 0:
		return 0
	}
	percent := min(a.Value, 100)
	// Hundreds and the rest apart, so that no total is too large.
	return max(1, total/100*percent+total%100*percent/100)
}

// instead says what is allowed in the amount's place; empty if the amount is.
func (a Amount) instead() string {
	switch {
	case a.Value < 0:
		return "0 or more"
	case a.Percent && a.Value > 100:
		return "at most 100%"
	}
	return ""
}
