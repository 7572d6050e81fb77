package seal

import "slices"

// Members lists the patients' handles behind a key, sorted: of a set all of them, else the key's own.
func (k *Key) Members() []Handle {
	if len(k.members) == 0 {
		return []Handle{k.handle}
	}
	return slices.Clone(k.members)
}
