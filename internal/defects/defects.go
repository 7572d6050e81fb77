package defects

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// Header names the defect of one request, and goes before what is selected for all: runs with different defects can
// share a server without disturbing each other.
const Header = "Chartseal-Defect"

// Path is where PUT ?name=… selects the defect of all requests; an empty name selects none. It lies outside the FHIR
// base.
const Path = "/-/defect"

// Defect is one bug.
type Defect struct {
	Name    string
	Area    string // of the suite: where a test for it belongs, as area or area/script
	Wrong   string // what the server does
	Section string // of the specification, which says otherwise

	wrap func(next http.Handler) http.Handler
}

// All lists the defects, grouped by area. Those that take a test long to see come first, so that nobody waits for them
// in the end.
func All() []Defect {
	return slices.Concat(
		longAndRaw(), statements(), reading(), creating(), updating(), deleting(), conditional(), patching(), histories(), searching(), bundles(), parts(), protocol(), refusals(),
		headers(), operations(),
	)
}

// Find is the defect of that name.
func Find(name string) (Defect, bool) {
	all := All()
	i := slices.IndexFunc(all, func(d Defect) bool { return d.Name == name })
	if i < 0 {
		return Defect{}, false
	}
	return all[i], true
}

// server answers as next does, but for the defect.
type server struct {
	next   http.Handler
	broken map[string]http.Handler // by name; each has its own state

	mu       sync.Mutex
	selected string // guarded by mu
}

// Handler wraps a server. It begins with the named defect; with none if the name is empty.
func Handler(next http.Handler, name string) (http.Handler, error) {
	s := &server{next: next, broken: map[string]http.Handler{}}
	for _, d := range All() {
		s.broken[d.Name] = d.wrap(next)
	}
	if !s.choose(name) {
		return nil, fmt.Errorf("there is no defect %q", name)
	}
	return s, nil
}

func (s *server) choose(name string) bool {
	if name != "" && s.broken[name] == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.selected = name
	return true
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == Path {
		s.control(w, r)
		return
	}
	s.mu.Lock()
	name := s.selected
	s.mu.Unlock()
	if own := r.Header.Get(Header); own != "" {
		name = own
		r.Header.Del(Header)
	}
	if name == "" {
		s.next.ServeHTTP(w, r)
		return
	}
	h := s.broken[name]
	if h == nil {
		http.Error(w, "there is no such defect", http.StatusNotImplemented)
		return
	}
	h.ServeHTTP(w, r)
}

func (s *server) control(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPut:
		w.Header().Set("Allow", http.MethodPut)
		http.Error(w, "PUT ?name=… selects a defect", http.StatusMethodNotAllowed)
	case !s.choose(r.URL.Query().Get("name")):
		http.Error(w, "there is no such defect", http.StatusNotFound)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
