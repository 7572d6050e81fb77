package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// tokenAttacks forge access tokens (RFC 8725, RFC 9068 section 4). Each must end as if there were none.
func tokenAttacks(x *siege) []attack {
	parts := strings.Split(x.staff, ".")
	b64 := base64.RawURLEncoding
	seg := func(v any) string {
		b, _ := json.Marshal(v) // of strings and numbers
		return b64.EncodeToString(b)
	}
	head := func(alg string, more ...any) string {
		h := map[string]any{"alg": alg, "typ": "at+jwt"}
		for i := 0; i+1 < len(more); i += 2 {
			h[more[i].(string)] = more[i+1]
		}
		return seg(h)
	}
	claims, _ := b64.DecodeString(parts[1])
	var c map[string]any
	_ = json.Unmarshal(claims, &c) // our own
	with := func(name string, v any) string {
		m := map[string]any{}
		for k, have := range c {
			m[k] = have
		}
		m[name] = v
		return seg(m)
	}
	hs := head("HS256")
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(hs + "." + parts[1]))
	rows := []struct{ name, token string }{
		{"none", ""},
		{"a word", marker},
		{"dots alone", ".."},
		{"20,000 dots", strings.Repeat(".", 20_000)},
		{"two parts", parts[0] + "." + parts[1]},
		{"four parts", x.staff + ".x"},
		{"five parts, as if encrypted", x.staff + "..x"},
		{"alg none, no signature", head("none") + "." + parts[1] + "."},
		{"alg None", head("None") + "." + parts[1] + "."},
		{"alg NONE, with the signature", head("NONE") + "." + parts[1] + "." + parts[2]},
		{"no alg", seg(map[string]any{"typ": "at+jwt"}) + "." + parts[1] + "." + parts[2]},
		{"alg HS256", hs + "." + parts[1] + "." + b64.EncodeToString(mac.Sum(nil))},
		{"another typ", seg(map[string]any{"alg": "ES256", "typ": "JWT"}) + "." + parts[1] + "." + parts[2]},
		{"a key of its own", head("ES256", "jwk", map[string]any{"kty": "EC", "crv": "P-256", "x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)}) + "." + parts[1] + "." + parts[2]},
		{"a key from elsewhere", head("ES256", "jku", "http://"+x.s.addr+"/"+marker) + "." + parts[1] + "." + parts[2]},
		{"kid with a path", head("ES256", "kid", "../../"+marker) + "." + parts[1] + "." + parts[2]},
		{"kid of 20 kB", head("ES256", "kid", strings.Repeat(marker, 2_000)) + "." + parts[1] + "." + parts[2]},
		{"crit", head("ES256", "crit", []string{marker}) + "." + parts[1] + "." + parts[2]},
		{"other scopes, same signature", parts[0] + "." + with("scope", "system/*.cruds "+marker) + "." + parts[2]},
		{"10,000 scopes, same signature", parts[0] + "." + with("scope", strings.Repeat("a/b ", 10_000)) + "." + parts[2]},
		{"another issuer", parts[0] + "." + with("iss", "http://"+marker) + "." + parts[2]},
		{"a signature of zeros", parts[0] + "." + parts[1] + "." + b64.EncodeToString(make([]byte, 64))},
		{"an empty signature", parts[0] + "." + parts[1] + "."},
		{"a bit changed", parts[0] + "." + parts[1] + "." + flip(parts[2])},
		{"claims nested 10,000 deep", parts[0] + "." + b64.EncodeToString([]byte(`{"a":`+strings.Repeat("[", 10_000))) + "." + parts[2]},
		{"a header nested 10,000 deep", b64.EncodeToString([]byte(strings.Repeat("[", 10_000))) + "." + parts[1] + "." + parts[2]},
		{"exp of 10^999999999", parts[0] + "." + b64.EncodeToString([]byte(`{"exp":1e999999999}`)) + "." + parts[2]},
		{"40 kB of base64", strings.Repeat("A", 40_000)},
		{"beyond ASCII", "\xff\xfe" + marker},
	}
	var out []attack
	for _, r := range rows {
		a := attack{name: "token: " + r.name, path: "/fhir/Patient/" + x.patient, token: r.token, want: []int{401}}
		if r.token == "" {
			a.token = "-"
		}
		out = append(out, a)
	}
	return append(out, bearerAttacks(x)...)
}

// bearerAttacks are about where and how a token is sent (RFC 6750 section 2).
func bearerAttacks(x *siege) []attack {
	var scopes []string
	for range x.size(500, 2_000) {
		scopes = append(scopes, "user/Patient.r")
	}
	many := x.s.token("--scope", strings.Join(scopes, " "), "--user", "Practitioner/p")
	read := "/fhir/Patient/" + x.patient
	return []attack{
		{name: "token of 1 MB", path: read, token: strings.Repeat(marker, 100_000), want: []int{431}, plain: true},
		{name: "token with thousands of scopes, well signed", path: read, token: many, want: []int{200, 401, 403, 404}},
		{name: "Basic instead of Bearer", path: read, token: "-", fields: []string{"Authorization: Basic " + marker}, want: []int{401}},
		{name: "Bearer twice in a line", path: read, token: x.staff + ", Bearer " + marker, want: []int{401}},
		{name: "the token in the URL", path: read + "?access_token=" + x.staff, token: "-", want: []int{401}},
		{name: "the token in a form", path: "/fhir/Patient/_search", token: "-", body: text("access_token=" + x.staff), fields: []string{"Content-Type: application/x-www-form-urlencoded"}, want: []int{401}},
		{name: "the token in a cookie", path: read, token: "-", fields: []string{"Cookie: access_token=" + x.staff}, want: []int{401}},
		{name: "bearer in lower case: legal", path: read, token: "-", fields: []string{"Authorization: bearer " + x.staff}, want: []int{200}},
	}
}

// flip changes a character in the middle.
func flip(s string) string {
	b := []byte(s)
	b[len(b)/2] ^= 1
	if b[len(b)/2] == '@' || b[len(b)/2] == '`' {
		b[len(b)/2] = 'A'
	}
	return string(b)
}
