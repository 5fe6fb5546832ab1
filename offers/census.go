package offers

// Pod is a pod of ours that has a place: its task runs or is on its way, or may still run for all that is known.
type Pod struct {
	Name    string
	PodType string
	Site    Site
	// Ports are the numbers that it uses on the host.
	Ports []uint64
}

// census counts pods, by what placement asks for: how many of a type are on a host, in a failure domain, or on hosts with a
// certain attribute. All counts are by pod, however many tasks it has.
type census struct {
	pool    *pool
	pods    []resident
	byName  map[string]int32
	onHost  [][]int32 // pods by host; nil until somebody asks
	domains map[[2]string]int32
	spreads map[string]*spread
	columns map[string]*column
	tallies map[tallyKey]*tally
}

// resident is a pod as it is counted.
type resident struct {
	Pod
	host   int32 // index of its host in the pool; -1 if that is not on offer
	absent bool  // not counted now: it is the pod that is being placed
}

// spread is how the pods of a type are spread.
type spread struct {
	host   []int32 // by index of the host
	domain []int32
	all    int
}

// column is what a clause of a constraint says of each host.
type column struct {
	clause *Clause
	// key is 0 for a host that was not looked at, -1 for one that the clause excludes whoever is there; otherwise the number
	// of the value that the clause counts by (any number if it does not count).
	key    []int32
	values map[string]int32
}

// tally is how many pods of a type there are for each value that a clause counts by.
type tally struct {
	column *column
	counts []int32 // by number of the value
}

type tallyKey struct{ clause, podType string }

func newCensus(p *pool, pods []Pod, placements int) *census {
	c := &census{pool: p, domains: map[[2]string]int32{}}
	c.pods = make([]resident, len(pods), len(pods)+placements)
	c.byName = make(map[string]int32, len(pods)+placements)
	for i := range pods {
		c.pods[i] = resident{Pod: pods[i], host: c.hostOf(pods[i].Site.Host)}
		c.byName[pods[i].Name] = int32(i)
	}
	return c
}

func (c *census) hostOf(key string) int32 {
	if at, ok := c.pool.index[key]; ok {
		return at
	}
	return -1
}

// domainOf is the number of a site's failure domain.
func (c *census) domainOf(s *Site) int32 {
	k := [2]string{s.Region, s.Zone}
	n, ok := c.domains[k]
	if !ok {
		n = int32(len(c.domains))
		c.domains[k] = n
	}
	return n
}

// residents are the indices of the pods on a host.
func (c *census) residents(h *host) []int32 {
	if len(c.pods) == 0 {
		return nil
	}
	if c.onHost == nil {
		c.onHost = make([][]int32, len(c.pool.hosts))
		for i, r := range c.pods {
			if r.host >= 0 {
				c.onHost[r.host] = append(c.onHost[r.host], int32(i))
			}
		}
	}
	return c.onHost[h.at]
}

// lives says whether a pod of the name is on the host, or was when it was last heard of.
func (c *census) lives(pod string, h *host) bool {
	i, ok := c.byName[pod]
	return ok && c.pods[i].host == h.at
}

// busy are those of the numbers that other pods use on the host. numbers are sorted.
func (c *census) busy(h *host, number uint64) bool {
	for _, i := range c.residents(h) {
		if c.pods[i].absent {
			continue
		}
		for _, n := range c.pods[i].Ports {
			if n == number {
				return true
			}
		}
	}
	return false
}

// last is the host where a pod was last; empty if it was nowhere.
func (c *census) last(pod string) string {
	if i, ok := c.byName[pod]; ok {
		return c.pods[i].Site.Host
	}
	return ""
}

// taken are the numbers that other pods use on the host.
func (c *census) taken(h *host) []Range {
	var taken []Range
	for _, i := range c.residents(h) {
		if c.pods[i].absent {
			continue
		}
		for _, n := range c.pods[i].Ports {
			taken = append(taken, Range{n, n})
		}
	}
	return Normalize(taken)
}

// spread counts the pods of a type.
func (c *census) spread(podType string) *spread {
	if s, ok := c.spreads[podType]; ok {
		return s
	}
	if c.spreads == nil {
		c.spreads = map[string]*spread{}
	}
	s := &spread{host: make([]int32, len(c.pool.hosts))}
	c.spreads[podType] = s
	for i := range c.pods {
		if r := &c.pods[i]; r.PodType == podType && !r.absent {
			s.count(c, r, 1)
		}
	}
	s.widen(c)
	return s
}

func (s *spread) count(c *census, r *resident, n int32) {
	s.all += int(n)
	if r.host >= 0 {
		s.host[r.host] += n
	}
	d := c.domainOf(&r.Site)
	s.widen(c)
	s.domain[d] += n
}

// widen makes room for all domains that are known.
func (s *spread) widen(c *census) {
	for len(s.domain) < len(c.domains) {
		s.domain = append(s.domain, 0)
	}
}

// column is what a clause says of each host, as far as that was asked.
func (c *census) column(clause *Clause) *column {
	name := clause.key()
	if col, ok := c.columns[name]; ok {
		return col
	}
	if c.columns == nil {
		c.columns = map[string]*column{}
	}
	col := &column{clause: clause, key: make([]int32, len(c.pool.hosts)), values: map[string]int32{}}
	c.columns[name] = col
	return col
}

// at is the number of the host's value, -1 if the clause excludes the host.
func (col *column) at(h *host) int32 {
	if k := col.key[h.at]; k != 0 {
		return k
	}
	k := int32(-1)
	if col.clause.Accepts(*h.site()) {
		k = col.number(h.site())
	}
	col.key[h.at] = k
	return k
}

// number is the number of a site's value, 1 if the clause does not count, -1 if it does and the site has none.
func (col *column) number(s *Site) int32 {
	if !col.clause.Counts() {
		return 1
	}
	value, ok := col.clause.Key(*s)
	if !ok {
		return -1
	}
	k, known := col.values[value]
	if !known {
		k = int32(len(col.values)) + 1
		col.values[value] = k
	}
	return k
}

// tally counts the pods of a type by the values of a clause.
func (c *census) tally(clause *Clause, podType string) *tally {
	k := tallyKey{clause.key(), podType}
	if t, ok := c.tallies[k]; ok {
		return t
	}
	if c.tallies == nil {
		c.tallies = map[tallyKey]*tally{}
	}
	t := &tally{column: c.column(clause)}
	c.tallies[k] = t
	for i := range c.pods {
		if r := &c.pods[i]; r.PodType == podType && !r.absent {
			t.count(&r.Site, 1)
		}
	}
	return t
}

func (t *tally) count(s *Site, n int32) {
	k := t.column.number(s)
	if k < 0 {
		return
	}
	for int(k) >= len(t.counts) {
		t.counts = append(t.counts, 0)
	}
	t.counts[k] += n
}

func (t *tally) of(k int32) int {
	if int(k) >= len(t.counts) {
		return 0
	}
	return int(t.counts[k])
}

// least is the smallest count among the values that have pods, and how many such values there are.
func (t *tally) least() (least, values int) {
	for _, n := range t.counts {
		if n <= 0 {
			continue
		}
		if values == 0 || int(n) < least {
			least = int(n)
		}
		values++
	}
	return least, values
}

// leave takes a pod out of all counts, while it is being placed. It says whether there was one.
func (c *census) leave(pod string) bool {
	i, ok := c.byName[pod]
	if !ok || c.pods[i].absent {
		return false
	}
	c.recount(&c.pods[i], -1)
	c.pods[i].absent = true
	return true
}

// back counts a pod again where it was.
func (c *census) back(pod string) {
	r := &c.pods[c.byName[pod]]
	r.absent = false
	c.recount(r, 1)
}

// settle counts a pod that was placed.
func (c *census) settle(pod Pod, h *host) {
	i := int32(len(c.pods))
	c.pods = append(c.pods, resident{Pod: pod, host: h.at})
	c.byName[pod.Name] = i
	if c.onHost != nil {
		c.onHost[h.at] = append(c.onHost[h.at], i)
	}
	c.recount(&c.pods[i], 1)
}

func (c *census) recount(r *resident, n int32) {
	if s, ok := c.spreads[r.PodType]; ok {
		s.count(c, r, n)
	}
	for k, t := range c.tallies { // each is changed by itself, so the order does not matter
		if k.podType == r.PodType {
			t.count(&r.Site, n)
		}
	}
}

// key tells clauses apart, whatever their fields and parameters contain.
func (c *Clause) key() string {
	return string(c.Field.Kind) + "\x00" + c.Field.Name + "\x00" + string(c.Operator) + "\x00" + c.Param
}
