package patch

// The limits of one patch. They are far above what patches are, and keep the
// worst one below a second and about 200 MB.
const (
	maxOperations = 1000
	maxPatchDepth = 128      // Parameters wrap each level of a value in two
	maxNodes      = 1 << 20  // JSON values of document, patch and copies
	maxCopied     = 16 << 20 // bytes that copies bring
	maxSteps      = 10 << 20 // members and elements looked at
	maxPath       = 4 << 10  // bytes of a FHIRPath expression
	maxPathDepth  = 64       // its nesting, and the segments of a pointer

	// As in fhir.DefaultLimits, for what is beyond could not be stored.
	maxBytes = 16 << 20 // document, patch and outcome
	maxDepth = 64       // document and outcome
)

// budget is what one patch may still use.
type budget struct{ nodes, copied, steps int }

func newBudget() *budget {
	return &budget{nodes: maxNodes, copied: maxCopied, steps: maxSteps}
}

// step pays for n members or elements looked at. Each operation ends with
// overdrawn; only what loops over loops has to ask in between.
func (b *budget) step(n int) { b.steps -= n }

// overdrawn is the error for a patch that has used more than it may.
func (b *budget) overdrawn() error {
	switch {
	case b.steps < 0:
		return fail(TooLarge, "the patch takes too much work")
	case b.nodes < 0:
		return fail(TooLarge, "document and patch have more than %d JSON values", maxNodes)
	case b.copied < 0:
		return fail(TooLarge, "the patch copies more than %d bytes", maxCopied)
	}
	return nil
}
