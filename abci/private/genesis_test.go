package private

import (
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"
)

func TestGenesis(t *testing.T) {
	good := string(testGenesis(t, DefaultParams()))
	if _, err := ParseGenesis([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"empty":         "",
		"unknown":       `{"organisation":"a","more":1}`,
		"trailing":      good + "{}",
		"no name":       `{"organisation":"","admin_key":"AAAA","params":{"max_batch_leaves":1,"max_writers":1}}`,
		"short key":     `{"organisation":"a","admin_key":"AAAA","params":{"max_batch_leaves":1,"max_writers":1}}`,
		"no parameters": `{"organisation":"a","admin_key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`,
	} {
		if _, err := ParseGenesis([]byte(raw)); !errors.Is(err, ErrGenesis) {
			t.Errorf("%s: got %v, want ErrGenesis", name, err)
		}
	}
}

// Everything in the genesis, and the chain id, is part of the first application hash.
func TestGenesisIsInTheHash(t *testing.T) {
	base := Genesis{Organisation: "a", AdminKey: public(adminKey), Params: DefaultParams()}
	seen := map[string]string{}
	for name, g := range map[string]genesisRecord{
		"base":         {ChainID: "c", Genesis: base},
		"chain":        {ChainID: "d", Genesis: base},
		"organisation": {ChainID: "c", Genesis: Genesis{"b", base.AdminKey, base.Params}},
		"key":          {ChainID: "c", Genesis: Genesis{"a", public(testKey(1)), base.Params}},
		"leaves":       {ChainID: "c", Genesis: Genesis{"a", base.AdminKey, Params{1, base.Params.MaxWriters}}},
		"writers":      {ChainID: "c", Genesis: Genesis{"a", base.AdminKey, Params{base.Params.MaxBatchLeaves, 1}}},
	} {
		h := string(g.paramsHash())
		if other, ok := seen[h]; ok {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[h] = name
	}
}

func TestInitialHeight(t *testing.T) {
	ctx := context.Background()
	fs := vfs.NewMem()
	app, err := New(Config{Dir: "state", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.FinalizeBlock(ctx, &abci.RequestFinalizeBlock{Height: 1}); !errors.Is(err, ErrGenesis) {
		t.Errorf("block before InitChain: %v", err)
	}
	if _, err := app.InitChain(ctx, &abci.RequestInitChain{ChainId: testChain, InitialHeight: 100, AppStateBytes: testGenesis(t, DefaultParams())}); err != nil {
		t.Fatal(err)
	}
	if _, err := app.FinalizeBlock(ctx, &abci.RequestFinalizeBlock{Height: 1}); err == nil {
		t.Error("took a height below the initial one")
	}
	n := &node{App: app, t: t, height: 99}
	n.block()
	n.admit(1)
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	if again := openNode(t, fs); again.height != 101 {
		t.Errorf("height %d after the restart", again.height)
	}
}
