package tx

import (
	"errors"
	"strings"
	"testing"
)

func TestConsentRef(t *testing.T) {
	want := ConsentRef{ID: [32]byte(fill(7, 32)), Version: 3, Height: 41}
	got, err := ParseConsentRef(want.String())
	if err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	id := strings.Repeat("0a", 32)
	for _, bad := range []string{
		"", id, id + "/1", id + "/0@1", id + "/1@0", id + "/01@1", id + "/1@+1", id + "/1@-1", id[2:] + "/1@1",
		strings.ToUpper(id) + "/1@1", id + "/1@1 ", id + "/1@1@1",
	} {
		if _, err := ParseConsentRef(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: got %v, want ErrMalformed", bad, err)
		}
	}
}

func FuzzParseConsentRef(f *testing.F) {
	f.Add(ConsentRef{ID: [32]byte(fill(7, 32)), Version: 3, Height: 41}.String())
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseConsentRef(s); err == nil && r.String() != s {
			t.Errorf("accepted %q", s)
		}
	})
}
