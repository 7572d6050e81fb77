package consortium

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/chartseal/chartseal/abci/tx"
)

// Genesis is the application state in the chain's genesis file. Keys are in base64.
type Genesis struct {
	Members []GenesisMember `json:"members"`
	Params  GenesisParams   `json:"params"`
}

// GenesisMember registers an organisation.
type GenesisMember struct {
	Name              string             `json:"name"` // 1 to 100 bytes, unique
	Role              string             `json:"role"` // one of Roles
	GovernanceKey     []byte             `json:"governance_key"`
	GatewayKeys       [][]byte           `json:"gateway_keys"`
	PrivateChainID    string             `json:"private_chain_id"` // unique
	PrivateValidators []GenesisValidator `json:"private_validators"`
	Custodian         string             `json:"custodian,omitempty"` // who keeps its keys: a reference, not read here
}

// GenesisValidator is a validator of a private chain.
type GenesisValidator struct {
	PubKey []byte `json:"pub_key"` // Ed25519
	Power  int64  `json:"power"`   // at least 1
}

// GenesisParams are the parameters that members agree on.
type GenesisParams struct {
	MaxPrivateValidators uint32 `json:"max_private_validators"` // bounds the cost of an anchor; 0: 64
}

const (
	defaultMaxValidators = 64
	maxValidators        = 200
	maxName              = 100
)

// Roles are the kinds of members, in ascending order.
func Roles() []string {
	return []string{"laboratory", "patient-agent", "payer", "pharmacy", "provider", "regulator"}
}

// ParseGenesis decodes the application state of a genesis file strictly and checks it.
func ParseGenesis(raw []byte) (*Genesis, error) {
	g := new(Genesis)
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(g); err != nil {
		return nil, fmt.Errorf("genesis of the consortium: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("genesis of the consortium: more than one JSON value")
	}
	if g.Params.MaxPrivateValidators == 0 {
		g.Params.MaxPrivateValidators = defaultMaxValidators
	}
	if g.Params.MaxPrivateValidators > maxValidators {
		return nil, fmt.Errorf("genesis of the consortium: more than %d private validators", maxValidators)
	}
	seen := map[string]bool{}
	for i := range g.Members {
		if err := g.Members[i].check(seen, g.Params.MaxPrivateValidators); err != nil {
			return nil, fmt.Errorf("genesis of the consortium: member %d: %w", i, err)
		}
	}
	return g, nil
}

func (m *GenesisMember) check(seen map[string]bool, most uint32) error {
	once := func(kind, v string) error {
		if seen[kind+v] {
			return fmt.Errorf("%s used twice", kind)
		}
		seen[kind+v] = true
		return nil
	}
	switch {
	case !printable(m.Name, maxName):
		return errors.New("name empty, too long, or with a character that would have to be quoted")
	case !slices.Contains(Roles(), m.Role):
		return errors.New("unknown role")
	case !printable(m.PrivateChainID, tx.MaxChainID):
		return errors.New("private chain id empty, too long, or with a character that would have to be quoted")
	case len(m.PrivateValidators) == 0 || len(m.PrivateValidators) > int(most):
		return errors.New("number of private validators")
	}
	errs := []error{once("name", m.Name), once("chain id", m.PrivateChainID)}
	for _, k := range append([][]byte{m.GovernanceKey}, m.GatewayKeys...) {
		if len(k) != ed25519.PublicKeySize {
			return errors.New("key of the wrong length")
		}
		errs = append(errs, once("key", string(k)))
	}
	_, err := validatorSet(m.validators(), most)
	return errors.Join(append(errs, err)...)
}

// printable allows what stands in JSON without an escape, as in a trust file.
func printable(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsPrint(r) || r == '"' || r == '\\'
	})
}

func (m *GenesisMember) validators() []*PrivateValidator {
	out := make([]*PrivateValidator, len(m.PrivateValidators))
	for i, v := range m.PrivateValidators {
		out[i] = &PrivateValidator{PublicKey: v.PubKey, Power: v.Power}
	}
	return out
}

// InitChain makes the state of genesis. It is held in memory until the first Commit: after a crash before it,
// CometBFT calls InitChain again.
func (a *App) InitChain(_ context.Context, req *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	if a.Current().Height != 0 || a.treeVersion != 0 {
		return nil, errors.New("init chain: there is a state already")
	}
	if req.InitialHeight != 1 {
		return nil, errors.New("init chain: initial height must be 1")
	}
	g, err := ParseGenesis(req.AppStateBytes)
	if err != nil {
		return nil, fmt.Errorf("init chain: %w", err)
	}
	b := a.begin(req.ChainId, 0, req.Time)
	if err := b.layer.register(g); err != nil {
		return nil, fmt.Errorf("init chain: %w", err)
	}
	if err := a.seal(b); err != nil {
		return nil, fmt.Errorf("init chain: %w", err)
	}
	snap, err := a.save(b)
	if err != nil {
		return nil, fmt.Errorf("init chain: %w", err)
	}
	a.current.Store(snap)
	return &abci.ResponseInitChain{AppHash: snap.AppHash}, nil
}

// register writes members, their keys and chains.
func (l *layer) register(g *Genesis) error {
	errs := []error{l.put([]byte(keyParams), &Params{MaxPrivateValidators: g.Params.MaxPrivateValidators})}
	for _, m := range g.Members {
		errs = append(errs, l.put(MemberKey(m.Name), &Member{
			Name: m.Name, Role: m.Role, GovernanceKey: m.GovernanceKey, GatewayKeys: m.GatewayKeys,
			PrivateChainId: m.PrivateChainID, Custodian: m.Custodian,
		}))
		errs = append(errs, l.putKey(m.Name, m.GovernanceKey, KeyUse_KEY_USE_GOVERNANCE))
		for _, k := range m.GatewayKeys {
			errs = append(errs, l.putKey(m.Name, k, KeyUse_KEY_USE_GATEWAY))
		}
		set, err := validatorSet(m.validators(), g.Params.MaxPrivateValidators)
		if err != nil {
			return err
		}
		errs = append(errs, l.put(ChainKey(m.PrivateChainID), &Chain{
			Member: m.Name, Validators: validatorRecords(set), LogRoot: tx.EmptyRoot(),
		}))
	}
	return errors.Join(errs...)
}

func (l *layer) putKey(member string, pub ed25519.PublicKey, use KeyUse) error {
	return l.put(keyKey(tx.KeyID(pub)), &Key{Member: member, PublicKey: pub, Use: use})
}
