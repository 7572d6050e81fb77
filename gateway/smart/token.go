package smart

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Secrets keeps the issuer's keys; internal/seal's Vault is one.
type Secrets interface {
	GetOrCreate(name string, create func() ([]byte, error)) ([]byte, error)
}

// Claims are the claims of an access token (RFC 9068, SMART App Launch 2.2.0).
type Claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expiry   int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	ID       string `json:"jti"`
	Client   string `json:"client_id"`
	Scope    string `json:"scope"`
	Patient  string `json:"patient,omitempty"`
	FHIRUser string `json:"fhirUser,omitempty"`
	Purpose  string `json:"purpose_of_use,omitempty"` // v3-ActReason codes, space-separated
}

// MaxTTL bounds the life of an operator's token.
const MaxTTL = 24 * time.Hour

// tokenType keeps id_tokens and other JWTs out (RFC 9068 section 2.1).
const tokenType = "at+jwt"

// Issuer signs access tokens with ES256.
type Issuer struct {
	url      string
	audience string
	signer   jose.Signer
	jwks     []byte
}

// NewIssuer makes the built-in issuer: url is the origin of the public base URL, audience the FHIR base.
func NewIssuer(url, audience string, secrets Secrets) (*Issuer, error) {
	der, err := secrets.GetOrCreate("access-token-key", newSigningKey)
	if err != nil {
		return nil, fmt.Errorf("access token key: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("access token key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("access token key: not an ECDSA key")
	}
	kid, err := keyID(key)
	if err != nil {
		return nil, fmt.Errorf("access token key: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: kid}},
		(&jose.SignerOptions{}).WithType(tokenType))
	if err != nil {
		return nil, fmt.Errorf("access token signer: %w", err)
	}
	jwks, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: key.Public(), KeyID: kid, Algorithm: string(jose.ES256), Use: "sig"},
	}})
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return &Issuer{url: url, audience: audience, signer: signer, jwks: jwks}, nil
}

func newSigningKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// keyID names a key by its public part.
func keyID(key *ecdsa.PrivateKey) (string, error) {
	pub, err := key.PublicKey.Bytes()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(pub)
	return base64.RawURLEncoding.EncodeToString(sum[:12]), nil
}

// URL is the issuer identifier.
func (i *Issuer) URL() string { return i.url }

// KeySet is the JWKS document.
func (i *Issuer) KeySet() []byte { return i.jwks }

// Grant says what a minted token is for.
type Grant struct {
	Scope   string        `json:"scope"`
	Patient string        `json:"patient"`
	User    string        `json:"user"`
	Client  string        `json:"client"`
	Purpose string        `json:"purpose"`
	TTL     time.Duration `json:"ttl"`
}

// Mint signs a token for an operator on the machine.
func (i *Issuer) Mint(_ context.Context, g Grant, now time.Time) (string, error) {
	scopes, err := ParseScopes(g.Scope)
	if err != nil {
		return "", err
	}
	if len(scopes) == 0 {
		return "", fmt.Errorf("no FHIR scope in %q: try system/*.cruds or user/*.rs", g.Scope)
	}
	if scopes.HasLevel("patient") && g.Patient == "" {
		return "", fmt.Errorf("a patient/ scope needs --patient")
	}
	if scopes.HasLevel("patient") && g.User == "" {
		g.User = "Patient/" + g.Patient // the patient's own app; a clinician's names its user
	}
	if g.TTL <= 0 || g.TTL > MaxTTL {
		return "", fmt.Errorf("the time to live must be positive and at most %s", MaxTTL)
	}
	c := Claims{
		Issuer: i.url, Audience: i.audience, Subject: g.Client, Client: g.Client, Scope: g.Scope,
		Patient: g.Patient, FHIRUser: g.User, Purpose: g.Purpose,
		IssuedAt: now.Unix(), Expiry: now.Add(g.TTL).Unix(), ID: rand.Text(),
	}
	if g.User != "" {
		c.Subject = g.User
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("claims: %w", err)
	}
	sig, err := i.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return sig.CompactSerialize()
}
