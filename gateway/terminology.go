package gateway

// terminologyCapabilities is a TerminologyCapabilities (R4 terminologycapabilities.html).
type terminologyCapabilities struct {
	stated
	CodeSearch string `json:"codeSearch,omitempty"`
}

// terminologyCapabilities says what this server knows of terminology: it stores code systems and value sets and finds
// them, and evaluates none.
func (s *Server) terminologyCapabilities() terminologyCapabilities {
	return terminologyCapabilities{stated: s.statedAs("TerminologyCapabilities", "ChartsealTerminology", "Chartseal terminology capabilities", s.cfg.Base+"/metadata?mode=terminology",
		"Code systems and value sets are stored, read and searched like other resources; there are no terminology operations.")}
}
