package pebble

import (
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/chartseal/chartseal/internal/store"
	"github.com/chartseal/chartseal/internal/store/storetest"
)

func openOn(t testing.TB, fs vfs.FS, dir string) *Store {
	t.Helper()
	s, err := Open(Config{Dir: dir, FS: fs, Logger: slog.New(slog.DiscardHandler), CacheBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSuite(t *testing.T) {
	for name, newFS := range map[string]func(*testing.T) (vfs.FS, string){
		"memory": func(*testing.T) (vfs.FS, string) { return vfs.NewMem(), "store" },
		"disk":   func(t *testing.T) (vfs.FS, string) { return vfs.Default, t.TempDir() },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) (store.Store, func() store.Store) {
				fs, dir := newFS(t)
				s := openOn(t, fs, dir)
				t.Cleanup(func() {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
				return s, func() store.Store {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
					s = openOn(t, fs, dir)
					return s
				}
			})
		})
	}
}
