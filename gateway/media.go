package gateway

import (
	"mime"
	"strings"
)

// The content types of answers. FHIR JSON is UTF-8 always (R4 json.html#mime).
const (
	mimeFHIR = "application/fhir+json; charset=utf-8"
	mimeJSON = "application/json; charset=utf-8"
	mimeText = "text/json; charset=utf-8"
)

// fhirVersion is the only value of the MIME type parameter fhirVersion that is served (R4 http.html#version-parameter).
const fhirVersion = "4.0"

// jsonType tells how a media type of FHIR JSON is answered (R4 http.html#mime-type); application/json+fhir is what it
// was called before STU3, and still sent.
func jsonType(media string) (contentType string, ok bool) {
	switch media {
	case "application/fhir+json", "application/json+fhir":
		return mimeFHIR, true
	case "application/json":
		return mimeJSON, true
	case "text/json":
		return mimeText, true
	}
	return "", false
}

// parametersFit tells whether the parameters of a media type let this server's JSON in.
func parametersFit(params map[string]string) bool {
	if v, given := params["fhirversion"]; given && v != fhirVersion {
		return false
	}
	cs, given := params["charset"]
	return !given || strings.EqualFold(cs, "utf-8") || strings.EqualFold(cs, "utf8")
}

// withVersion repeats fhirVersion to a client that named it.
func withVersion(contentType string, params map[string]string) string {
	if params["fhirversion"] == "" {
		return contentType
	}
	media, charset, _ := strings.Cut(contentType, ";")
	return media + "; fhirVersion=" + fhirVersion + ";" + charset
}

// checkMedia accepts a body of FHIR JSON by its Content-Type; none at all is taken as JSON.
func checkMedia(contentType string) error {
	switch contentType {
	case "", "application/fhir+json", "application/json":
		return nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if _, ok := jsonType(media); err != nil || !ok || !parametersFit(params) {
		return unsupportedMedia("application/fhir+json", "send application/fhir+json, in UTF-8 and of fhirVersion "+fhirVersion)
	}
	return nil
}

// mediaRange is one element of an Accept header.
type mediaRange struct {
	media   string // type/subtype, in lower case; application/* and */* too
	params  map[string]string
	quality int
}

// parseRange reads an element; ok is false for what is no media range.
func parseRange(element string) (r mediaRange, ok bool) {
	if !strings.Contains(element, ";") {
		media := strings.ToLower(element)
		return mediaRange{media: media, quality: fullQuality}, strings.Contains(media, "/")
	}
	media, params, err := mime.ParseMediaType(element)
	if err != nil || !strings.Contains(media, "/") {
		return r, false
	}
	r = mediaRange{media: media, params: params, quality: fullQuality}
	if q, given := params["q"]; given {
		r.quality = quality(q)
	}
	return r, true
}

// acceptJSON chooses the content type of a FHIR answer by the Accept header (RFC 9110 section 12.5.1): the JSON type
// of the highest quality, FHIR's own first among equals. exact tells that a JSON type was named, not only covered by
// a wildcard; ok is false if nothing that can be had is acceptable. A header without any media range says nothing.
func acceptJSON(lines []string) (contentType string, exact, ok bool) {
	if len(lines) == 0 {
		return mimeFHIR, false, true
	}
	if len(lines) == 1 {
		switch lines[0] {
		case "application/fhir+json":
			return mimeFHIR, true, true
		case "application/json":
			return mimeJSON, true, true
		case "*/*", "":
			return mimeFHIR, false, true
		}
	}
	best := accepted{}
	said := false
	for _, line := range lines {
		for element := range elements(line, ',') {
			r, isRange := parseRange(element)
			if isRange {
				said = true
				best.offer(&r)
			}
		}
	}
	if !said {
		return mimeFHIR, false, true
	}
	return best.contentType, best.exact, best.contentType != "" && best.quality > 0
}

// accepted is the best choice so far.
type accepted struct {
	contentType string
	quality     int
	exact       bool
}

// offer considers a range. A type that is named beats a wildcard of any quality but for q=0, which refuses.
func (a *accepted) offer(r *mediaRange) {
	contentType, named := jsonType(r.media)
	switch {
	case named:
		if !parametersFit(r.params) || r.quality == 0 {
			return
		}
		contentType = withVersion(contentType, r.params)
	case r.media == "*/*" || r.media == "application/*":
		contentType = mimeFHIR
	case r.media == "text/*":
		contentType = mimeText
	default:
		return
	}
	switch {
	case r.quality == 0 || (a.exact && !named):
		return
	case named && !a.exact, r.quality > a.quality:
	case r.quality == a.quality && strings.HasPrefix(contentType, "application/fhir+json") && !strings.HasPrefix(a.contentType, "application/fhir+json"):
	default:
		return
	}
	*a = accepted{contentType, r.quality, named}
}

// formatType reads _format (R4 http.html#parameters): json or a media type, in which a plus sign may have become a
// space on its way through a form decoder.
func formatType(format string) (contentType string, ok bool) {
	format = strings.TrimSpace(format)
	if format == "json" {
		return mimeFHIR, true
	}
	media, params, err := mime.ParseMediaType(strings.Replace(format, "fhir json", "fhir+json", 1))
	if err != nil || !parametersFit(params) {
		return "", false
	}
	contentType, ok = jsonType(media)
	return withVersion(contentType, params), ok
}
