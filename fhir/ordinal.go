package fhir

// ParamByOrdinal finds the definition that an index row names; nil if there is none.
func ParamByOrdinal(n uint64) *Param {
	all := paramTables().all
	if n == 0 || n > uint64(len(all)) {
		return nil
	}
	return all[n-1]
}
