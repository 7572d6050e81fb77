package load

// inLevels orders nodes so that each level needs only earlier ones, as far as that is possible: first the nodes of base types, then the
// rest, each part by its references.
func inLevels(nodes []*node) [][]*node {
	var base, rest []*node
	for _, n := range nodes {
		if n.base {
			base = append(base, n)
		} else {
			rest = append(rest, n)
		}
	}
	return append(levelsOf(base), levelsOf(rest)...)
}

// waits counts what a node still waits for. before holds the indexes of the nodes it comes before.
type waits struct {
	hard, soft int
	done       bool
	before     []link
}

type link struct {
	to   int
	hard bool
}

// levelsOf is Kahn's algorithm in rounds. Where a circle stops it, the nodes with the fewest unmet needs go: literal references are
// given up before conditional ones.
func levelsOf(nodes []*node) [][]*node {
	state := connect(nodes)
	var levels [][]*node
	for left := len(nodes); left > 0; {
		ready := pick(state)
		level := make([]*node, 0, len(ready))
		for _, i := range ready {
			state[i].done = true
			level = append(level, nodes[i])
		}
		for _, i := range ready {
			for _, l := range state[i].before {
				if l.hard {
					state[l.to].hard--
				} else {
					state[l.to].soft--
				}
			}
		}
		levels = append(levels, level)
		left -= len(ready)
	}
	return levels
}

// pick returns the open nodes with the least (hard, soft) unmet needs; with none unmet that is everything ready.
func pick(state []waits) []int {
	var ready []int
	best := waits{}
	for i, w := range state {
		if w.done {
			continue
		}
		less := len(ready) == 0 || w.hard < best.hard || w.hard == best.hard && w.soft < best.soft
		if less {
			best, ready = w, ready[:0]
		}
		if less || w.hard == best.hard && w.soft == best.soft {
			ready = append(ready, i)
		}
	}
	return ready
}

// connect finds who provides what each node needs.
func connect(nodes []*node) []waits {
	wanted := map[uint64][]int{}
	for _, n := range nodes {
		for _, d := range n.needs {
			wanted[d.exact], wanted[d.class] = nil, nil
		}
	}
	delete(wanted, 0)
	for i, n := range nodes {
		for _, key := range n.provides {
			list, ok := wanted[key]
			if ok && (len(list) == 0 || list[len(list)-1] != i) {
				wanted[key] = append(list, i)
			}
		}
	}
	state := make([]waits, len(nodes))
	for i, n := range nodes {
		from := map[int]bool{} // provider -> hard
		for _, d := range n.needs {
			providers := wanted[d.exact]
			if len(providers) == 0 {
				providers = wanted[d.class]
			}
			for _, p := range providers {
				if p != i {
					from[p] = from[p] || d.hard
				}
			}
		}
		for p, hard := range from {
			state[p].before = append(state[p].before, link{to: i, hard: hard})
			if hard {
				state[i].hard++
			} else {
				state[i].soft++
			}
		}
	}
	return state
}
