package receipt

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chartseal/chartseal/abci/tx"
)

// TrustFormat names version 1 of the trust file format.
const TrustFormat = "chartseal-trust/1"

// ErrUntrusted is wrapped when a trust file is not signed by more than two thirds of its members.
var ErrUntrusted = errors.New("trust file is not signed by more than two thirds of the members")

// Trust is what a verifier must get out of band: who the members of a consortium are, and who its validators were at
// one height. Members' governance keys sign its canonical JSON under tx.TrustSigningBytes.
type Trust struct {
	Format         string       `json:"format"`
	ChainID        string       `json:"chain_id"` // of the consortium chain
	Checkpoint     Checkpoint   `json:"checkpoint"`
	TrustingPeriod int64        `json:"trusting_period"` // seconds after the checkpoint during which its validators answer for it
	Members        List[Member] `json:"members"`
}

// Checkpoint is a height of the consortium chain, or its genesis.
type Checkpoint struct {
	Height     int64           `json:"height"`      // 0: genesis
	HeaderHash Bytes           `json:"header_hash"` // 32 bytes; empty at genesis
	Time       string          `json:"time"`        // of the header or genesis; RFC 3339 in UTC
	Validators List[Validator] `json:"validators"`  // who sign the next height, in CometBFT's order
}

// Member is an organisation of the consortium.
type Member struct {
	Name              string          `json:"name"` // printable, without quotation mark and backslash
	Role              string          `json:"role"`
	GovernanceKey     Bytes           `json:"governance_key"`     // Ed25519
	PrivateChainID    string          `json:"private_chain_id"`   // of its private chain
	PrivateValidators List[Validator] `json:"private_validators"` // in CometBFT's order
}

// trustFile is the file: the trust and who signed it.
type trustFile struct {
	Trust      Trust                `json:"trust"`
	Signatures List[trustSignature] `json:"signatures"` // in the order of the members
}

type trustSignature struct {
	Member    string `json:"member"`
	Signature Bytes  `json:"signature"` // 64 bytes
}

// SignTrust makes a trust file. Each key signs for the member whose governance key it is; more than two thirds of the
// members must sign.
func SignTrust(t *Trust, keys ...ed25519.PrivateKey) ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	body, err := encodeJSON(t)
	if err != nil {
		return nil, err
	}
	file := trustFile{Trust: *t}
	for _, m := range t.Members {
		for _, k := range keys {
			// RFC 8032: the private key is the seed, then the public key.
			if len(k) != ed25519.PrivateKeySize || !bytes.Equal(k[ed25519.SeedSize:], m.GovernanceKey) {
				continue
			}
			file.Signatures = append(file.Signatures, trustSignature{m.Name, ed25519.Sign(k, tx.TrustSigningBytes(body))})
			break
		}
	}
	raw, err := encodeJSON(file)
	if err != nil {
		return nil, err
	}
	if _, err := DecodeTrust(raw); err != nil {
		return nil, err
	}
	return raw, nil
}

// DecodeTrust decodes a trust file and checks its signatures. Whether it is the right one only its fingerprint, known
// from elsewhere, can tell. Errors wrap ErrMalformed or ErrUntrusted.
func DecodeTrust(raw []byte) (*Trust, error) {
	var file trustFile
	if err := decodeJSON(raw, &file); err != nil {
		return nil, err
	}
	if err := file.Trust.check(); err != nil {
		return nil, err
	}
	body, err := encodeJSON(file.Trust)
	if err != nil {
		return nil, err
	}
	next := 0 // signatures follow the order of the members, so no member counts twice
	for _, s := range file.Signatures {
		for next < len(file.Trust.Members) && file.Trust.Members[next].Name != s.Member {
			next++
		}
		if next == len(file.Trust.Members) {
			return nil, fmt.Errorf("%w: signature of an unknown member, or out of order", ErrMalformed)
		}
		key := ed25519.PublicKey(file.Trust.Members[next].GovernanceKey)
		if !ed25519.Verify(key, tx.TrustSigningBytes(body), s.Signature) {
			return nil, fmt.Errorf("%w: signature of member %d is wrong", ErrUntrusted, next+1)
		}
		next++
	}
	if len(file.Signatures)*3 <= len(file.Trust.Members)*2 {
		return nil, ErrUntrusted
	}
	return &file.Trust, nil
}

// Fingerprint names the trust file's content, whoever signed it: SHA-256 over what the members sign, in hexadecimal.
func (t *Trust) Fingerprint() (string, error) {
	body, err := encodeJSON(t)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(tx.TrustSigningBytes(body))
	return hex.EncodeToString(sum[:]), nil
}

// CheckpointTime is the time of the checkpoint.
func (t *Trust) CheckpointTime() time.Time {
	at, _ := time.Parse(time.RFC3339Nano, t.Checkpoint.Time) // checked by check
	return at
}

// member returns the member of a private chain.
func (t *Trust) member(privateChain string) *Member {
	for i := range t.Members {
		if t.Members[i].PrivateChainID == privateChain {
			return &t.Members[i]
		}
	}
	return nil
}

func (t *Trust) check() error {
	genesis := t.Checkpoint.Height == 0
	at, err := time.Parse(time.RFC3339Nano, t.Checkpoint.Time)
	switch {
	case t.Format != TrustFormat:
		return fmt.Errorf("%w: trust file of an unknown format", ErrMalformed)
	case !isName(t.ChainID, tx.MaxChainID):
		return fmt.Errorf("%w: chain_id", ErrMalformed)
	case err != nil || at.UTC().Format(time.RFC3339Nano) != t.Checkpoint.Time:
		return fmt.Errorf("%w: checkpoint time", ErrMalformed)
	case t.Checkpoint.Height < 0 || genesis != (len(t.Checkpoint.HeaderHash) == 0) || !genesis && len(t.Checkpoint.HeaderHash) != tx.HashSize:
		return fmt.Errorf("%w: checkpoint", ErrMalformed)
	case t.TrustingPeriod <= 0 || t.TrustingPeriod > int64(100*365*24*time.Hour/time.Second):
		return fmt.Errorf("%w: trusting_period", ErrMalformed)
	case len(t.Members) == 0:
		return fmt.Errorf("%w: no members", ErrMalformed)
	}
	if err := checkSet(t.Checkpoint.Validators); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return t.checkMembers()
}

// checkMembers wants names, keys and chains to be given once: one key must not count as two members.
func (t *Trust) checkMembers() error {
	seen := make(map[string]bool)
	for i, m := range t.Members {
		if !isName(m.Name, 128) || !isName(m.Role, 128) || !isName(m.PrivateChainID, tx.MaxChainID) || len(m.GovernanceKey) != ed25519.PublicKeySize {
			return fmt.Errorf("%w: member %d", ErrMalformed, i+1)
		}
		for _, once := range []string{"name " + m.Name, "key " + string(m.GovernanceKey), "chain " + m.PrivateChainID} {
			if seen[once] {
				return fmt.Errorf("%w: member %d repeats a name, key or chain", ErrMalformed, i+1)
			}
			seen[once] = true
		}
		if err := checkSet(m.PrivateValidators); err != nil {
			return fmt.Errorf("member %d: %w", i+1, err)
		}
	}
	return nil
}

func checkSet(list List[Validator]) error {
	if err := validators(list).check(); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for i, v := range list {
		if seen[string(v.PublicKey)] {
			return fmt.Errorf("%w: validator %d repeats a key", ErrMalformed, i)
		}
		seen[string(v.PublicKey)] = true
	}
	return nil
}

// isName allows what JSON writes without any escape.
func isName(s string, most int) bool {
	if s == "" || len(s) > most || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) || r == '"' || r == '\\' {
			return false
		}
	}
	return true
}
