package gateway

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
)

// However a request ends, the large body that it brought counts no more: else a few of them would stop all others.
func TestWeightIsGivenBack(t *testing.T) {
	s := fuzzed(t)
	for name, end := range map[string]func(){
		"answer": func() {}, "panic": func() { panic("x") }, "dropped connection": func() { panic(http.ErrAbortHandler) },
	} {
		h := s.observe(func(c echo.Context) error {
			if err := s.weigh(c.Request().Context(), exchangeOf(c), heavyBytes); err != nil {
				t.Error(err)
			}
			end()
			return nil
		})
		func() {
			defer func() { _ = recover() }() // as net/http does
			_ = h(s.echo.NewContext(httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()))
		}()
		if !s.heavy.TryAcquire(heavyBytes) {
			t.Fatalf("%s: the weight is kept", name)
		}
		s.heavy.Release(heavyBytes)
	}
}
