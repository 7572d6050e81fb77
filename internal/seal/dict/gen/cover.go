package main

import (
	"cmp"
	"slices"
)

const (
	gramSize    = 8   // length of the substrings whose frequency is counted
	segmentSize = 128 // length of what is taken into the dictionary at a time
	maxRounds   = 20  // passes over the corpus at most
)

// segment is a candidate for the dictionary; its score is the sum of the frequencies of its substrings.
type segment struct {
	bytes []byte
	score uint64
}

// cover chooses size bytes out of the samples that hold as many substrings as possible that other samples hold too.
// It is the method of COVER (Liao, Petri, Moffat, Wirth: "Effective construction of relative Lempel-Ziv dictionaries",
// WWW 2016): the corpus is cut into as many parts as the dictionary has segments, the best segment of each part is
// taken, and what it covers counts no more. The best segments come last, where distances are shortest.
func cover(samples [][]byte, size int) []byte {
	freq := frequencies(samples)
	corpus := slices.Concat(samples...)
	parts := max(size/segmentSize, 1)
	partSize := max(len(corpus)/parts, segmentSize)
	var chosen []segment
	total := 0
	for round := 0; round < maxRounds && total < size; round++ {
		before := total
		for lo := 0; lo < len(corpus) && total < size; lo += partSize {
			s := best(corpus[lo:min(lo+partSize, len(corpus))], freq)
			if s.score == 0 {
				continue
			}
			for i := 0; i+gramSize <= len(s.bytes); i++ {
				delete(freq, gram(s.bytes[i:]))
			}
			chosen = append(chosen, s)
			total += len(s.bytes)
		}
		if total == before {
			break
		}
	}
	slices.SortStableFunc(chosen, func(a, b segment) int { return cmp.Compare(a.score, b.score) })
	var out []byte
	for _, s := range chosen {
		out = append(out, s.bytes...)
	}
	return out[max(0, len(out)-size):]
}

// gram identifies the first gramSize bytes of b.
func gram(b []byte) [gramSize]byte { return [gramSize]byte(b[:gramSize]) }

// frequencies counts in how many samples each substring occurs, leaving out those of a single one.
func frequencies(samples [][]byte) map[[gramSize]byte]uint64 {
	freq := make(map[[gramSize]byte]uint64)
	lastSeen := make(map[[gramSize]byte]int)
	for i, s := range samples {
		for j := 0; j+gramSize <= len(s); j++ {
			g := gram(s[j:])
			if lastSeen[g] != i+1 {
				lastSeen[g] = i + 1
				freq[g]++
			}
		}
	}
	for g, n := range freq {
		if n < 2 {
			delete(freq, g)
		}
	}
	return freq
}

// best slides a window over a part and returns the best segment, without the ends that nobody shares.
func best(part []byte, freq map[[gramSize]byte]uint64) segment {
	const grams = segmentSize - gramSize + 1 // in a window
	inside := make(map[[gramSize]byte]int)   // substrings of the window: each counts once
	var score uint64
	found := segment{}
	for i := 0; i+gramSize <= len(part); i++ {
		g := gram(part[i:])
		if inside[g]++; inside[g] == 1 {
			score += freq[g]
		}
		if i >= grams {
			old := gram(part[i-grams:])
			if inside[old]--; inside[old] == 0 {
				delete(inside, old)
				score -= freq[old]
			}
		}
		if score > found.score {
			found = segment{bytes: part[max(0, i-grams+1) : i+gramSize], score: score}
		}
	}
	return found.trimmed(freq)
}

func (s segment) trimmed(freq map[[gramSize]byte]uint64) segment {
	for len(s.bytes) >= gramSize && freq[gram(s.bytes)] == 0 {
		s.bytes = s.bytes[1:]
	}
	for len(s.bytes) >= gramSize && freq[gram(s.bytes[len(s.bytes)-gramSize:])] == 0 {
		s.bytes = s.bytes[:len(s.bytes)-1]
	}
	return s
}
