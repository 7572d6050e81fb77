package seal

import (
	"fmt"
	"io"
	"log/slog"
)

// mask is what secrets print as, whatever the verb or the encoder.
const mask = "[sealed]"

// redacted is embedded by every type that holds key material. Its methods are promoted, so that neither the value nor
// a pointer to it can be printed, logged or encoded.
type redacted struct{}

func (redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

func (redacted) String() string { return mask }

func (redacted) GoString() string { return mask }

func (redacted) LogValue() slog.Value { return slog.StringValue(mask) }

func (redacted) MarshalText() ([]byte, error) { return []byte(mask), nil }
