package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// bundleWriter appends a Bundle around resources whose bytes stay as they are (R4 section 2.36 Bundle).
type bundleWriter struct {
	b       []byte
	entries int
}

func newBundle(kind string, total int) *bundleWriter {
	w := &bundleWriter{b: make([]byte, 0, 4096)}
	w.b = append(w.b, `{"resourceType":"Bundle","type":`...)
	w.str(kind)
	if total >= 0 {
		w.b = append(w.b, `,"total":`...)
		w.b = strconv.AppendInt(w.b, int64(total), 10)
	}
	return w
}

// perEntry is about what an entry takes beside its resource.
const perEntry = 256

// room makes room for all entries at once: a large Bundle that grows by itself is copied many times.
func (w *bundleWriter) room(entries, resources int) {
	w.b = slices.Grow(w.b, entries*perEntry+resources)
}

// roomFor makes room for versions.
func (w *bundleWriter) roomFor(lists ...[]*record.Result) {
	n, size := 0, 0
	for _, list := range lists {
		n += len(list)
		for _, r := range list {
			size += len(r.JSON)
		}
	}
	w.room(n, size)
}

func (w *bundleWriter) str(s string)          { w.b = append(w.b, marshal(s)...) }
func (w *bundleWriter) member(name, v string) { w.b = append(w.b, `"`+name+`":`...); w.str(v) }

// links writes Bundle.link; empty URLs are left out.
func (w *bundleWriter) links(self, next string) {
	w.b = append(w.b, `,"link":[`...)
	w.link("self", self)
	if next != "" {
		w.b = append(w.b, ',')
		w.link("next", next)
	}
	w.b = append(w.b, ']')
}

func (w *bundleWriter) link(relation, url string) {
	w.b = append(w.b, '{')
	w.member("relation", relation)
	w.b = append(w.b, ',')
	w.member("url", url)
	w.b = append(w.b, '}')
}

// open begins an entry; the parts that follow are separated by comma.
func (w *bundleWriter) open() {
	if w.entries == 0 {
		w.b = append(w.b, `,"entry":[{`...)
	} else {
		w.b = append(w.b, `,{`...)
	}
	w.entries++
}

func (w *bundleWriter) close() { w.b = append(w.b, '}') }

func (w *bundleWriter) fullURL(base string, r *record.Result) {
	w.member("fullUrl", base+"/"+r.Type+"/"+r.ID)
}

func (w *bundleWriter) resource(json []byte) {
	w.b = append(w.b, `"resource":`...)
	w.b = append(w.b, json...)
}

func (w *bundleWriter) comma() { w.b = append(w.b, ',') }

// searchMode writes entry.search (R4 section 3.1.1.6).
func (w *bundleWriter) searchMode(mode string) {
	w.b = append(w.b, `,"search":{"mode":"`+mode+`"}`...)
}

// request writes entry.request of a history.
func (w *bundleWriter) request(method, url string) {
	w.b = append(w.b, `"request":{`...)
	w.member("method", method)
	w.comma()
	w.member("url", url)
	w.b = append(w.b, '}')
}

// responseHead is what entry.response says beside an outcome; what is empty is left out.
type responseHead struct {
	status         int
	location, etag string
	lastModified   time.Time
}

// response writes entry.response; r may be nil, outcome empty. located adds where a write went.
func (w *bundleWriter) response(status int, r *record.Result, located bool, outcome []byte) {
	head := responseHead{status: status}
	if r != nil {
		head.etag, head.lastModified = etag(r.Version), r.LastUpdated
		if located {
			head.location = r.Type + "/" + r.ID + "/_history/" + strconv.FormatUint(r.Version, 10)
		}
	}
	w.responsePart(head, outcome)
}

// responsePart writes entry.response (R4 bundle.html, Bundle.entry.response).
func (w *bundleWriter) responsePart(head responseHead, outcome []byte) {
	w.b = append(w.b, `"response":{`...)
	w.member("status", strings.TrimSpace(strconv.Itoa(head.status)+" "+http.StatusText(head.status)))
	if head.location != "" {
		w.comma()
		w.member("location", head.location)
	}
	if head.etag != "" {
		w.comma()
		w.member("etag", head.etag)
	}
	if !head.lastModified.IsZero() {
		w.comma()
		w.member("lastModified", head.lastModified.UTC().Format(time.RFC3339Nano))
	}
	if outcome != nil {
		w.b = append(w.b, `,"outcome":`...)
		w.b = append(w.b, outcome...)
	}
	w.b = append(w.b, '}')
}

// outcomeEntry adds an entry that reports issues with a search.
func (w *bundleWriter) outcomeEntry(issues []fhir.Issue) {
	w.open()
	w.resource(outcomeJSON(issues))
	w.searchMode("outcome")
	w.close()
}

func (w *bundleWriter) finish() []byte {
	if w.entries > 0 {
		w.b = append(w.b, ']')
	}
	return append(w.b, '}')
}
