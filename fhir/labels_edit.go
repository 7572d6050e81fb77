package fhir

// add takes over what m lacks.
func (m *metaText) add(more *metaText) {
	urls := map[string]struct{}{}
	for _, p := range m.profiles {
		urls[p.url] = struct{}{}
	}
	for _, p := range more.profiles {
		if _, known := urls[p.url]; p.value != nil && !known {
			urls[p.url] = struct{}{}
			m.profiles = append(m.profiles, p)
			m.changed |= metaProfile
		}
	}
	var changed bool
	if m.security, changed = addLabels(m.security, more.security); changed {
		m.changed |= metaSecurity
	}
	if m.tags, changed = addLabels(m.tags, more.tags); changed {
		m.changed |= metaTag
	}
}

func addLabels(have, more []label) ([]label, bool) {
	if len(more) == 0 {
		return have, false
	}
	known, before := keysOf(have), len(have)
	for _, l := range more {
		if _, ok := known[l.labelKey]; !ok {
			known[l.labelKey] = struct{}{}
			have = append(have, l)
		}
	}
	return have, len(have) > before
}

func keysOf(labels []label) map[labelKey]struct{} {
	keys := make(map[labelKey]struct{}, len(labels))
	for _, l := range labels {
		keys[l.labelKey] = struct{}{}
	}
	return keys
}

// remove drops what less names.
func (m *metaText) remove(less *metaText) {
	urls := map[string]struct{}{}
	for _, p := range less.profiles {
		if p.value != nil {
			urls[p.url] = struct{}{}
		}
	}
	profiles := m.profiles[:0]
	for _, p := range m.profiles {
		if _, ok := urls[p.url]; ok {
			m.changed |= metaProfile
			continue
		}
		profiles = append(profiles, p)
	}
	m.profiles = profiles
	var changed bool
	if m.security, changed = removeLabels(m.security, less.security); changed {
		m.changed |= metaSecurity
	}
	if m.tags, changed = removeLabels(m.tags, less.tags); changed {
		m.changed |= metaTag
	}
}

func removeLabels(have, less []label) ([]label, bool) {
	gone, before := keysOf(less), len(have)
	kept := have[:0]
	for _, l := range have {
		if _, ok := gone[l.labelKey]; !ok {
			kept = append(kept, l)
		}
	}
	return kept, len(kept) < before
}

// append writes the Meta: members that did not change as they stood, new lists at the end. Without any member the
// result is nil.
func (m *metaText) append(dst []byte) []byte {
	from := len(dst)
	dst = append(dst, '{')
	written := metaList(0)
	for _, member := range m.members {
		switch {
		case member.list&m.changed == 0:
			dst = append(append(dst, member.text...), ',')
		case member.list&written == 0: // profile and _profile are written together
			dst = m.appendList(dst, member.list)
		}
		written |= member.list
	}
	for _, list := range []metaList{metaProfile, metaSecurity, metaTag} {
		if list&m.changed&^written != 0 {
			dst = m.appendList(dst, list)
		}
	}
	if len(dst) == from+1 {
		return nil
	}
	dst[len(dst)-1] = '}'
	return dst
}

// appendList writes a list and a comma, nothing for an empty one.
func (m *metaText) appendList(dst []byte, list metaList) []byte {
	switch list {
	case metaProfile:
		dst = m.appendProfiles(dst, `"profile":[`, func(p *profileText) []byte { return p.value })
		return m.appendProfiles(dst, `"_profile":[`, func(p *profileText) []byte { return p.sibling })
	case metaSecurity:
		return appendLabels(dst, `"security":[`, m.security)
	}
	return appendLabels(dst, `"tag":[`, m.tags)
}

func appendLabels(dst []byte, head string, labels []label) []byte {
	if len(labels) == 0 {
		return dst
	}
	dst = append(dst, head...)
	for _, l := range labels {
		dst = append(append(dst, l.text...), ',')
	}
	dst[len(dst)-1] = ']'
	return append(dst, ',')
}

// appendProfiles writes one side of the entries, with null where it has nothing (R4 json.html#primitive), and nothing
// if that is all.
func (m *metaText) appendProfiles(dst []byte, head string, side func(*profileText) []byte) []byte {
	from, some := len(dst), false
	dst = append(dst, head...)
	for i := range m.profiles {
		text := side(&m.profiles[i])
		some = some || text != nil
		if text == nil {
			text = []byte("null")
		}
		dst = append(append(dst, text...), ',')
	}
	if !some {
		return dst[:from]
	}
	dst[len(dst)-1] = ']'
	return append(dst, ',')
}
