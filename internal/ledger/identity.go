package ledger

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/types"

	"github.com/chartseal/chartseal/abci/consortium"
	"github.com/chartseal/chartseal/abci/private"
)

// identity makes the chains of this installation its own: two installations never have equal chain ids, so nothing
// signed for one is valid in the other. It is written once, before anything else, and everything in the genesis files
// follows from it and the keys.
type identity struct {
	Format  int       `json:"format"`
	ID      string    `json:"id"` // 16 random bytes in hexadecimal
	Created time.Time `json:"created"`
}

const identityFormat = 1

// loadIdentity reads dir/identity.json, or makes it at the first start.
func loadIdentity(dir string) (*identity, error) {
	path := filepath.Join(dir, "identity.json")
	raw, err := os.ReadFile(path) //nolint:gosec // below the data directory
	if errors.Is(err, fs.ErrNotExist) {
		return newIdentity(path)
	}
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	id := new(identity)
	if err := json.Unmarshal(raw, id); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if seed, err := hex.DecodeString(id.ID); err != nil || len(seed) != 16 || id.Format != identityFormat {
		return nil, errors.New("identity: not of this format")
	}
	return id, nil
}

func newIdentity(path string) (*identity, error) {
	var seed [16]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	id := &identity{Format: identityFormat, ID: hex.EncodeToString(seed[:]), Created: time.Now().UTC().Truncate(time.Millisecond)}
	raw, err := json.Marshal(id)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return id, writeDurable(path, raw)
}

// writeDurable writes a file that is there in full after a crash, or not at all. Its directory must exist.
func writeDurable(path string, raw []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // below the data directory
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(raw)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the data directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// chainID derives the id of one of the two chains.
func (id *identity) chainID(kind string) string {
	sum := sha256.Sum256([]byte("chartseal/v1/chain-id/" + kind + "/" + id.ID))
	return "chartseal-" + kind + "-" + hex.EncodeToString(sum[:8])
}

// privateGenesis is the genesis of the private chain: one validator, the organisation's admin key.
func (id *identity) privateGenesis(cfg Config, k *keys, n *nodeKeys) (*types.GenesisDoc, error) {
	state, err := json.Marshal(private.Genesis{Organisation: cfg.Organisation, AdminKey: public(k.admin), Params: private.DefaultParams()})
	if err != nil {
		return nil, fmt.Errorf("private genesis: %w", err)
	}
	return id.genesis("private", n, state)
}

// consortiumGenesis is the genesis of a consortium of one member.
func (id *identity) consortiumGenesis(cfg Config, k *keys, own, privateKeys *nodeKeys) (*types.GenesisDoc, error) {
	state, err := json.Marshal(consortium.Genesis{Members: []consortium.GenesisMember{{
		Name: cfg.Organisation, Role: "provider", GovernanceKey: public(k.governance), GatewayKeys: [][]byte{public(k.writer)},
		PrivateChainID:    id.chainID("private"),
		PrivateValidators: []consortium.GenesisValidator{{PubKey: privateKeys.validator.Key.PubKey.Bytes(), Power: validatorPower}},
	}}})
	if err != nil {
		return nil, fmt.Errorf("consortium genesis: %w", err)
	}
	return id.genesis("consortium", own, state)
}

const validatorPower = 10

func (id *identity) genesis(kind string, n *nodeKeys, state []byte) (*types.GenesisDoc, error) {
	pub := n.validator.Key.PubKey
	doc := &types.GenesisDoc{
		ChainID: id.chainID(kind), GenesisTime: id.Created, InitialHeight: 1, ConsensusParams: types.DefaultConsensusParams(),
		Validators: []types.GenesisValidator{{Address: pub.Address(), PubKey: pub, Power: validatorPower}}, AppState: state,
	}
	if err := doc.ValidateAndComplete(); err != nil {
		return nil, fmt.Errorf("%s genesis: %w", kind, err)
	}
	return doc, nil
}

// storedGenesis returns the chain's genesis file, and writes it first if there is none. The file decides from then on:
// a chain outlives a change of the organisation's name or keys.
func storedGenesis(dir string, doc *types.GenesisDoc) (*types.GenesisDoc, error) {
	path := genesisFile(dir)
	if !exists(path) {
		raw, err := cmtjson.MarshalIndent(doc, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("genesis file: %w", err)
		}
		if err := writeDurable(path, raw); err != nil {
			return nil, err
		}
	}
	stored, err := types.GenesisDocFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("genesis file: %w", err)
	}
	return stored, nil
}
