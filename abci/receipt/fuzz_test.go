package receipt

import (
	"bytes"
	"testing"
)

func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	for _, raw := range w.receipts() {
		f.Add(raw)
	}
	f.Add([]byte(`{"format":"chartseal-receipt/1"}`))
	known := map[string]bool{}
	for _, raw := range w.receipts() {
		for _, field := range Verify(raw, w.trustFile, Options{}).Claims.Fields {
			known[field.Name+field.Text] = true
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		report := Verify(raw, w.trustFile, Options{})
		if report.Verdict == Invalid {
			if report.Failed() == nil {
				t.Error("invalid without a step")
			}
			return
		}
		// Whoever holds a receipt can disclose less of it. He cannot make it say anything else.
		for _, field := range report.Claims.Fields {
			if !known[field.Name+field.Text] {
				t.Errorf("accepted a field that was never recorded: %s", field.Name)
			}
		}
	})
}

// FuzzVerifyParts puts any bytes into one of the encoded structures of a receipt that is canonical otherwise.
func FuzzVerifyParts(f *testing.F) {
	w := newWorld(f)
	fields := func(r *Receipt) []*Bytes {
		a := r.Anchor
		return []*Bytes{
			&r.Leaf.Body, &r.Leaf.R, &r.Leaf.Openings[0].Value, &r.Batch.Entry, &r.Private.State, &r.Private.Header, &r.Private.Commit,
			&r.Private.Validators, &a.Entry, &a.State, &a.Header, &a.Commit, &a.Validators, &r.Consent.Entry,
		}
	}
	sample := new(Receipt)
	if err := decodeJSON(w.anchored, sample); err != nil {
		f.Fatal(err)
	}
	for i, b := range fields(sample) {
		f.Add(uint8(i), []byte(*b))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		r := new(Receipt)
		if err := decodeJSON(w.anchored, r); err != nil {
			t.Fatal(err)
		}
		field := fields(r)[int(which)%len(fields(r))]
		same := bytes.Equal(*field, data)
		*field = data
		raw, err := encodeJSON(r)
		if err != nil {
			t.Fatal(err)
		}
		report := verify(raw, func() (*Trust, error) { return w.trust, nil }, Options{})
		if same != (report.Verdict == Anchored) {
			t.Errorf("field %d: %s, unchanged %v", which, report.Verdict, same)
		}
	})
}
