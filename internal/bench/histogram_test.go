package bench

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBucketsTileTheRange(t *testing.T) {
	for i := 1; i < 7424; i++ {
		low := uint64(upper(i-1)) + 1
		if bucketOf(low) != i || bucketOf(uint64(upper(i))) != i {
			t.Fatalf("bucket %d: lower bound %d falls into %d, upper bound %d into %d", i, low, bucketOf(low), upper(i), bucketOf(uint64(upper(i))))
		}
		if upper(i) > math.MaxInt64/2 {
			break
		}
	}
}

func TestQuantileIsCloseToExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 300).Draw(t, "values")
		cut := rapid.IntRange(0, len(values)).Draw(t, "cut")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var a, b histogram
		for i, v := range values {
			h := &a
			if i >= cut {
				h = &b
			}
			h.add(time.Duration(v))
		}
		a.merge(&b)
		slices.Sort(values)
		rank := min(max(int(math.Ceil(q*float64(len(values)))), 1), len(values))
		exact, got := values[rank-1], int64(a.quantile(q))
		if got < exact || float64(got) > float64(exact)*(1+1.0/subBuckets) {
			t.Errorf("quantile %g of %d values: %d, exact %d", q, len(values), got, exact)
		}
		if int64(a.max) != values[len(values)-1] {
			t.Errorf("max %d", a.max)
		}
	})
}

func TestEmptyHistogram(t *testing.T) {
	var h histogram
	if h.quantile(.5) != 0 {
		t.Error("a quantile without values")
	}
}

func BenchmarkAdd(b *testing.B) {
	var h histogram
	for i := range b.N {
		h.add(time.Duration(i) * 977)
	}
}
