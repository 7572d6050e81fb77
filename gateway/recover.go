package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"

	"github.com/labstack/echo/v4"
)

// panicError is a handler's panic on its way to the log. It holds no value of a request: of what was thrown only the
// type, unless the runtime wrote it, and the stack without arguments.
type panicError struct {
	what  string
	stack []string // function file:line, innermost first
}

func (e *panicError) Error() string { return "panic: " + e.what }

// recovered runs a handler and turns its panic into an error. Where the answer has begun the panic is noted for the
// log alone; the connection then closes on a short answer.
func recovered(h echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		if e, ok := thrown.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(thrown) // net/http's own way to drop a connection
		}
		p := &panicError{what: describe(thrown), stack: stack()}
		exchangeOf(c).note(p, http.StatusInternalServerError)
		err = p
	}()
	return h(c)
}

// describe: the runtime's errors name types and numbers of elements; anything else may quote what was being treated.
func describe(thrown any) string {
	if e, ok := thrown.(runtime.Error); ok {
		return e.Error()
	}
	return fmt.Sprintf("a value of type %T", thrown)
}

// stack lists the callers of the deferred function that recovers, without their arguments.
func stack() []string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var out []string
	for {
		f, more := frames.Next()
		if f.Function != "" {
			out = append(out, f.Function+" "+f.File+":"+strconv.Itoa(f.Line))
		}
		if !more {
			return out
		}
	}
}
