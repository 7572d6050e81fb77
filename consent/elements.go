package consent

import (
	"strconv"

	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"
)

// recipient are the participation types that say no more than "receives".
var recipient = map[string]bool{"IRCP": true, "PRCP": true}

// actor reads one provision.actor: reference and role must both fit. Other
// participation types (custodian, author …) speak of a part in the data, which
// a requester cannot be held to: in a permit nobody meets them.
func (b *compiler) actor(a *consent_go_proto.Consent_Provision_ProvisionActor, path string, denies bool) (actorRule, error) {
	var rule actorRule
	if len(a.GetModifierExtension()) > 0 {
		return rule, unsupported(path+".modifierExtension", "extension is not known")
	}
	ref := b.reference(a.GetReference())
	rule.refs, rule.logical = ref.names(), ref.literal == "" && ref.identifier != ""
	roles, err := b.roles(a.GetRole(), path+".role", denies)
	if err != nil {
		return rule, err
	}
	rule.roles = roles
	if len(rule.refs) > 0 || len(roles) > 0 && a.GetReference() == nil {
		return rule, nil
	}
	if denies {
		return rule, unsupported(path+".reference", "actor is not named by a reference or identifier")
	}
	return actorRule{roles: []codeRule{{}}}, nil
}

// roles reads provision.actor.role. Nil: the role filters nothing.
func (b *compiler) roles(role *datatypes_go_proto.CodeableConcept, path string, denies bool) ([]codeRule, error) {
	if role != nil && len(role.GetCoding()) == 0 && !denies {
		return []codeRule{{}}, nil
	}
	var roles []codeRule
	for _, coding := range role.GetCoding() {
		plain, err := b.coding(coding, path, denies)
		if err != nil {
			return nil, err
		}
		if plain.system == systemParticipation {
			if recipient[plain.code] {
				return nil, nil
			}
			if denies {
				return nil, unsupported(path, "a deny by part in the data, not by recipient")
			}
		}
		roles = append(roles, plain)
	}
	return roles, nil
}

// list adds one provision.securityLabel.
func (r *labelRule) list(plain codeRule, denies bool) {
	if plain.system == systemConfidentiality || plain.anySystem {
		l := levelOf(plain.code)
		switch {
		case l == noLevel:
		case r.level == noLevel, denies && l < r.level, !denies && l > r.level:
			r.level = l
		}
		if l != noLevel && !plain.anySystem {
			return
		}
	}
	if plain.system == systemActCode || plain.anySystem {
		if x, ok := asSensitivity(plain.code); ok {
			r.sens = append(r.sens, x)
			if m := marks(); denies && x.id == m.denyReaches {
				r.sens = append(r.sens, sensitivity{m.denyReachesToo, denyReachesToo})
			}
			if !plain.anySystem {
				return
			}
		}
	}
	r.others = append(r.others, plain)
}

func (b *compiler) datum(d *consent_go_proto.Consent_Provision_ProvisionData, path string, denies bool) (dataRule, error) {
	var rule dataRule
	if len(d.GetModifierExtension()) > 0 {
		return rule, unsupported(path+".modifierExtension", "extension is not known")
	}
	switch d.GetMeaning().GetValue() {
	case codes_go_proto.ConsentDataMeaningCode_INSTANCE:
		rule.meaning = instance
	case codes_go_proto.ConsentDataMeaningCode_RELATED, codes_go_proto.ConsentDataMeaningCode_DEPENDENTS:
		rule.meaning = dependents
	case codes_go_proto.ConsentDataMeaningCode_AUTHOREDBY:
		rule.meaning = authoredBy
	default:
		return rule, unsupported(path+".meaning", "value is missing")
	}
	rule.ref = b.reference(d.GetReference()).literal
	if rule.ref == "" && denies {
		return rule, unsupported(path+".reference", "data is not named by a literal reference")
	}
	return rule, nil
}

// concepts reads CodeableConcepts: their codings are alternatives too.
func (b *compiler) concepts(list []*datatypes_go_proto.CodeableConcept, path, name string, denies bool) ([]codeRule, error) {
	var rules []codeRule
	for i, concept := range list {
		at := element(path, name, i)
		if len(concept.GetCoding()) == 0 {
			if denies {
				return nil, unsupported(at, "coding is missing")
			}
			rules = append(rules, codeRule{})
		}
		for _, coding := range concept.GetCoding() {
			plain, err := b.coding(coding, at, denies)
			if err != nil {
				return nil, err
			}
			rules = append(rules, plain)
		}
	}
	return rules, nil
}

// coding reads one coding. Without a system it means, in a deny, that code of
// any system; in a permit nothing.
func (b *compiler) coding(c *datatypes_go_proto.Coding, path string, denies bool) (codeRule, error) {
	rule := codeRule{system: canonicalSystem(c.GetSystem().GetValue()), code: c.GetCode().GetValue()}
	switch {
	case rule.code == "" && denies:
		return rule, unsupported(path+".code", "value is missing")
	case rule.system == "" && denies:
		rule.anySystem = true
	case rule.system == "" || rule.code == "":
		rule = codeRule{}
	}
	return rule, nil
}

func element(path, name string, i int) string {
	return path + "." + name + "[" + strconv.Itoa(i) + "]"
}
