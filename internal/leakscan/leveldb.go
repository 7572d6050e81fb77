package leakscan

import (
	"bytes"
	"errors"

	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/storage"
	"github.com/syndtr/goleveldb/leveldb/table"
)

// trailer is what LevelDB puts behind a key: sequence number and kind.
const trailer = 8

// readLevelTable searches every key and value of a LevelDB table, which CometBFT's default database writes.
func (r *run) readLevelTable(p *place, b []byte) (err error) {
	defer caught(&err)
	t, err := table.NewReader(bytes.NewReader(b), int64(len(b)), storage.FileDesc{Type: storage.TypeTable}, nil, nil, &opt.Options{Strict: opt.StrictAll})
	if err != nil {
		return err
	}
	defer t.Release()
	it := t.NewIterator(nil, nil)
	defer it.Release()
	count := 0
	for ; it.Next(); count++ {
		if len(it.Key()) < trailer {
			return errors.New("key without its trailer")
		}
		r.blob(p.in("key", count), it.Key()[:len(it.Key())-trailer])
		r.blob(p.in("value", count), it.Value())
	}
	r.report.opened("table entry", count)
	return it.Error()
}
