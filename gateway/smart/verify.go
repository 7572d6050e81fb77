package smart

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// ErrToken is every reason why an access token is refused. Its text is safe to show.
var ErrToken = errors.New("the access token is not valid")

// Access is a verified token.
type Access struct {
	Claims
	Scopes Scopes
}

// Verifier checks access tokens through go-oidc: discovery, JWKS with rotation, signature, issuer, audience and
// expiry. Verified tokens are remembered by hash until they expire, so that a warm check costs a hash.
type Verifier struct {
	issuer   string
	audience string
	client   *http.Client
	now      func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // made on first use: discovery needs the server to answer

	cache tokenCache
}

// NewVerifier verifies tokens of one issuer for one audience. The client reaches the issuer's documents.
func NewVerifier(issuer, audience string, client *http.Client, now func() time.Time) *Verifier {
	return &Verifier{issuer: issuer, audience: audience, client: client, now: now}
}

// Verify returns what the token grants; ErrToken wrapped if it grants nothing.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Access, error) {
	key := sha256.Sum256([]byte(raw))
	now := v.now()
	if a := v.cache.get(key, now); a != nil {
		return a, nil
	}
	if err := checkType(raw); err != nil {
		return nil, err
	}
	ver, err := v.provider(ctx)
	if err != nil {
		return nil, err
	}
	tok, err := ver.Verify(oidc.ClientContext(ctx, v.client), raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	a := &Access{}
	if err := tok.Claims(&a.Claims); err != nil {
		return nil, fmt.Errorf("%w: claims: %w", ErrToken, err)
	}
	if a.Scopes, err = ParseScopes(a.Scope); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	v.cache.put(key, a, now)
	return a, nil
}

func (v *Verifier) provider(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	// The provider outlives this request: its key set must not be tied to the request's context.
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), v.client), v.issuer)
	if err != nil {
		return nil, fmt.Errorf("discover the token issuer: %w", err)
	}
	v.verifier = p.Verifier(&oidc.Config{
		ClientID: v.audience, Now: v.now, SupportedSigningAlgs: []string{oidc.ES256},
	})
	return v.verifier, nil
}

// checkType refuses JWTs that are not access tokens, id_tokens above all (RFC 9068 section 4).
func checkType(raw string) error {
	head, _, ok := strings.Cut(raw, ".")
	if !ok {
		return fmt.Errorf("%w: not a JWT", ErrToken)
	}
	b, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return fmt.Errorf("%w: not a JWT", ErrToken)
	}
	var h struct {
		Type string `json:"typ"`
	}
	if err := json.Unmarshal(b, &h); err != nil || !strings.EqualFold(strings.TrimPrefix(h.Type, "application/"), tokenType) {
		return fmt.Errorf("%w: not an access token (typ at+jwt)", ErrToken)
	}
	return nil
}

// tokenCache remembers verified tokens. It is emptied when it is full: refilling costs one signature a token.
type tokenCache struct {
	mu sync.RWMutex
	m  map[[32]byte]*Access
}

const tokenCacheSize = 10_000

func (c *tokenCache) get(key [32]byte, now time.Time) *Access {
	c.mu.RLock()
	a := c.m[key]
	c.mu.RUnlock()
	if a == nil || now.Unix() >= a.Expiry {
		return nil
	}
	return a
}

func (c *tokenCache) put(key [32]byte, a *Access, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= tokenCacheSize {
		c.m = make(map[[32]byte]*Access)
	}
	if now.Unix() < a.Expiry {
		c.m[key] = a
	}
}
