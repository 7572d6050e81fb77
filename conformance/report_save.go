package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Save writes report.txt, report.json, junit.xml, report.html and testreport/*.json into dir, which it makes if need
// be.
func (r *Report) Save(dir string) error {
	files := map[string][]byte{}
	for name, write := range map[string]func(io.Writer) error{"report.txt": r.Write, "junit.xml": r.WriteJUnit, "report.html": r.WriteHTML} {
		var b strings.Builder
		if err := write(&b); err != nil {
			return err
		}
		files[name] = []byte(b.String())
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("save report: %w", err)
	}
	files["report.json"] = append(raw, '\n')
	for i := range r.Scripts {
		s := &r.Scripts[i]
		if files[filepath.Join("testreport", s.Area+"-"+s.File+".json")], err = r.TestReport(s); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "testreport"), 0o755); err != nil { //nolint:gosec // a report is not secret
		return fmt.Errorf("save report: %w", err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil { //nolint:gosec // a report is not secret
			return fmt.Errorf("save report: %w", err)
		}
	}
	return nil
}
