package fhir

import (
	"strings"
	"testing"
)

func TestXHTML(t *testing.T) {
	const ns = ` xmlns="http://www.w3.org/1999/xhtml"`
	for _, good := range []string{
		`a`, ``, `<p>a<br/>b</p>`, `<table class="grid"><tr><td colspan='2' >a</td></tr></table>`, `<!-- a - b --><![CDATA[ & ]]>`,
		`&amp;&lt;&nbsp;&#160;&#xA0;&#9;&#x1F600;`, `<a href="https://example.org/?a=b&amp;c=d">a</a>`, `<img src="data:image/png;base64,AAAA"/>`,
		`<a href="urn:uuid:1"/>`, `<b style="color: red">a</b>`, "<p\n>a</p\n>", `<i xml:lang="en">é</i>`, `<a href="#a">b</a>`,
	} {
		in := "<div" + ns + ">" + good + "</div>"
		if p := xhtmlProblem([]byte(in)); p != "" {
			t.Errorf("%s: %s", in, p)
		}
	}
	for good, want := range map[string]string{
		" \n<div" + ns + "/>\n":                     "",
		`<div xmlns='` + xhtmlNamespace + `'/>`:     "",
		`<div lang="en"` + ns + `></div>`:           "",
		`a<div` + ns + `/>`:                         "not a div",
		`<p` + ns + `/>`:                            "not a div",
		`<div/>`:                                    "namespace",
		`<div xmlns="http://www.w3.org/2000/svg"/>`: "another namespace",
		`<div` + ns + `/><div` + ns + `/>`:          "after its div",
		`<divx` + ns + `/>`:                         "element that is not allowed",
	} {
		if p := xhtmlProblem([]byte(good)); (p == "") != (want == "") || !strings.Contains(p, want) {
			t.Errorf("%s: %q, want %q", good, p, want)
		}
	}
	for bad, want := range map[string]string{
		`<script>alert(1)</script>`:                  "element that is not allowed",
		`<SCRIPT>alert(1)</SCRIPT>`:                  "element that is not allowed",
		`<iframe src="https://example.org"/>`:        "element that is not allowed",
		`<form/>`:                                    "element that is not allowed",
		`<style>a</style>`:                           "element that is not allowed",
		`<x:script/>`:                                "element that is not allowed",
		`<p onclick="a()">a</p>`:                     "attribute that is not allowed",
		`<img src="a" onerror='a()'/>`:               "attribute that is not allowed",
		`<p><svg xmlns="http://www.w3.org/2000/svg"`: "element that is not allowed",
		`<a href="javascript:a()">a</a>`:             "active content",
		`<a href=" JaVa&#115;cript&#x3a;a()">a</a>`:  "active content",
		`<a href="java&#10;script&colon;a()">a</a>`:  "active content",
		`<a href="data:text/html,a">a</a>`:           "active content",
		`<img src="data:text/html,a"/>`:              "active content",
		`<p style="width: expression(a())">a</p>`:    "active content",
		`<p>a`:                     "not well-formed",
		`<p>a</b></p>`:             "not well-formed",
		`</p>`:                     "not well-formed",
		`<p a>b</p>`:               "not well-formed",
		`<p class=a>b</p>`:         "not well-formed",
		`<p class="a>b</p>`:        "not well-formed",
		`<p class="<b>">b</p>`:     "not well-formed",
		`<p class="a"id="b">b</p>`: "not well-formed",
		`a & b`:                    "not escaped",
		`&nbsp`:                    "not escaped",
		`<a href="?a&b">a</a>`:     "not escaped",
		`<!-- a`:                   "not well-formed",
		`<![CDATA[ a`:              "not well-formed",
		// what a browser takes for an end of the comment
		`<!--><script>a()</script>-->`:        "malformed comment",
		`<!---><script>a()</script>-->`:       "malformed comment",
		`<!-- --!><script>a()</script> -->`:   "malformed comment",
		`<!-- -- -->`:                         "malformed comment",
		`<!-- --->`:                           "malformed comment",
		`<![CDATA[><script>a()</script>]]>`:   "CDATA section",
		`&#0;`:                                "to no character",
		`&#x1F;`:                              "to no character",
		`&#xD800;`:                            "to no character",
		`&#x110000;`:                          "to no character",
		`&#xFFFE;`:                            "to no character",
		`&#x;`:                                "to no character",
		`&nonesuch;`:                          "neither XML nor HTML",
		`<b class="a" id="c" class="b">a</b>`: "occurs twice",
		`<!DOCTYPE html>`:                     "declaration",
		`<?php a ?>`:                          "declaration",
		`<!ENTITY a "b">`:                     "declaration",
		`<p xmlns="http://www.w3.org/2000/svg"/>`: "another namespace",
		`<`: "element that is not allowed",
	} {
		in := "<div" + ns + ">" + bad + "</div>"
		if p := xhtmlProblem([]byte(in)); !strings.Contains(p, want) {
			t.Errorf("%s: %q, want %q", in, p, want)
		}
	}
}

// FuzzXHTML checks that no input makes the reader fail, and that what it
// accepts has nothing in it that begins a script.
func FuzzXHTML(f *testing.F) {
	f.Add([]byte(`<div xmlns="http://www.w3.org/1999/xhtml">a<a href="b">c</a><!-- d --></div>`))
	f.Add([]byte(`<div xmlns="http://www.w3.org/1999/xhtml"><img src='a' /><![CDATA[ d ]]>&#x41;</div>`))
	f.Fuzz(func(t *testing.T, v []byte) {
		if xhtmlProblem(v) != "" {
			return
		}
		plain := strings.ToLower(string(v))
		if strings.Contains(plain, "<script") && !strings.Contains(plain, "<!--") {
			t.Errorf("accepted %s", v)
		}
	})
}
