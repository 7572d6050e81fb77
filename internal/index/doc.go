// Package index owns search over sealed data: it turns a resource into blind tokens and an index row, a FHIR
// search query into a plan over postings, and runs the plan.
//
// Tokens choose candidates and never miss one; the opened row decides. So what the database sees is equality of
// opaque tokens, and what the client gets is exact. The kinds of token, for a parameter p of type T:
//
//	token      c: code          sc: system|code    s: system|       nc: code without system
//	reference  r: Type/id       i: id              rv: Type/id/_history/v    u: any other URL or canonical
//	string     1..8: prefix of that many runes of the folded value, w: the whole folded value
//	uri        u: whole
//	date       l0..l3, h0..h3: prefixes of the day number of the low and the high end, base 16, coarse to fine
//	any        p: the parameter is present
//	type       all
//
// Every token is keyed by tenant and type, so that equal values of different types do not look alike.
package index
