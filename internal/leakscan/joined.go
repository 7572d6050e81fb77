package leakscan

import (
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	maxNested = 8
	maxJoined = 64 << 20
)

// joined holds the contents of the bytes fields of protobuf messages by the path of field numbers, one message's after
// the other's. CometBFT cuts a block into parts of 64 KiB: a value across two parts lies in neither.
type joined map[string]*field

type field struct {
	text  []byte
	times int
}

// add takes the fields of b if it is a protobuf message, and of the messages in it.
func (j joined) add(path string, b []byte, depth int) {
	if depth > maxNested || !isMessage(b) {
		return
	}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		size := protowire.ConsumeFieldValue(num, typ, b[n:])
		if typ == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b[n:])
			sub := path + "." + strconv.Itoa(int(num))
			f := j[sub]
			if f == nil {
				f = &field{}
				j[sub] = f
			}
			if len(f.text)+len(v) <= maxJoined {
				f.text = append(f.text, v...)
				f.times++
			}
			j.add(sub, v, depth+1)
		}
		b = b[n+size:]
	}
}

func isMessage(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		size := protowire.ConsumeFieldValue(num, typ, b[n:])
		if size < 0 {
			return false
		}
		b = b[n+size:]
	}
	return true
}

// joined searches fields that were taken from several messages.
func (r *run) joined(p *place, fields joined) {
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		if f := fields[path]; f.times > 1 {
			r.report.opened("joined field", 1)
			r.blob(p.in("field "+path[1:]+" of all records, joined", -1), f.text)
		}
	}
}
