package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
)

// ErrSignerState is wrapped when a validator's key is there but not the record of what it signed last, or one of them
// cannot be read. Without that record the validator could sign two blocks of one height.
var ErrSignerState = errors.New("validator key and signing record do not belong together")

// Names of the keys in Config.Secrets. Each holds an Ed25519 seed of 32 bytes.
const (
	secretWriter     = "ledger/gateway-writer"
	secretAdmin      = "ledger/organisation-admin" //nolint:gosec // the name of a secret, not one
	secretGovernance = "ledger/governance"         //nolint:gosec // the name of a secret, not one
)

// keys are the signing keys of the organisation that are kept in Config.Secrets.
type keys struct {
	writer     ed25519.PrivateKey // of this gateway: batches, consents, anchors
	admin      ed25519.PrivateKey // of the organisation: admits and closes writers
	governance ed25519.PrivateKey // of the member: trust files, later proposals
}

func loadKeys(s Secrets) (*keys, error) {
	k := new(keys)
	for _, e := range []struct {
		name string
		to   *ed25519.PrivateKey
	}{{secretWriter, &k.writer}, {secretAdmin, &k.admin}, {secretGovernance, &k.governance}} {
		seed, err := s.GetOrCreate(e.name, newSeed)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", e.name, err)
		}
		if len(seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("key %s: %d bytes instead of %d", e.name, len(seed), ed25519.SeedSize)
		}
		*e.to = ed25519.NewKeyFromSeed(seed)
	}
	return k, nil
}

func newSeed() ([]byte, error) {
	seed := make([]byte, ed25519.SeedSize)
	_, err := rand.Read(seed)
	return seed, err
}

func public(k ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(k[ed25519.SeedSize:]) // RFC 8032: seed, then public key
}

// nodeKeys are the keys that a node keeps in its own files, mode 0600.
type nodeKeys struct {
	node      *p2p.NodeKey
	validator *privval.FilePV
}

// Paths below a chain's directory, CometBFT's own layout.
func nodeKeyFile(dir string) string { return filepath.Join(dir, "config", "node_key.json") }

func validatorKeyFile(dir string) string {
	return filepath.Join(dir, "config", "priv_validator_key.json")
}

func signedFile(dir string) string  { return filepath.Join(dir, "data", "priv_validator_state.json") }
func genesisFile(dir string) string { return filepath.Join(dir, "config", "genesis.json") }

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// loadNodeKeys reads a chain's keys, or makes them at the first start.
func loadNodeKeys(dir string) (*nodeKeys, error) {
	for _, d := range []string{"config", "data"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("chain directory: %w", err)
		}
	}
	n, err := loadNodeKey(nodeKeyFile(dir))
	if err != nil {
		return nil, fmt.Errorf("node key: %w", err)
	}
	v, err := loadValidator(dir)
	if err != nil {
		return nil, err
	}
	return &nodeKeys{node: n, validator: v}, nil
}

// loadNodeKey does what p2p.LoadOrGenNodeKey does, durably: a power cut must not leave an empty file behind.
func loadNodeKey(path string) (*p2p.NodeKey, error) {
	if exists(path) {
		return p2p.LoadNodeKey(path)
	}
	key := &p2p.NodeKey{PrivKey: cmted25519.GenPrivKey()}
	raw, err := cmtjson.Marshal(key)
	if err != nil {
		return nil, err
	}
	return key, writeDurable(path, raw)
}

// loadValidator does what privval.LoadOrGenFilePV does, without ending the process on an error, and in an order that
// survives a crash: record, key, genesis file. A key without a record, or a chain without a key, has lost something.
func loadValidator(dir string) (*privval.FilePV, error) {
	keyRaw, keyErr := os.ReadFile(validatorKeyFile(dir)) //nolint:gosec // below the data directory
	stateRaw, stateErr := os.ReadFile(signedFile(dir))   //nolint:gosec // below the data directory
	switch {
	case keyErr == nil && stateErr == nil:
		if err := cmtjson.Unmarshal(keyRaw, new(privval.FilePVKey)); err != nil {
			return nil, fmt.Errorf("%w: key: %w", ErrSignerState, err)
		}
		if err := cmtjson.Unmarshal(stateRaw, new(privval.FilePVLastSignState)); err != nil {
			return nil, fmt.Errorf("%w: record: %w", ErrSignerState, err)
		}
		return privval.LoadFilePV(validatorKeyFile(dir), signedFile(dir)), nil
	case errors.Is(keyErr, fs.ErrNotExist) && !exists(genesisFile(dir)): // a first start, or one that a crash cut short
		pv := privval.GenFilePV(validatorKeyFile(dir), signedFile(dir))
		pv.LastSignState.Save()
		pv.Key.Save()
		return pv, nil
	default:
		return nil, fmt.Errorf("%w: %w", ErrSignerState, errors.Join(keyErr, stateErr))
	}
}
