package smart

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

func TestParseScopes(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want Scopes
	}{
		{"openid launch/patient user/Observation.rs", Scopes{{"user", "Observation", Read | Search}}},
		{"system/*.cruds", Scopes{{"system", "*", Create | Read | Update | Delete | Search}}},
		{"patient/*.read user/Patient.write system/Group.*", Scopes{
			{"patient", "*", Read | Search}, {"user", "Patient", Create | Update | Delete}, {"system", "Group", Create | Read | Update | Delete | Search},
		}},
		{"", nil},
	} {
		got, err := ParseScopes(tc.in)
		if err != nil {
			t.Errorf("%q: %v", tc.in, err)
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%q: %s", tc.in, d)
		}
	}
	for _, bad := range []string{
		"user/Observation.", "user/Observation.sr", "user/Observation.rr", "user/Observation.x", "user/Nonsense.r", "user/Observation",
		"user/Observation.rs?category=x",
	} {
		if got, err := ParseScopes(bad); err == nil {
			t.Errorf("%q was accepted: %v", bad, got)
		}
	}
}

func TestAllows(t *testing.T) {
	s, err := ParseScopes("user/Observation.rs user/Patient.r")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		typ  string
		p    Permission
		want bool
	}{
		{"Observation", Read, true},
		{"Observation", Search, true},
		{"Observation", Create, false},
		{"Patient", Search, false},
		{"Patient", Read, true},
		{"Encounter", Read, false},
		{"Observation", Read | Create, false},
	} {
		if got := s.Allows(tc.typ, tc.p); got != tc.want {
			t.Errorf("%s %b: %v", tc.typ, tc.p, got)
		}
	}
}

// memorySecrets keeps keys for a test.
type memorySecrets struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (s *memorySecrets) GetOrCreate(name string, create func() ([]byte, error)) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.m[name]; ok {
		return b, nil
	}
	b, err := create()
	if s.m == nil {
		s.m = map[string][]byte{}
	}
	s.m[name] = b
	return b, err
}

// world is an issuer that can be reached over HTTP, its verifier, and a clock.
type world struct {
	issuer   *Issuer
	verifier *Verifier
	secrets  *memorySecrets
	now      time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{secrets: &memorySecrets{}, now: time.Now()}
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	issuer, err := NewIssuer(srv.URL, srv.URL+"/fhir", w.secrets)
	if err != nil {
		t.Fatal(err)
	}
	w.issuer = issuer
	mux.HandleFunc("/.well-known/openid-configuration", func(rw http.ResponseWriter, _ *http.Request) {
		b, err := issuer.Discovery()
		if err != nil {
			t.Error(err)
		}
		_, _ = rw.Write(b)
	})
	mux.HandleFunc(JWKSPath, func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(issuer.KeySet()) })
	w.verifier = NewVerifier(srv.URL, srv.URL+"/fhir", srv.Client(), func() time.Time { return w.now })
	return w
}

func (w *world) mint(t *testing.T) string {
	t.Helper()
	tok, err := w.issuer.Mint(context.Background(), Grant{Scope: "user/*.rs", User: "Practitioner/1", Client: "app", TTL: time.Hour}, w.now)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestMintAndVerify(t *testing.T) {
	w := newWorld(t)
	tok := w.mint(t)
	for range 2 { // cold, then from the cache
		a, err := w.verifier.Verify(context.Background(), tok)
		if err != nil {
			t.Fatal(err)
		}
		if a.FHIRUser != "Practitioner/1" || a.Client != "app" || !a.Scopes.Allows("Patient", Read) {
			t.Errorf("%+v", a)
		}
	}
	w.now = w.now.Add(2 * time.Hour)
	if _, err := w.verifier.Verify(context.Background(), tok); !errors.Is(err, ErrToken) {
		t.Errorf("an expired token that was cached: %v", err)
	}
}

// resign signs claims with some key and header type.
func (w *world) resign(t *testing.T, key any, alg jose.SignatureAlgorithm, kid, typ string, change func(map[string]any)) string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(w.mint(t), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	change(claims)
	if payload, err = json.Marshal(claims); err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	out, err := sig.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Tokens that are not ours, not for us, or not access tokens.
func TestVerifyRefuses(t *testing.T) {
	w := newWorld(t)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(w.issuer.KeySet(), &set); err != nil {
		t.Fatal(err)
	}
	kid := set.Keys[0].KeyID
	der := w.secrets.m["access-token-key"]
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	own := parsed.(*ecdsa.PrivateKey)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := own.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	keep := func(map[string]any) {}
	good := w.mint(t)
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + "."
	for name, tok := range map[string]string{
		"id_token":        w.resign(t, own, jose.ES256, kid, "JWT", keep),
		"foreign key":     w.resign(t, stranger, jose.ES256, kid, "at+jwt", keep),
		"unknown kid":     w.resign(t, stranger, jose.ES256, "other", "at+jwt", keep),
		"alg confusion":   w.resign(t, pub, jose.HS256, kid, "at+jwt", keep),
		"alg none":        none,
		"other audience":  w.resign(t, own, jose.ES256, kid, "at+jwt", func(c map[string]any) { c["aud"] = "https://other.example.org/fhir" }),
		"other issuer":    w.resign(t, own, jose.ES256, kid, "at+jwt", func(c map[string]any) { c["iss"] = "https://other.example.org" }),
		"expired":         w.resign(t, own, jose.ES256, kid, "at+jwt", func(c map[string]any) { c["exp"] = w.now.Add(-time.Minute).Unix() }),
		"malformed scope": w.resign(t, own, jose.ES256, kid, "at+jwt", func(c map[string]any) { c["scope"] = "user/Patient.sr" }),
		"changed payload": parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"scope":"system/*.cruds"}`)) + "." + parts[2],
		"cut signature":   strings.TrimSuffix(good, good[len(good)-4:]),
		"not a JWT":       "hello",
		"two parts":       parts[0] + "." + parts[1],
		"header not JSON": "aGVsbG8." + parts[1] + "." + parts[2],
	} {
		if _, err := w.verifier.Verify(context.Background(), tok); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.verifier.Verify(context.Background(), good); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func TestMintRefuses(t *testing.T) {
	w := newWorld(t)
	for _, g := range []Grant{
		{Scope: "", TTL: time.Hour},
		{Scope: "openid", TTL: time.Hour},
		{Scope: "patient/*.rs", TTL: time.Hour},
		{Scope: "user/*.rs"},
		{Scope: "user/*.rs", TTL: 48 * time.Hour},
		{Scope: "user/*.sr", TTL: time.Hour},
	} {
		if _, err := w.issuer.Mint(context.Background(), g, w.now); err == nil {
			t.Errorf("%+v was accepted", g)
		}
	}
}

func BenchmarkVerifyCached(b *testing.B) {
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	defer srv.Close()
	issuer, err := NewIssuer(srv.URL, srv.URL+"/fhir", &memorySecrets{})
	if err != nil {
		b.Fatal(err)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(rw http.ResponseWriter, _ *http.Request) {
		d, _ := issuer.Discovery()
		_, _ = rw.Write(d)
	})
	mux.HandleFunc(JWKSPath, func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(issuer.KeySet()) })
	v := NewVerifier(srv.URL, srv.URL+"/fhir", srv.Client(), time.Now)
	tok, err := issuer.Mint(context.Background(), Grant{Scope: "user/*.rs", Client: "app", TTL: time.Hour}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := v.Verify(context.Background(), tok); err != nil {
			b.Fatal(err)
		}
	}
}
