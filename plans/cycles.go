package plans

// waitGraph says of each node, by its place, which others it waits for.
type waitGraph [][]int

// inOrder returns the graph in which, besides, each node that follows waits for all before it. So that this stays linear in size, a node
// "all before the k-th" is added at the place n+k for each of the n nodes.
func (g waitGraph) inOrder(follows func(int) bool) waitGraph {
	n := len(g)
	ordered := make(waitGraph, 2*n)
	copy(ordered, g)
	for k := range n {
		if k > 0 {
			ordered[n+k] = []int{n + k - 1, k - 1}
		}
		if follows(k) {
			ordered[k] = []int{n + k}
		}
	}
	return ordered
}

// cycles returns, for each group of nodes that wait for one another, the shortest way from its first node back to it. Nodes from n on are
// means to an end (see inOrder), and left out.
func (g waitGraph) cycles(n int) [][]int {
	groups := g.groups()
	looked := make([]bool, len(g))
	from := make([]int, len(g))
	for i := range from {
		from[i] = -1
	}
	var cycles [][]int
	for i := range n {
		if looked[groups[i]] {
			continue
		}
		looked[groups[i]] = true
		if cycle := g.around(i, n, groups, from); cycle != nil {
			cycles = append(cycles, cycle)
		}
	}
	return cycles
}

// around returns the shortest way from a node back to itself, nil if there is none. It stays in the node's group: whatever leaves it does
// not come back. Ways are as long as the nodes below n on them. from is memory, -1 for the whole group: where each node was reached from.
func (g waitGraph) around(start, n int, groups, from []int) []int {
	for near := []int{start}; len(near) > 0; {
		var next []int
		for k := 0; k < len(near); k++ {
			for _, to := range g[near[k]] {
				switch {
				case to == start:
					return wayTo(near[k], start, n, from)
				case groups[to] != groups[start] || from[to] >= 0:
					continue
				case to >= n:
					near = append(near, to)
				default:
					next = append(next, to)
				}
				from[to] = near[k]
			}
		}
		near = next
	}
	return nil
}

// wayTo returns the nodes below n on the way on which a node was reached from the start.
func wayTo(node, start, n int, from []int) []int {
	var back []int
	for ; node != start; node = from[node] {
		if node < n {
			back = append(back, node)
		}
	}
	way := []int{start}
	for k := len(back) - 1; k >= 0; k-- {
		way = append(way, back[k])
	}
	return way
}

// groups numbers the nodes so that two have the same number if each waits for the other, directly or not: the strongly connected
// components, as Tarjan finds them.
func (g waitGraph) groups() []int {
	t := tarjan{graph: g, index: make([]int, len(g)), low: make([]int, len(g)), group: make([]int, len(g))}
	for i := range t.group {
		t.group[i] = -1
	}
	for i := range g {
		if t.index[i] == 0 {
			t.visit(i)
		}
	}
	return t.group
}

type tarjan struct {
	graph waitGraph
	// index counts the nodes from 1 as they are come upon, low is the lowest index that is known to be waited for.
	index, low []int
	group      []int
	stack      []int
	count      int
	done       int
}

func (t *tarjan) visit(node int) {
	t.count++
	t.index[node], t.low[node] = t.count, t.count
	t.stack = append(t.stack, node)
	for _, to := range t.graph[node] {
		switch {
		case t.index[to] == 0:
			t.visit(to)
			t.low[node] = min(t.low[node], t.low[to])
		case t.group[to] < 0:
			t.low[node] = min(t.low[node], t.index[to])
		}
	}
	if t.low[node] == t.index[node] {
		t.close(node)
	}
}

// close makes a group of the node and all that were come upon after it and have none.
func (t *tarjan) close(node int) {
	for {
		last := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.group[last] = t.done
		if last == node {
			t.done++
			return
		}
	}
}
