package record

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// etagList is the grammar of RFC 9110 section 8.8.3, without obs-text.
var etagList = regexp.MustCompile(`^[ \t]*(\*|(W/)?"[!#-~\x{80}-\x{10FFFF}]*"([ \t]*,[ \t]*(W/)?"[!#-~\x{80}-\x{10FFFF}]*")*)[ \t]*$`)

func FuzzMatchETag(f *testing.F) {
	for _, s := range []string{`*`, `W/"3"`, `"3"`, `W/"1", "3"`, `"1","3",`, `"a,b"`, `3`, `""`, `W/"3`, `"03"`, ` "3" `, `"3" "4"`, `w/"3"`, `"18446744073709551615"`} {
		f.Add(s, uint64(3))
	}
	f.Fuzz(func(t *testing.T, list string, version uint64) {
		found, valid := MatchETag(list, version)
		if valid != etagList.MatchString(strings.ToValidUTF8(list, "\u0080")) {
			t.Fatalf("%q: valid %v", list, valid)
		}
		want := version > 0 && valid && (strings.Trim(list, " \t") == "*" || strings.Contains(list, fmt.Sprintf(`"%d"`, version)))
		if found && !want || want && !found && !strings.Contains(list, `",`) && strings.Count(list, `"`) == 2 {
			t.Fatalf("%q and %d: %v", list, version, found)
		}
	})
}

// The newest version stands in front, amid or behind others.
func TestMatchETag(t *testing.T) {
	for _, list := range []string{`"7"`, `W/"7"`, `"1","7"`, `"7","1"`, ` W/"1" ,	"7" , "3" `, `*`} {
		if found, valid := MatchETag(list, 7); !found || !valid {
			t.Errorf("%s: %v, %v", list, found, valid)
		}
		if found, valid := MatchETag(list, 0); found || !valid {
			t.Errorf("%s and nothing: %v, %v", list, found, valid)
		}
	}
}
