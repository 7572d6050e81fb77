// Command gen makes the compression dictionary of sealed bodies from folders of public example resources:
//
//	go run ./gen -out v1.zdict DIR...
//
// The dictionary in use was made from the R4 examples package 4.0.1 and the examples of US Core 6.1.0 and 7.0.0 (HL7,
// CC0). Never give it patients' data, synthetic or not. A dictionary in use must not change, because what it packed
// could no longer be read: a new one gets a new file and a new codec number.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	dictSize = 64 << 10
	dictID   = 1 // one byte in every frame
	// maxNarrative and maxSample keep a few long documents from filling the dictionary.
	maxNarrative = 600
	maxSample    = 16 << 10
)

// knowledge lists the types that describe FHIR, or medical knowledge, rather than what happens to patients.
var knowledge = strings.Fields(`ActivityDefinition Binary Bundle CapabilityStatement ChargeItemDefinition CodeSystem
	CompartmentDefinition ConceptMap EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario
	GraphDefinition ImplementationGuide Library Measure MeasureReport MessageDefinition NamingSystem
	OperationDefinition OperationOutcome Parameters PlanDefinition Questionnaire ResearchDefinition ResearchElementDefinition
	RiskEvidenceSynthesis SearchParameter SpecimenDefinition StructureDefinition StructureMap
	TerminologyCapabilities TestReport TestScript ValueSet`)

func main() {
	out := flag.String("out", "", "file to write the dictionary to")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out string, dirs []string) error {
	if out == "" || len(dirs) == 0 {
		return fmt.Errorf("usage: gen -out FILE DIR")
	}
	var samples [][]byte
	for _, dir := range dirs {
		more, err := readSamples(os.DirFS(dir))
		if err != nil {
			return fmt.Errorf("read %s: %w", dir, err)
		}
		samples = append(samples, more...)
	}
	dict, err := build(samples, dictSize)
	if err != nil {
		return err
	}
	return os.WriteFile(out, dict, 0o644) //nolint:gosec // shipped to everybody
}

// build makes a dictionary with about size bytes of content.
func build(samples [][]byte, size int) ([]byte, error) {
	dict, err := zstd.BuildDict(zstd.BuildDictOptions{
		ID:         dictID,
		Contents:   samples,
		History:    cover(samples, size),
		Offsets:    [3]int{1, 4, 8},
		CompatV155: true,
		Level:      zstd.SpeedFastest,
	})
	if err != nil {
		return nil, fmt.Errorf("build dictionary: %w", err)
	}
	return dict, nil
}

// readSamples returns the resources in a folder, as the gateway would store them, in the order of their paths.
func readSamples(dir fs.FS) ([][]byte, error) {
	var paths []string
	err := fs.WalkDir(dir, ".", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".json" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var samples [][]byte
	for _, path := range paths {
		raw, err := fs.ReadFile(dir, path)
		if err != nil {
			return nil, err
		}
		if s, ok := sample(raw); ok {
			samples = append(samples, s)
		}
	}
	return samples, nil
}

// sample compacts a resource and drops a long narrative.
func sample(raw []byte) ([]byte, bool) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, false
	}
	var head struct {
		ResourceType string          `json:"resourceType"`
		Text         json.RawMessage `json:"text"`
	}
	b := compact.Bytes()
	if err := json.Unmarshal(b, &head); err != nil || head.ResourceType == "" {
		return nil, false
	}
	if slices.Contains(knowledge, head.ResourceType) {
		return nil, false
	}
	if len(head.Text) > maxNarrative {
		b = bytes.Replace(b, slices.Concat([]byte(`"text":`), head.Text, []byte(",")), nil, 1)
	}
	return b, len(b) <= maxSample
}
