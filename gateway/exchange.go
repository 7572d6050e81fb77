package gateway

import (
	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// exchange is what the gateway knows of one request beside its HTTP message. It is filled in as the request proceeds.
type exchange struct {
	id     string // of the log line
	client string // OAuth client, for the log
	err    error  // cause of a failure of the server, for the log
	weight int64  // of a large body, among those that are worked on
	caller *record.Caller
	wish
	inner *answer        // of a part of a Bundle or of a job: takes the answer; nil for what came over the network
	entry bool           // an entry of a Bundle, which holds no further Bundle
	shown *record.Result // the version whose ETag the answer carries
}

const exchangeKey = "chartseal.exchange"

// exchangeOf gives the request's exchange; an empty one before observe made it.
func exchangeOf(c echo.Context) *exchange {
	if x, ok := c.Get(exchangeKey).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// caller is who asks, once authenticate has run.
func caller(c echo.Context) *record.Caller { return exchangeOf(c).caller }

// note keeps the cause of a server-side failure for the log; what a client did wrong is not the server's log's.
func (x *exchange) note(err error, status int) {
	if status >= 500 {
		x.err = err
	}
}
