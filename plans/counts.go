package plans

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// tellingOrder is the order in which a text tells counts: trouble first, then from what is done to what has not begun.
var tellingOrder = [...]Status{Error, Complete, Started, Starting, InProgress, Delayed, Prepared, Waiting, Pending}

// Add counts a step of the status. A status that does not exist is not counted, so that Total shows that one is missing.
func (c *Counts) Add(s Status) {
	if int(s) < len(c) {
		c[s]++
	}
}

// Total is how many steps are counted.
func (c Counts) Total() int {
	total := 0
	for _, n := range c {
		total += n
	}
	return total
}

// String tells the counts that are not 0, for instance "2 COMPLETE, 3 PENDING"; without any it is empty.
func (c Counts) String() string {
	var text []byte
	for _, s := range tellingOrder {
		if c[s] == 0 {
			continue
		}
		if len(text) > 0 {
			text = append(text, ", "...)
		}
		text = strconv.AppendInt(text, int64(c[s]), 10)
		text = append(append(text, ' '), s.String()...)
	}
	return string(text)
}

// MarshalJSON encodes the counts that are not 0 as an object of the SDK's status names, in the order of the constants:
// {"PENDING":3,"COMPLETE":2}.
func (c Counts) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for s, n := range c {
		if n == 0 {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = strconv.AppendQuote(text, Status(s).String())
		text = strconv.AppendInt(append(text, ':'), int64(n), 10)
	}
	return append(text, '}'), nil
}

// UnmarshalJSON decodes counts. It refuses what MarshalJSON would not write for any counts of steps: names that are not a status or come
// twice, numbers that are not whole or below 0, null. After an error the counts are as they were before.
func (c *Counts) UnmarshalJSON(data []byte) error {
	counts, err := parseCounts(data)
	if err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	*c = counts
	return nil
}

func parseCounts(data []byte) (Counts, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := expect(d, json.Delim('{')); err != nil {
		return Counts{}, err
	}
	var counts Counts
	var seen [len(counts)]bool
	for d.More() {
		s, n, err := parseCount(d)
		if err != nil {
			return Counts{}, err
		}
		if seen[s] {
			return Counts{}, fmt.Errorf("%s comes twice", s)
		}
		seen[s], counts[s] = true, n
	}
	if err := expect(d, json.Delim('}')); err != nil {
		return Counts{}, err
	}
	if len(bytes.TrimSpace(data[d.InputOffset():])) > 0 {
		return Counts{}, errors.New("something follows the object")
	}
	return counts, nil
}

// parseCount reads the next name and number.
func parseCount(d *json.Decoder) (Status, int, error) {
	token, err := d.Token()
	if err != nil {
		return 0, 0, err
	}
	name, _ := token.(string) // the decoder accepts nothing else as a name
	var s Status
	if err := s.UnmarshalText([]byte(name)); err != nil {
		return 0, 0, err
	}
	if token, err = d.Token(); err != nil {
		return 0, 0, err
	}
	number, ok := token.(json.Number)
	if !ok {
		return 0, 0, fmt.Errorf("%s: %v is not a number", s, token)
	}
	n, err := strconv.Atoi(string(number))
	if err != nil || n < 0 {
		return 0, 0, fmt.Errorf("%s: %s is not a number of steps", s, number)
	}
	return s, n, nil
}

// expect reads the next token, which must be the delimiter.
func expect(d *json.Decoder, want json.Delim) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("%v in place of %s", token, want)
	}
	return nil
}
