package bench

import (
	"math"
	"math/bits"
	"time"
)

const subBuckets = 128 // per power of two: a resolution of 1/128

// histogram counts durations in fixed memory, whatever the run's length. The zero value is ready.
type histogram struct {
	counts [(64 - 6) * subBuckets]uint64
	total  uint64
	max    time.Duration
}

// bucketOf maps nanoseconds to a bucket: exact below 256, then 128 buckets for each power of two.
func bucketOf(ns uint64) int {
	shift := max(bits.Len64(ns)-8, 0)
	return shift*subBuckets + int(ns>>shift)
}

// upper is the largest value of a bucket.
func upper(bucket int) time.Duration {
	shift := max(bucket/subBuckets-1, 0)
	base := uint64(bucket - shift*subBuckets)
	return time.Duration((base+1)<<shift - 1)
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOf(uint64(d))]++
	h.total++
	h.max = max(h.max, d)
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.max = max(h.max, o.max)
}

// quantile is the smallest bucket bound that at least the share q of the values does not exceed; 0 without values.
func (h *histogram) quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := min(max(uint64(math.Ceil(q*float64(h.total))), 1), h.total)
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return min(upper(i), h.max)
		}
	}
	return h.max
}
