package seal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

// Known answers. They freeze the formats: what a released program sealed must open for ever. Never regenerate the file
// to make a test pass; a changed format gets a new format byte, and vectors of its own beside these.
const vectorFile = "testdata/vectors.json"

var updateVectors = flag.Bool("update-vectors", false, "write "+vectorFile+" anew")

type vectors struct {
	Root    string // a root key file with two epochs
	Tenant  string
	Derived []derivedVector
	Keys    []keyVector
	Sealed  []sealedVector
	Secret  struct{ Name, Plain, Sealed string } // of the vault
}

type derivedVector struct {
	Token  []string // type, parameter, kind, value
	Result string
}

// keyVector is a stored key; Patients nil is the tenant's.
type keyVector struct {
	Patients []string
	Handle   string
	Record   string `json:",omitempty"`
}

// sealedVector is a version (with Type, ID, Version) or a record (with Purpose, AAD) under the key of Patients.
type sealedVector struct {
	Patients []string
	Type     string `json:",omitempty"`
	ID       string `json:",omitempty"`
	Version  uint64 `json:",omitempty"`
	Purpose  string `json:",omitempty"`
	AAD      string `json:",omitempty"`
	Plain    string
	Sealed   string
}

func TestVectors(t *testing.T) {
	if *updateVectors {
		writeVectors(t)
	}
	raw, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	ring, err := decodeRoot([]byte(v.Root))
	if err != nil {
		t.Fatal(err)
	}
	recs := newRecords()
	s := testSealer(t, &Root{ring: ring}, recs, func(c *Config) { c.Tenant = v.Tenant })
	for _, d := range v.Derived {
		got := s.Token(d.Token[0], d.Token[1], d.Token[2], d.Token[3])
		if hex.EncodeToString(got[:]) != d.Result {
			t.Errorf("token of %q is %x, want %s", d.Token, got, d.Result)
		}
	}
	for _, k := range v.Keys {
		h := s.HandleFor(k.Patients)
		if hex.EncodeToString(h[:]) != k.Handle {
			t.Errorf("handle of %q is %x, want %s", k.Patients, h, k.Handle)
		}
		recs.m[h] = unhex(t, k.Record)
	}
	for _, x := range v.Sealed {
		k, err := s.Key(s.HandleFor(x.Patients))
		if err != nil {
			t.Errorf("key of %q: %v", x.Patients, err)
			continue
		}
		var plain []byte
		if x.Purpose != "" {
			plain, err = k.Open(nil, x.Purpose, []byte(x.AAD), unhex(t, x.Sealed))
		} else {
			plain, err = k.OpenVersion(nil, x.Type, x.ID, x.Version, unhex(t, x.Sealed))
		}
		if err != nil || string(plain) != x.Plain {
			t.Errorf("%s%s under the key of %q opens as %q, %v", x.Type, x.Purpose, x.Patients, plain, err)
		}
	}
	checkSecretVector(t, ring, &v)
}

func checkSecretVector(t *testing.T, ring *keyring, v *vectors) {
	t.Helper()
	dir := t.TempDir()
	vault, err := openVault(ring, dir, osDisk{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "private-validator_2e1"+vaultSuffix)
	if err := os.WriteFile(file, unhex(t, v.Secret.Sealed), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := vault.Get(v.Secret.Name); err != nil || string(got) != v.Secret.Plain {
		t.Errorf("the vault's secret opens as %q, %v", got, err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeVectors(t *testing.T) {
	t.Helper()
	ring, recs := testRing(1), newRecords()
	v := vectors{Tenant: "clinic"}
	v.Secret.Name, v.Secret.Plain = "private-validator.1", "a signing key"
	var sealed [][]sealedVector
	// Half is sealed with one epoch, half after a second one was added.
	for len(ring.epochs) < 3 {
		s := testSealer(t, &Root{ring: ring}, recs)
		sealed = append(sealed, sealVectors(t, s, recs))
		v.Root = string(encodeRoot(ring))
		aeads, err := ring.aeads(labelVault)
		if err != nil {
			t.Fatal(err)
		}
		v.Secret.Sealed = hex.EncodeToString(aeads.seal(labelSealedSecret, appendLP(nil, v.Secret.Name), []byte(v.Secret.Plain)))
		ring.epochs = testRing(uint16(len(ring.epochs) + 1)).epochs //nolint:gosec // small
	}
	v.Sealed = append(sealed[0], sealed[1]...)
	ring = testRing(2)
	s := testSealer(t, &Root{ring: ring}, recs)
	for _, token := range [][]string{{"Observation", "code", "token", "http://loinc.org|29463-7"}, {"", "", "", ""}} {
		got := s.Token(token[0], token[1], token[2], token[3])
		v.Derived = append(v.Derived, derivedVector{token, hex.EncodeToString(got[:])})
	}
	stored := recs.copy()
	for _, ids := range vectorPatients() {
		h := s.HandleFor(ids)
		v.Keys = append(v.Keys, keyVector{ids, hex.EncodeToString(h[:]), hex.EncodeToString(stored[h])})
	}
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorFile, append(raw, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

func vectorPatients() [][]string { return [][]string{nil, {"p1"}, {"p2"}, {"p1", "p2"}} }

func sealVectors(t *testing.T, s *Sealer, recs *records) (out []sealedVector) {
	t.Helper()
	for _, ids := range vectorPatients() {
		k := ensureStored(t, s, recs, ids...)
		for _, plain := range []string{"", "x", string(bytes.TrimSpace(body(t)))} {
			version, err := k.SealVersion(nil, "Observation", "o-1", 7, []byte(plain))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, sealedVector{
				Patients: ids, Type: "Observation", ID: "o-1", Version: 7, Plain: plain, Sealed: hex.EncodeToString(version),
			})
		}
		record, err := k.Seal(nil, "row", []byte("place"), []byte("a row"))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, sealedVector{
			Patients: ids, Purpose: "row", AAD: "place", Plain: "a row", Sealed: hex.EncodeToString(record),
		})
	}
	return out
}
