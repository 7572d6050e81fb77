package private

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/chartseal/chartseal/abci/tx"
)

// ErrGenesis is wrapped when the genesis application state is not valid.
var ErrGenesis = errors.New("invalid genesis")

// maxOrganisation bounds the organisation's name, in bytes.
const maxOrganisation = 128

// Genesis is the application state in the chain's genesis document, as JSON.
type Genesis struct {
	Organisation string            `json:"organisation"`
	AdminKey     ed25519.PublicKey `json:"admin_key"` // admits and closes writers; base64 of 32 bytes
	Params       Params            `json:"params"`
}

// Params are fixed at genesis and part of every application hash.
type Params struct {
	MaxBatchLeaves uint64 `json:"max_batch_leaves"`
	MaxWriters     uint64 `json:"max_writers"` // closed ones included: a closed writer stays
}

// DefaultParams are those of a new chain.
func DefaultParams() Params { return Params{MaxBatchLeaves: 1 << 20, MaxWriters: 1024} }

// genesisRecord is what the chain keeps of its genesis.
type genesisRecord struct {
	ChainID       string  `json:"chain_id"`
	InitialHeight int64   `json:"initial_height"`
	Genesis       Genesis `json:"genesis"`
}

// decodeStrict reads one JSON value without unknown members and with nothing after it.
func decodeStrict(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// ParseGenesis decodes and checks genesis application state. Errors wrap ErrGenesis.
func ParseGenesis(raw []byte) (*Genesis, error) {
	g := new(Genesis)
	if err := decodeStrict(raw, g); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGenesis, err)
	}
	switch {
	case g.Organisation == "" || len(g.Organisation) > maxOrganisation:
		return nil, fmt.Errorf("%w: organisation", ErrGenesis)
	case len(g.AdminKey) != ed25519.PublicKeySize:
		return nil, fmt.Errorf("%w: admin_key", ErrGenesis)
	case g.Params.MaxBatchLeaves == 0 || g.Params.MaxWriters == 0:
		return nil, fmt.Errorf("%w: params", ErrGenesis)
	}
	return g, nil
}

// paramsHash binds chain, organisation, admin key and parameters into every application hash.
func (g *genesisRecord) paramsHash() []byte {
	return tx.ParamsHash(
		[]byte(g.ChainID), []byte(g.Genesis.Organisation), g.Genesis.AdminKey,
		binary.BigEndian.AppendUint64(nil, g.Genesis.Params.MaxBatchLeaves),
		binary.BigEndian.AppendUint64(nil, g.Genesis.Params.MaxWriters),
	)
}
