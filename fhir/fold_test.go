package fhir

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "",
		"chalmers":                           "chalmers",
		"Chalmers":                           "chalmers",
		"  De  la\tCruz \n":                  "de la cruz",
		"José":                               "jose",
		"JOSE\u0301":                         "jose",
		"Ångström":                           "angstrom",
		"Straße":                             "strasse",
		"İstanbul":                           "istanbul",
		"ΟΔΟΣ":                               "οδοσ",
		"ﬁsh":                                "fish",
		"１２３ Ｍａｉｎ":                           "123 main",
		"Ho\u0301a\u0300ng Tra\u0302\u0300n": "hoang tran",
		"O'Brien-Smith":                      "o'brien-smith",
		"non\u00a0breaking":                  "non breaking",
		"王小明":                                "王小明",
	} {
		if got := Fold(in); got != want {
			t.Errorf("%q folds to %q, want %q", in, got, want)
		}
	}
}

// TestFoldEveryRune: folding is stable on each character there is.
func TestFoldEveryRune(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		once := Fold(string(r))
		if twice := Fold(once); twice != once {
			t.Errorf("%U folds to %q and then to %q", r, once, twice)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Chalmers", "  De  la\tCruz ", "JOSE\u0301", "Straße", "ΐ", "ŉ", "\u0345", "ᾳ", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Fold(s)
		if twice := Fold(once); utf8.ValidString(s) && twice != once {
			t.Fatalf("%q folds to %q and then to %q", s, once, twice)
		}
		if strings.TrimSpace(once) != once || strings.Contains(once, "  ") {
			t.Fatalf("%q folds to %q", s, once)
		}
		if other := Fold(strings.ToUpper(s)); isASCII(s) && other != once {
			t.Fatalf("%q folds to %q, in upper case to %q", s, once, other)
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}
