package leakscan

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// plant is a value as a careless program might have written it, made without the code under test.
type plant struct {
	needle string
	form   string // how the form that must be reported begins
	bytes  []byte
}

// controls are values of every kind that a scan looks for. The last has both characters in its base64 that the two
// alphabets write differently.
var controls = map[string]string{
	"short name":   "Hoeger",
	"name":         "Castellanos",
	"accents":      "Señora Ñandú",
	"address":      "1041 Grimes Wynd Unit 87",
	"ssn":          "999-26-7712",
	"birth date":   "1957-08-23",
	"timestamp":    "2011-07-28T15:02:18-04:00",
	"snomed":       "162673000",
	"short snomed": "44054006",
	"loinc":        "8302-2",
	"phone":        "(555) 748-9182",
	"server id":    "6d2eba67-5b4a-403f-a29f-e6da3f1ea963",
	"alphabets":    "Baker & Sons ?> ~~~ ÿÿÿ ?>",
}

func plants() []plant {
	var out []plant
	for _, name := range slices.Sorted(maps.Keys(controls)) {
		out = append(out, plantsOf(name, controls[name])...)
	}
	return out
}

func plantsOf(name, v string) []plant {
	var out []plant
	add := func(form string, b string) { out = append(out, plant{name, form, []byte(b)}) }
	squeezed := strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("&?>~", c) {
			return c
		}
		return -1
	}, v)
	spellings := []string{v, strings.ToLower(v), strings.ToUpper(v)}
	if len(squeezed) >= 8 || len(squeezed) >= 6 && strings.IndexFunc(squeezed, unicode.IsLetter) >= 0 {
		spellings = append(spellings, squeezed, strings.ToLower(squeezed))
	}
	if len(v) >= 8 {
		add("raw", mixed(v))
	}
	for _, s := range spellings {
		add("raw", s)
		add("UTF-16LE", utf16Of(s, 0))
		add("UTF-16BE", utf16Of(s, 8))
		add("hex", hex.EncodeToString([]byte(s)))
		add("hex", strings.ToUpper(hex.EncodeToString([]byte(s))))
		for lead := range 3 {
			whole := strings.Repeat("~", lead) + s
			add("base64", base64.StdEncoding.EncodeToString([]byte(whole)))
			add("base64", base64.URLEncoding.EncodeToString([]byte(whole+"?")))
			add("base64", base64.RawURLEncoding.EncodeToString([]byte("???"+whole+"??")))
		}
		out = append(out, hashed(name, s)...)
	}
	if ascii := strconv.QuoteToASCII(v); ascii != `"`+v+`"` {
		add("JSON escapes", ascii)
	}
	if q := url.QueryEscape(v); q != v {
		add("percent", q)
		add("percent", strings.ReplaceAll(q, "+", "%20"))
	}
	if name == "server id" {
		b, _ := hex.DecodeString(strings.ReplaceAll(v, "-", ""))
		add("UUID in binary", string(b))
		add("base64 +0 of UUID", base64.StdEncoding.EncodeToString(b))
	}
	return out
}

func hashed(name, s string) []plant {
	sum := sha256.Sum256([]byte(s))
	out := []plant{{name, "SHA-256", sum[:]}, {name, "SHA-256", sum[:16]}, {name, "SHA-256", []byte(hex.EncodeToString(sum[:]))}, {name, "SHA-256", []byte(strings.ToUpper(hex.EncodeToString(sum[:16])))}}
	for lead := range 3 {
		whole := append(make([]byte, lead), sum[:]...)
		out = append(out,
			plant{name, "base64 +" + strconv.Itoa(lead) + " of SHA-256", []byte(base64.StdEncoding.EncodeToString(whole))},
			plant{name, "base64", []byte(base64.RawURLEncoding.EncodeToString(whole))})
	}
	return out
}

// mixed alternates the casing.
func mixed(s string) string {
	up := false
	return strings.Map(func(c rune) rune {
		if up = !up; up && c <= unicode.MaxASCII {
			return unicode.ToUpper(c)
		}
		return c
	}, s)
}

func utf16Of(s string, shift int) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>shift), byte(u>>(8-shift)))
	}
	return string(b)
}

// hay is random bytes, the same in every run, that end and begin with a zero byte.
func hay(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	b[0], b[n-1] = 0, 0
	return b
}

// soup is all plants in one blob, with hay between them.
func soup(list []plant) []byte {
	b := hay(1, 64)
	for i, p := range list {
		b = append(append(b, p.bytes...), hay(byte(i), 16)...)
	}
	return b
}
