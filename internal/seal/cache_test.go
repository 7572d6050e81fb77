package seal

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// countingSealer counts how often the store is asked.
func countingSealer(t *testing.T, change ...func(*Config)) (s *Sealer, recs *records, lookups func() int) {
	t.Helper()
	recs = newRecords()
	var mu sync.Mutex
	n := 0
	change = append(change, func(c *Config) {
		c.Lookup = func(h Handle) ([]byte, bool, error) {
			mu.Lock()
			n++
			mu.Unlock()
			return recs.lookup(h)
		}
	})
	return testSealer(t, testRoot(t), recs, change...), recs, func() int {
		mu.Lock()
		defer mu.Unlock()
		defer func() { n = 0 }()
		return n
	}
}

func mustKey(t *testing.T, s *Sealer, h Handle) *Key {
	t.Helper()
	k, err := s.Key(h)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestCacheKeepsWhatIsUsed(t *testing.T) {
	s, recs, lookups := countingSealer(t, func(c *Config) { c.CacheSize = 3 })
	var handles []Handle
	for i := range 4 {
		handles = append(handles, ensureStored(t, s, recs, fmt.Sprint(i)).Handle())
	}
	lookups()
	for i, want := range []int{1, 0, 0, 1, 1} { // handle 0 was dropped, then 1 is the oldest
		mustKey(t, s, handles[[]int{0, 2, 3, 1, 0}[i]])
		if got := lookups(); got != want {
			t.Errorf("step %d: %d look-ups, want %d", i, got, want)
		}
		if n := s.keys.lru.Len(); n > 3 || n != len(s.keys.entries) {
			t.Errorf("step %d: %d keys in the list, %d in the table, want 3 at most", i, n, len(s.keys.entries))
		}
	}
}

func TestCacheExpires(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s, recs, lookups := countingSealer(t, func(c *Config) {
		c.CacheTTL = time.Minute
		c.Now = func() time.Time { return now }
	})
	h := ensureStored(t, s, recs, "a").Handle()
	lookups()
	for _, step := range []struct {
		after time.Duration
		want  int
	}{
		{59 * time.Second, 0}, {time.Second, 1}, {59 * time.Second, 0}, {59 * time.Second, 1},
	} {
		now = now.Add(step.after)
		mustKey(t, s, h)
		if got := lookups(); got != step.want {
			t.Errorf("%v later: %d look-ups, want %d", step.after, got, step.want)
		}
	}
}

// TestCacheEmptiesItself: a key is dropped on time also when nobody asks for anything any more.
func TestCacheEmptiesItself(t *testing.T) {
	root := testRoot(t)
	synctest.Test(t, func(t *testing.T) {
		recs := newRecords()
		s := testSealer(t, root, recs, func(c *Config) { c.CacheTTL = time.Minute })
		size := func() int {
			s.keys.mu.Lock()
			defer s.keys.mu.Unlock()
			return len(s.keys.entries)
		}
		ensureStored(t, s, recs, "a")
		time.Sleep(40 * time.Second)
		ensureStored(t, s, recs, "b")
		_, pending, err := s.Ensure([]string{"c"})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			after time.Duration
			want  int // with the pending key, which stays
		}{
			{19 * time.Second, 3}, {time.Second, 2}, {39 * time.Second, 2}, {time.Second, 1}, {time.Hour, 1},
		} {
			time.Sleep(step.after)
			synctest.Wait()
			if got := size(); got != step.want {
				t.Errorf("%v later: %d keys, want %d", step.after, got, step.want)
			}
		}
		s.Durable(pending)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := size(); got != 0 {
			t.Errorf("in the end: %d keys", got)
		}
	})
}

// TestDroppedKeyIsOverwritten: its bytes are gone once it is dropped and nobody holds it, and not before.
func TestDroppedKeyIsOverwritten(t *testing.T) {
	if raceEnabled {
		t.Skip("looks at memory that the clean-up writes, on purpose")
	}
	for name, drop := range map[string]func(*Sealer, *records, Handle){
		"evicted":   func(s *Sealer, r *records, _ Handle) { ensureStored(t, s, r, "other") },
		"forgotten": func(s *Sealer, _ *records, h Handle) { s.Forget(h) },
		"closed":    func(s *Sealer, _ *records, _ Handle) { s.Close() },
	} {
		recs := newRecords()
		s := testSealer(t, testRoot(t), recs, func(c *Config) { c.CacheSize = 1 })
		k := ensureStored(t, s, recs, "a")
		opens, raw := sealWith(t, k), k.gens[0].secret
		drop(s, recs, k.Handle())
		for range 3 {
			runtime.GC()
		}
		if err := opens(k); err != nil {
			t.Errorf("%s: a key in use stopped working: %v", name, err)
		}
		runtime.KeepAlive(k)
		overwritten := false
		for range 1000 {
			runtime.GC()
			if *raw == (secret{}) {
				overwritten = true
				break
			}
			runtime.Gosched() // the clean-up runs in a goroutine of the runtime
		}
		if !overwritten {
			t.Errorf("%s: the bytes are still in memory", name)
		}
	}
}

// TestForgetWhileLoading: a key that is being loaded while its record is destroyed does not stay in the cache.
func TestForgetWhileLoading(t *testing.T) {
	recs := newRecords()
	loading, goOn := make(chan struct{}), make(chan struct{})
	blocked := false
	root := testRoot(t)
	h := ensureStored(t, testSealer(t, root, recs), recs, "a").Handle()
	s := testSealer(t, root, recs, func(c *Config) {
		c.Lookup = func(h Handle) ([]byte, bool, error) {
			b, ok, err := recs.lookup(h)
			if !blocked {
				blocked = true
				close(loading)
				<-goOn
			}
			return b, ok, err
		}
	})
	done := make(chan error)
	go func() {
		_, err := s.Key(h)
		done <- err
	}()
	<-loading
	recs.remove(h)
	s.Forget(h)
	close(goOn)
	if err := <-done; err != nil {
		t.Errorf("the caller that had read the record: %v", err)
	}
	if _, err := s.Key(h); !errors.Is(err, ErrNoKey) {
		t.Errorf("the next caller: %v, want ErrNoKey", err)
	}
}

// TestConcurrentUse uses few keys from many goroutines while they are dropped all the time. For the race detector.
func TestConcurrentUse(t *testing.T) {
	recs := newRecords()
	s := testSealer(t, testRoot(t), recs, func(c *Config) { c.CacheSize = 2 })
	sets := [][]string{nil, {"a"}, {"b"}, {"c"}, {"a", "b"}}
	tokens := make([]Token, len(sets))
	for i, ids := range sets {
		ensureStored(t, s, recs, ids...)
		tokens[i] = s.Token("Patient", "p", "k", strings.Join(ids, " "))
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 100 {
				ids := sets[(g+i)%len(sets)]
				k, err := s.Key(s.HandleFor(ids))
				if err != nil {
					t.Error(err)
					return
				}
				plain := []byte(fmt.Sprint(g, i))
				sealed, err := k.SealVersion(nil, "Patient", "1", uint64(i), plain) //nolint:gosec // small
				if err != nil {
					t.Error(err)
					return
				}
				if i%10 == 0 {
					s.Forget(k.Handle())
				}
				if out, err := k.OpenVersion(nil, "Patient", "1", uint64(i), sealed); err != nil || !bytes.Equal(out, plain) { //nolint:gosec // small
					t.Errorf("got %q, %v", out, err)
				}
				if s.Token("Patient", "p", "k", strings.Join(ids, " ")) != tokens[(g+i)%len(sets)] {
					t.Error("two tokens for one value")
				}
			}
		})
	}
	wg.Wait()
}
