package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// body reads a FHIR JSON body within the limits.
func (s *Server) body(c echo.Context) ([]byte, error) {
	if err := checkMedia(c.Request().Header.Get(echo.HeaderContentType)); err != nil {
		return nil, err
	}
	return s.rawBody(c)
}

var errTooLarge = &record.Error{Kind: record.TooLarge, Msg: "the request body is larger than this server accepts"}

// rawBody reads a body of any media type.
func (s *Server) rawBody(c echo.Context) ([]byte, error) {
	b, err := bodyUpTo(c, int64(s.cfg.Limits.MaxBytes))
	if err == nil && len(b) > lightBytes {
		err = s.weigh(c.Request().Context(), exchangeOf(c), len(b))
	}
	return b, err
}

// What is parsed takes up to some twenty times the size of its text, so that the texts that are worked on at once are
// bounded. Small ones alone do not count.
const (
	heavyBytes = 16 << 20
	lightBytes = 64 << 10
)

// weigh waits until a text of n bytes may be worked on. It counts until the exchange ends, once.
func (s *Server) weigh(ctx context.Context, x *exchange, n int) error {
	if x.weight > 0 || x.inner != nil { // an entry's text is part of its Bundle's, a job's counts as such
		return nil
	}
	weight := min(int64(n), heavyBytes)
	if err := s.heavy.Acquire(ctx, weight); err != nil {
		return &record.Error{Kind: record.Unavailable, Msg: "the server is busy; nothing was stored, try again"}
	}
	x.weight = weight
	return nil
}

// bodyUpTo reads a body. The limit holds for what is sent and for what it unpacks to.
func bodyUpTo(c echo.Context, limit int64) ([]byte, error) {
	r := c.Request()
	if given, ok := r.Body.(*bytesBody); ok { // of an entry or a job, and in memory
		if int64(len(given.b)) > limit {
			return nil, errTooLarge
		}
		return given.rest(), nil
	}
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	src, done, err := unpacked(r, http.MaxBytesReader(c.Response(), r.Body, limit), limit)
	if err != nil {
		return nil, err
	}
	defer done()
	b, err := io.ReadAll(src)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) || int64(len(b)) > limit:
		return nil, errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &refusal{status: http.StatusRequestTimeout, code: "timeout", text: "the request body took too long", header: [][2]string{{"Connection", "close"}}}
	case err != nil:
		return nil, badRequest("the request body could not be read")
	}
	return b, nil
}

var unzippers sync.Pool // of *gzip.Reader

// unpacked undoes the content coding of a body (RFC 9110 section 8.4). It gives at most one byte more than limit, so
// that a bomb costs no more memory than an honest body of the largest size.
func unpacked(r *http.Request, body io.Reader, limit int64) (src io.Reader, done func(), err error) {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header["Content-Encoding"], ",")))
	switch coding {
	case "", "identity":
		return body, func() {}, nil
	case "gzip", "x-gzip":
	default:
		return nil, nil, &refusal{
			status: http.StatusUnsupportedMediaType, code: "not-supported", text: "Content-Encoding: only gzip and identity are supported",
			header: [][2]string{{"Accept-Encoding", "gzip, identity"}},
		}
	}
	z, ok := unzippers.Get().(*gzip.Reader)
	if ok {
		err = z.Reset(body)
	} else {
		z, err = gzip.NewReader(body)
	}
	if err != nil {
		return nil, nil, badRequest("the request body is not gzip, as Content-Encoding says")
	}
	return io.LimitReader(z, limit+1), func() { unzippers.Put(z) }, nil
}

// bytesBody is the body of a request that this process makes to itself.
type bytesBody struct {
	b    []byte
	from int
}

func (b *bytesBody) Read(p []byte) (int, error) {
	n := copy(p, b.b[b.from:])
	b.from += n
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Close implements io.Closer.
func (b *bytesBody) Close() error { return nil }

func (b *bytesBody) rest() []byte { return b.b[b.from:] }
