package consent

// sensitivity is a sensitivity code of v3-ActCode. A code that our edition of
// the code system lacks has noTerm and is compared as text.
type sensitivity struct {
	id   termID
	code string
}

// is reports whether data of sensitivity s is under a listed sensitivity.
func (s sensitivity) is(listed sensitivity) bool {
	if listed.id == noTerm {
		return s.id == noTerm && s.code == listed.code
	}
	return isA(policyTerms[:], s.id, listed.id)
}

// stigmatises: a code that we do not know may stigmatise.
func (s sensitivity) stigmatises() bool {
	if s.id == noTerm {
		return true
	}
	for _, root := range marks().stigmatising {
		if isA(policyTerms[:], s.id, root) {
			return true
		}
	}
	return false
}

// asSensitivity tells whether a v3-ActCode label is a sensitivity. Known
// policies of another kind (obligations, laws, compartments) are not; unknown
// codes are taken for newer sensitivities.
func asSensitivity(code string) (sensitivity, bool) {
	id := policy(code)
	return sensitivity{id, code}, id == noTerm || isA(policyTerms[:], id, marks().sensitivity)
}

// labelSet is meta.security of one resource, understood. It lives on the stack:
// the first sensitivities need no allocation.
type labelSet struct {
	level    level // effective confidentiality; unlabelledLevel if nothing says otherwise
	labelled bool  // there was a confidentiality or a sensitivity
	count    int
	few      [4]sensitivity
	more     []sensitivity
}

func (s *labelSet) add(x sensitivity) {
	if s.count < len(s.few) {
		s.few[s.count] = x
	} else {
		s.more = append(s.more, x)
	}
	s.count++
}

func (s *labelSet) at(i int) sensitivity {
	if i < len(s.few) {
		return s.few[i]
	}
	return s.more[i-len(s.few)]
}

// read fills s. The effective level is the highest confidentiality, raised by
// what stigmatises (V:630). A label without a system is read as the code that
// it looks like.
func (s *labelSet) read(security []Coding) {
	highest, stigma := noLevel, noLevel
	for _, label := range security {
		switch canonicalSystem(label.System) {
		case systemConfidentiality:
			l := levelOf(label.Code)
			if l == noLevel {
				l = levelOutsideOrder(label.Code)
				s.alsoSensitivity(label.Code)
			}
			highest = max(highest, l)
		case systemActCode:
			if x, ok := asSensitivity(label.Code); ok {
				s.add(x)
			}
		case "":
			highest = max(highest, levelOf(label.Code))
			s.alsoSensitivity(label.Code)
		}
	}
	for i := range s.count {
		if s.at(i).stigmatises() {
			stigma = stigmaLevel
		}
	}
	s.labelled = highest != noLevel || s.count > 0
	if highest == noLevel {
		highest = unlabelledLevel
	}
	s.level = max(highest, stigma)
}

// alsoSensitivity adds the sensitivity that has the code of a label from
// elsewhere: the retired codes ETH, HIV, PSY and SDV of v3-Confidentiality, and
// labels without a system.
func (s *labelSet) alsoSensitivity(code string) {
	if id := policy(code); id != noTerm && isA(policyTerms[:], id, marks().sensitivity) {
		s.add(sensitivity{id, code})
	}
}

// labelRule is provision.securityLabel: OR over everything listed.
type labelRule struct {
	level  level // permit: the highest listed, reaches down; deny: the lowest, reaches up; noLevel: none listed
	sens   []sensitivity
	others []codeRule // labels of other systems, compared plainly
}

func (r *labelRule) listed() bool {
	return r.level != noLevel || len(r.sens) > 0 || len(r.others) > 0
}

// permits: level at or below the listed one, or every sensitivity of the data
// under a listed one (R4: a high-water mark, and subsumption).
func (r *labelRule) permits(s *labelSet, security []Coding) bool {
	if r.level != noLevel && s.level <= r.level && (s.labelled || unlabelledMeetsPermit) {
		return true
	}
	if len(r.sens) > 0 && s.count > 0 && r.coversAll(s) {
		return true
	}
	return anyCoding(r.others, security)
}

func (r *labelRule) coversAll(s *labelSet) bool {
	for i := range s.count {
		if !r.covers(s.at(i)) {
			return false
		}
	}
	return true
}

func (r *labelRule) covers(x sensitivity) bool {
	for _, listed := range r.sens {
		if x.is(listed) {
			return true
		}
	}
	return false
}

// denies: level at or above the listed one, or any sensitivity under a listed
// one.
func (r *labelRule) denies(s *labelSet, security []Coding) bool {
	if r.level != noLevel && s.level >= r.level {
		return true
	}
	for i := range s.count {
		if r.covers(s.at(i)) {
			return true
		}
	}
	return anyCoding(r.others, security)
}

// handling returns the obligation and refrain policies among labels.
func handling(security []Coding) []Coding {
	var found []Coding
	for _, label := range security {
		if canonicalSystem(label.System) != systemActCode {
			continue
		}
		id := policy(label.Code)
		if isA(policyTerms[:], id, marks().obligation) || isA(policyTerms[:], id, marks().refrain) {
			found = append(found, label)
		}
	}
	return found
}
