package smart

import (
	"fmt"
	"strings"

	"github.com/chartseal/chartseal/fhir"
)

// Permission is one letter of a v2 scope's suffix (SMART App Launch 2.2.0, "Scopes for requesting FHIR
// Resources").
type Permission uint8

// The permissions, in the order in which a scope must write them.
const (
	Create Permission = 1 << iota
	Read              // read, vread, instance history
	Update            // update, patch, update-as-create
	Delete
	Search // search, type and system history, conditional criteria
)

const letters = "cruds"

// Scope is one granted scope, such as user/Observation.rs.
type Scope struct {
	Level string // patient, user or system
	Type  string // a resource type or *
	Perms Permission
}

// Scopes are what a token grants. The zero value grants nothing.
type Scopes []Scope

// ParseScopes reads the scope parameter of a token: space-separated. Scopes that are not for FHIR resources
// (openid, launch, offline_access …) are left out; one that looks like a resource scope and is not is an error.
func ParseScopes(s string) (Scopes, error) {
	var out Scopes
	for f := range strings.FieldsSeq(s) {
		level, rest, ok := strings.Cut(f, "/")
		if !ok || (level != "patient" && level != "user" && level != "system") {
			continue
		}
		sc, err := parseScope(level, rest)
		if err != nil {
			return nil, fmt.Errorf("scope %q: %w", f, err)
		}
		out = append(out, sc)
	}
	return out, nil
}

func parseScope(level, rest string) (Scope, error) {
	typ, suffix, ok := strings.Cut(rest, ".")
	if !ok || (typ != "*" && !fhir.Storable(typ)) {
		return Scope{}, fmt.Errorf("want %s/Type.cruds with a FHIR resource type or *", level)
	}
	if strings.Contains(suffix, "?") {
		return Scope{}, fmt.Errorf("search constraints are not supported yet")
	}
	perms, err := parsePermissions(suffix)
	return Scope{Level: level, Type: typ, Perms: perms}, err
}

// parsePermissions reads a v2 suffix, or a v1 one (.read is rs, .write is cud, .* is all).
func parsePermissions(s string) (Permission, error) {
	switch s {
	case "read":
		return Read | Search, nil
	case "write":
		return Create | Update | Delete, nil
	case "*":
		return Create | Read | Update | Delete | Search, nil
	}
	var p Permission
	last := -1
	for _, c := range s {
		i := strings.IndexRune(letters, c)
		if i <= last {
			return 0, fmt.Errorf("the suffix must be some of the letters cruds, in that order")
		}
		last = i
		p |= 1 << i
	}
	if p == 0 {
		return 0, fmt.Errorf("the suffix is empty")
	}
	return p, nil
}

// Allows reports whether any scope grants all of perms on the type.
func (s Scopes) Allows(typ string, perms Permission) bool {
	for i := range s {
		if (s[i].Type == "*" || s[i].Type == typ) && s[i].Perms&perms == perms {
			return true
		}
	}
	return false
}

// HasLevel reports whether any scope is of that level.
func (s Scopes) HasLevel(level string) bool {
	for i := range s {
		if s[i].Level == level {
			return true
		}
	}
	return false
}
