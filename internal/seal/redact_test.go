package seal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestNothingPrintsKeys prints everything that holds key material in every way and looks for the bytes.
func TestNothingPrintsKeys(t *testing.T) {
	root, recs := testRoot(t), newRecords()
	s := testSealer(t, root, recs)
	k := ensureStored(t, s, recs, "p1")
	if _, err := k.Seal(nil, "row", nil, nil); err != nil { // so that there is an AEAD to print
		t.Fatal(err)
	}
	v, err := OpenVault(root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	secrets := [][]byte{root.ring.epochs[0].key[:], k.gens[0].secret[:], s.tenantKey.gens[0].secret[:]}
	type holder struct {
		Key   *Key
		inner *Key
		all   map[string]*Key
	}
	for name, x := range map[string]any{
		"root": root, "*root": *root, "key": k, "*key": *k, "sealer": s, "vault": v,
		"struct": holder{k, k, map[string]*Key{"k": k}}, "slice": []*Key{k}, "map": map[string]any{"k": k},
		"config": Config{Root: root}, "pointer to pointer": &k,
	} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", x)
		}
		fmt.Fprintln(&out, x)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "x", x)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "x", x)
		if b, err := json.Marshal(x); err == nil {
			out.Write(b)
		}
		for _, secret := range secrets {
			if holds(out.String(), secret) {
				t.Errorf("%s: a key is printed:\n%s", name, &out)
			}
		}
	}
	for _, x := range []any{root, k, s, v} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if got := fmt.Sprintf(verb, x); got != mask {
				t.Errorf("%T prints as %q with %s", x, got, verb)
			}
		}
		if got := x.(slog.LogValuer).LogValue().String(); got != mask {
			t.Errorf("%T logs as %q", x, got)
		}
		if b, err := json.Marshal(x); err != nil || string(b) != `"`+mask+`"` {
			t.Errorf("%T encodes as %s (%v)", x, b, err)
		}
	}
}

// holds looks for four bytes in a row of a secret, in any form that fmt and the encoders print bytes in.
func holds(text string, secret []byte) bool {
	lower := strings.ToLower(text)
	for i := range len(secret) - 3 {
		part := secret[i : i+4]
		var decimal, hexes []string
		for _, b := range part {
			decimal = append(decimal, fmt.Sprint(b))
			hexes = append(hexes, fmt.Sprintf("0x%x", b))
		}
		for _, form := range []string{
			hex.EncodeToString(part), strings.Join(decimal, " "), strings.Join(decimal, ","), strings.Join(hexes, ", "),
		} {
			if strings.Contains(lower, form) {
				return true
			}
		}
	}
	return strings.Contains(text, string(secret[:4]))
}

func TestHoldsNotices(t *testing.T) {
	secret := []byte{0xfa, 0xce, 0x12, 0x34, 0x56}
	plain := struct{ B []byte }{secret}
	for _, text := range []string{
		fmt.Sprintf("%v", plain), fmt.Sprintf("%#v", plain), fmt.Sprintf("%x", plain), fmt.Sprintf("%X", plain), string(secret),
	} {
		if !holds(text, secret) {
			t.Errorf("not noticed in %s", text)
		}
	}
}
