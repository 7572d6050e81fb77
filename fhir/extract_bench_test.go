package fhir

import "testing"

// synthea parses the Synthea resources of testdata.
func synthea(b *testing.B) []*Resource {
	b.Helper()
	var all []*Resource
	for _, raw := range resources(b) {
		r, err := Parse(raw, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		b.Fatal("no resources")
	}
	return all
}

// BenchmarkExtract visits the resources of whole records in turn, so that the
// mean is that of real data.
func BenchmarkExtract(b *testing.B) {
	all := synthea(b)
	byType := map[string][]*Resource{}
	for _, r := range all {
		byType[r.Type] = append(byType[r.Type], r)
	}
	run := func(b *testing.B, list []*Resource) {
		b.ReportAllocs()
		var dst []Value
		values := 0
		for i := 0; b.Loop(); i++ {
			dst = AppendValues(dst[:0], list[i%len(list)])
			values += len(dst)
		}
		b.ReportMetric(float64(values)/float64(b.N), "values/op")
	}
	b.Run("all", func(b *testing.B) { run(b, all) })
	for _, typ := range []string{"Patient", "Observation", "Encounter", "Claim"} {
		b.Run(typ, func(b *testing.B) { run(b, byType[typ]) })
	}
	b.Run("allocating", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			Extract(all[i%len(all)])
		}
	})
}

func BenchmarkSubjects(b *testing.B) {
	all := synthea(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		SubjectsOf(all[i%len(all)])
	}
}

func BenchmarkFold(b *testing.B) {
	for name, s := range map[string]string{"ascii": "Chalmers Street 534", "accents": "José Ángel Muñoz"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Fold(s)
			}
		})
	}
}

func BenchmarkParseDateRange(b *testing.B) {
	for b.Loop() {
		if _, _, err := ParseDateRange("2013-01-14T10:00:00.123-05:30", nil); err != nil {
			b.Fatal(err)
		}
	}
}
