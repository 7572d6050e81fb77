package leakscan

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	maxFile  = 1 << 30 // a larger file is reported as unread
	maxDepth = 6       // containers within containers
)

// Config is what a Scanner needs.
type Config struct {
	Needles []Needle
	// Dictionaries are those of zstd frames, in the format of zstd. May be empty.
	Dictionaries [][]byte
	// Alike bounds how often one needle in one form is listed; 0 means 5.
	Alike int
	// MaxUnpacked bounds in bytes what is taken out of one compressed stream; more is reported as unread. 0 means 64 MiB.
	MaxUnpacked int
}

// Scanner holds the needles in every form. It may be used by several goroutines.
type Scanner struct {
	needles       []Needle
	exact, folded *index
	dictionaries  [][]byte
	alike         int
	maxUnpacked   int
}

// New prepares the search. A needle that chance would find, or an empty one, is an error (ErrNeedle).
func New(cfg Config) (*Scanner, error) {
	f := forms{seen: make(map[string]bool)}
	for i := range cfg.Needles {
		n := &cfg.Needles[i]
		if err := n.check(); err != nil {
			return nil, err
		}
		f.add(i, n)
	}
	return &Scanner{
		needles: cfg.Needles, exact: newIndex(f.exact), folded: newIndex(f.folded), dictionaries: cfg.Dictionaries,
		alike: cmp.Or(cfg.Alike, 5), maxUnpacked: cmp.Or(cfg.MaxUnpacked, 64<<20),
	}, nil
}

// Patterns is the number of byte strings that are searched.
func (s *Scanner) Patterns() int { return len(s.exact.patterns) + len(s.folded.patterns) }

// Blob searches bytes that are at hand, such as a captured log.
func (s *Scanner) Blob(name string, b []byte) *Report {
	r := s.newRun()
	defer r.close()
	r.report.Files++
	r.top(&place{name: name, number: -1}, b)
	return &r.report
}

// Tree searches every regular file below a directory, and every Pebble database there as a whole. Nobody may write to
// it meanwhile. The error says that the tree could not be walked; files that could not be read are in Report.Unread.
func (s *Scanner) Tree(dir string) (*Report, error) {
	r := s.newRun()
	defer r.close()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		r.entry(path, filepath.ToSlash(name), entry)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("walk: %w", err)
	}
	return &r.report, nil
}

// entry searches one file or opens one database. Names are data as well.
func (r *run) entry(path, name string, entry fs.DirEntry) {
	p := &place{name: name, number: -1}
	r.blob(&place{name: "name of " + name, number: -1, depth: maxDepth}, []byte(name))
	switch mode := entry.Type(); {
	case mode.IsDir():
		if isPebble(path) {
			r.database(p, path)
		}
	case mode&fs.ModeSocket != 0: // holds no bytes
	case !mode.IsRegular():
		r.unread(p, errors.New("neither file, directory nor socket"))
	case strings.HasSuffix(name, ".blob"):
		r.unread(p, errors.New("a Pebble blob file, whose format is not read"))
	default:
		r.file(p, path)
	}
}

func (r *run) file(p *place, path string) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxFile {
		err = errors.New("too large")
	}
	if err != nil {
		r.unread(p, err)
		return
	}
	b, err := os.ReadFile(path) //nolint:gosec // the caller names the directory
	if err != nil {
		r.unread(p, err)
		return
	}
	r.report.Files++
	r.top(p, b)
}

// run is one scan.
type run struct {
	s      *Scanner
	report Report
	alike  map[*pattern]int
	fold   []byte // data in lower case, reused
	zstd   *zstd.Decoder
	spent  int64 // bytes unpacked from one file
}

func (s *Scanner) newRun() *run { return &run{s: s, alike: make(map[*pattern]int)} }

func (r *run) close() {
	if r.zstd != nil {
		r.zstd.Close()
	}
}

func (r *run) top(p *place, b []byte) {
	r.spent = 0
	r.blob(p, b)
	r.formats(p, b)
}

// blob searches bytes, and what is packed in them.
func (r *run) blob(p *place, b []byte) {
	r.report.Bytes += int64(len(b))
	hit := func(at int, pt *pattern) { r.hit(p, at, pt) }
	r.s.exact.search(b, hit)
	r.fold = lower(r.fold[:0], b)
	r.s.folded.search(r.fold, hit)
	if p.depth < maxDepth {
		r.unpack(p, b)
	}
}

// formats reads the containers that a blob as a whole can be.
func (r *run) formats(p *place, b []byte) {
	if p.depth >= maxDepth {
		return
	}
	switch {
	case tableReader(b) != nil:
		r.table(p, b)
	case isChunked(b):
		r.chunked(p, b)
	case isConsensusLog(b):
		r.consensusLog(p, b)
	}
}

func (r *run) hit(p *place, at int, pt *pattern) {
	if r.alike[pt]++; r.alike[pt] > r.s.alike {
		r.report.More++
		return
	}
	r.report.Findings = append(r.report.Findings, Finding{Where: p.String(), Offset: at, Needle: r.s.needles[pt.needle].Name, Form: pt.form})
}

func (r *run) unread(p *place, err error) {
	r.report.Unread = append(r.report.Unread, fmt.Sprintf("%s: %v", p, err))
}

func (r *run) note(p *place, err error) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf("%s: %v", p, err))
}
