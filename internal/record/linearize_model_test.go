package record

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/anishathalye/porcupine"
)

// call is one operation on the one resource.
type call struct {
	verb    string // PUT, PUT? (conditional), PATCH, DELETE, GET or VREAD
	content string
	version uint64 // If-Match, 0 for none; of a VREAD the version asked for
}

// reply is its outcome.
type reply struct {
	kind    replyKind
	version uint64
	content string
	created bool
}

type replyKind string

const (
	done      replyKind = "done"
	unchanged replyKind = "unchanged" // a DELETE of nothing
	noSuch    replyKind = "absent"
	wasGone   replyKind = "gone"
	mismatch  replyKind = "precondition failed"
	refusal   replyKind = "refused" // without any effect
	unknown   replyKind = "unknown" // it may take effect, also later
	tookPlace replyKind = "unknown, yet it made a version"
)

// deletion stands for the content of a deleted version. The state of the model is the contents of all versions.
const deletion = "-"

func versionsOf(state string) []string {
	if state == "" {
		return nil
	}
	return strings.Split(state, " ")
}

// effect is what a call does to a state when nothing disturbs it: R4 semantics of one resource.
func effect(state string, c call) (after string, r reply) {
	all := versionsOf(state)
	n := uint64(len(all))
	there := n > 0 && all[n-1] != deletion
	add := func(content string) string { return strings.Join(append(slices.Clip(all), content), " ") }
	current := uint64(0)
	if there {
		current = n
	}
	switch {
	case c.verb == "GET" && there:
		return state, reply{kind: done, version: n, content: all[n-1]}
	case c.verb == "VREAD" && c.version > n:
		return state, reply{kind: noSuch}
	case c.verb == "VREAD" && all[c.version-1] == deletion:
		return state, reply{kind: wasGone}
	case c.verb == "VREAD":
		return state, reply{kind: done, version: c.version, content: all[c.version-1]}
	case (c.verb == "GET" || c.verb == "PATCH") && n == 0:
		return state, reply{kind: noSuch}
	case (c.verb == "GET" || c.verb == "PATCH") && !there:
		return state, reply{kind: wasGone}
	case c.version != 0 && c.version != current:
		return state, reply{kind: mismatch}
	case c.verb == "DELETE" && !there:
		return state, reply{kind: unchanged}
	case c.verb == "DELETE":
		return add(deletion), reply{kind: done, version: n + 1}
	}
	return add(c.content), reply{kind: done, version: n + 1, created: !there}
}

// register is the model: sequentially, effect; a call of unknown outcome may or may not have it.
func register() porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{""} },
		Step: func(state, input, output any) []any {
			s, c, got := state.(string), input.(call), output.(reply) //nolint:forcetypeassert // ours
			after, want := effect(s, c)
			switch {
			case got.kind == refusal:
				return []any{s}
			case got.kind == unknown && after != s:
				return []any{s, after}
			case got.kind == unknown:
				return []any{s}
			case got.kind == tookPlace && want.kind == done && want.version == got.version:
				return []any{after}
			case got == want:
				return []any{after}
			}
			return nil
		},
	}
	return model.ToModel()
}

// replyOf reads the answer of a service. Content is in multipleBirthInteger.
func replyOf(c call, res *Result, err error) reply {
	switch k := KindOf(err); {
	case err == nil && res == nil:
		return reply{kind: unchanged}
	case err == nil && c.verb == "DELETE":
		return reply{kind: done, version: res.Version}
	case err == nil && (c.verb == "GET" || c.verb == "VREAD"):
		return reply{kind: done, version: res.Version, content: contentOf(res.JSON)}
	case err == nil:
		return reply{kind: done, version: res.Version, created: res.Created}
	case errors.Is(err, errAbsent):
		return reply{kind: noSuch}
	case k == Gone:
		return reply{kind: wasGone}
	case k == Precondition:
		return reply{kind: mismatch}
	case strings.Contains(err.Error(), "not known"):
		return reply{kind: unknown}
	}
	return reply{kind: refusal}
}

func contentOf(json []byte) string {
	_, rest, _ := strings.Cut(string(json), `"multipleBirthInteger":`)
	return rest[:strings.IndexAny(rest+"}", ",}")]
}

func contentNumber(n int64) string { return strconv.FormatInt(n, 10) }
