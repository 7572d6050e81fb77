package leakscan

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2/sstable"
)

// spans searches the range deletions and range keys of a table.
func (r *run) spans(p *place, t *sstable.Reader) error {
	ctx := context.Background()
	dels, err := t.NewRawRangeDelIter(ctx, sstable.NoFragmentTransforms, sstable.NoReadEnv)
	if err != nil {
		return err
	}
	keys, err2 := t.NewRawRangeKeyIter(ctx, sstable.NoFragmentTransforms, sstable.NoReadEnv)
	if dels != nil {
		defer dels.Close()
		for s, e := dels.First(); s != nil || e != nil; s, e = dels.Next() {
			if e != nil {
				return e
			}
			r.blob(p.in("range", -1), s.Start)
			r.blob(p.in("range", -1), s.End)
		}
	}
	if keys == nil || err2 != nil {
		return err2
	}
	defer keys.Close()
	for s, e := keys.First(); s != nil || e != nil; s, e = keys.Next() {
		if e != nil {
			return errors.Join(err, e)
		}
		r.blob(p.in("range", -1), s.Start)
		r.blob(p.in("range", -1), s.End)
		for _, k := range s.Keys {
			r.blob(p.in("range key", -1), k.Suffix)
			r.blob(p.in("range value", -1), k.Value)
		}
	}
	return nil
}
