package record

import (
	"strconv"
	"strings"
)

// MatchETag tells whether a list of ETags, or *, names a version; 0 is none and matches nothing. ok is false where it
// is no such list (RFC 9110 sections 8.8.3 and 13.1). Weak and strong ones compare alike (R4 section 3.1.0.1.5), and
// those that this server never gave match nothing.
func MatchETag(list string, version uint64) (found, ok bool) {
	list = strings.Trim(list, " \t")
	if list == "*" {
		return version > 0, true
	}
	own := strconv.FormatUint(version, 10)
	for {
		tag, rest, valid := cutETag(list)
		if !valid {
			return false, false
		}
		found = found || version > 0 && tag == own
		if rest == "" {
			break
		}
		if rest[0] != ',' {
			return false, false
		}
		if list = strings.TrimLeft(rest[1:], " \t"); list == "" {
			return false, false
		}
	}
	return found, true
}

// cutETag takes the first ETag of a list: the text between its quotes, and what follows.
func cutETag(list string) (tag, rest string, ok bool) {
	list, ok = strings.CutPrefix(strings.TrimPrefix(list, "W/"), `"`)
	if !ok {
		return "", "", false
	}
	tag, rest, ok = strings.Cut(list, `"`)
	if !ok || strings.ContainsFunc(tag, func(r rune) bool { return r <= ' ' || r == 0x7F }) {
		return "", "", false
	}
	return tag, strings.TrimLeft(rest, " \t"), true
}
