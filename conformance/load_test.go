package conformance

import (
	"strings"
	"testing"
	"testing/fstest"
)

// A script that asks for what the engine does not do is refused, not half run.
func TestRefusedScripts(t *testing.T) {
	assert := func(a string) string { return testScriptOf("", readOne+`,{"assert":{`+a+`}}`) }
	for name, tc := range map[string]struct{ script, says string }{
		"unknown member":   {assert(`"response":"okay","warningOnly":false,"stopTestOnFail":true`), "stopTestOnFail"},
		"path":             {assert(`"path":"$.id","value":"1","warningOnly":false`), "path"},
		"profile":          {assert(`"validateProfileId":"p","warningOnly":false`), "validateProfileId"},
		"two subjects":     {assert(`"response":"okay","resource":"Patient","warningOnly":false`), "tst-10"},
		"no subject":       {assert(`"value":"x","warningOnly":false`), "tst-10"},
		"no warningOnly":   {assert(`"response":"okay"`), "warningOnly"},
		"operator":         {assert(`"expression":"id","operator":"like","warningOnly":false`), "operator"},
		"response":         {assert(`"response":"fine","warningOnly":false`), "response"},
		"code":             {assert(`"responseCode":"2xx","warningOnly":false`), "responseCode"},
		"FHIRPath":         {assert(`"expression":"a..b","warningOnly":false`), "expression"},
		"pattern":          {assert(ours(`{"url":"regex","valueBoolean":true}`) + `,"headerField":"ETag","value":"(","warningOnly":false`), "value"},
		"header":           {assert(`"headerField":"ETag","warningOnly":false`), "headerField"},
		"request code":     {assert(`"direction":"request","response":"okay","warningOnly":false`), "tst-12"},
		"half comparison":  {assert(`"expression":"id","compareToSourceId":"r","warningOnly":false`), "tst-11"},
		"minimumId":        {assert(`"minimumId":"none","warningOnly":false`), "no fixture"},
		"part":             {assert(ours(`{"url":"sometimes","valueBoolean":true}`) + `,"response":"okay","warningOnly":false`), "sometimes"},
		"target":           {assert(ours(`{"url":"target","valueCode":"moon"}`) + `,"value":"x","warningOnly":false`), "target"},
		"operation":        {testScriptOf("", `{"operation":{"type":{"code":"read"},"encodeRequestUrl":true}}`), "tst-7"},
		"encodeRequestUrl": {testScriptOf("", `{"operation":{"type":{"code":"read"},"params":"/1"}}`), "encodeRequestUrl"},
		"sourceId":         {testScriptOf("", `{"operation":{"sourceId":"none","encodeRequestUrl":true}}`), "neither a fixture nor a response"},
		"both":             {testScriptOf("", `{"operation":{"url":"x","encodeRequestUrl":true},"assert":{"response":"okay","warningOnly":false}}`), "tst-2"},
		"variable path":    {testScriptOf(`,"variable":[{"name":"v","path":"id"}]`, readOne), "path"},
		"two ways":         {testScriptOf(`,"variable":[{"name":"v","expression":"id","headerField":"ETag"}]`, readOne), "tst-3"},
		"fixture":          {testScriptOf(`,"fixture":[{"id":"f","autocreate":false,"autodelete":false,"resource":{"reference":"#x"}}]`, readOne), "nothing is contained"},
		"file":             {testScriptOf(`,"fixture":[{"id":"f","autocreate":false,"autodelete":false,"resource":{"reference":"nowhere.json"}}]`, readOne), "not exist"},
		"no test":          {testScriptOf(""), "tests"},
		"JSON":             {`{`, "decode"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(fstest.MapFS{"area/x.json": {Data: []byte(tc.script)}}, nil)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %s", err, tc.says)
			}
		})
	}
}
