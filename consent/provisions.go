package consent

import (
	"strconv"

	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"
)

// node is one provision. Elements that are absent constrain nothing (P:436);
// repetitions are alternatives (P:452).
type node struct {
	effect outcome // none: a root without any type
	path   string
	end    int32 // index after the last descendant
	ctx    int32 // the provision that must match for this one to be looked at, or -1
	named  bool  // the provision is confined to named actors

	// What the request must meet. In permits these include what is inherited.
	period   interval
	actors   []actorRule
	purposes []purposeRule
	actions  []codeRule

	// What the data must meet.
	ofData     bool // any of the following is set
	dataPeriod *interval
	labels     labelRule
	data       []dataRule
	classes    []codeRule
	codes      []codeRule
}

// position is where a provision stands.
type position struct {
	parent     int32   // index, -1 for the root
	granter    int32   // index of the nearest permit above, -1 if none
	barrier    int32   // index of the nearest provision above that is no permit, -1 if none
	depth      int     // 0 for the root
	policyRule outcome // type of an untyped root
}

// provision appends the node of p and of all below it.
func (b *compiler) provision(p *consent_go_proto.Consent_Provision, path string, at position) error {
	if len(p.GetModifierExtension()) > 0 {
		return unsupported(path+".modifierExtension", "extension is not known")
	}
	n := node{path: path, period: always, ctx: -1, effect: at.policyRule}
	switch p.GetType().GetValue() {
	case codes_go_proto.ConsentProvisionTypeCode_PERMIT:
		n.effect = permit
	case codes_go_proto.ConsentProvisionTypeCode_DENY:
		n.effect = deny
	default:
		if at.depth > 0 {
			return unsupported(path+".type", "value is missing")
		}
	}
	if err := b.requestSide(&n, p); err != nil {
		return err
	}
	if err := b.dataSide(&n, p); err != nil {
		return err
	}
	b.place(&n, at)

	i := int32(len(b.policy.nodes)) //nolint:gosec // a Consent of two billion provisions does not parse
	b.policy.nodes = append(b.policy.nodes, n)
	below := position{parent: i, granter: at.granter, barrier: at.barrier, depth: at.depth + 1}
	if at.depth == 0 {
		below.granter, below.barrier = -1, -1
	}
	if n.effect == permit {
		below.granter = i
	} else {
		below.barrier = i
	}
	for k, child := range p.GetProvision() {
		if err := b.provision(child, path+".provision["+strconv.Itoa(k)+"]", below); err != nil {
			return err
		}
	}
	b.policy.nodes[i].end = int32(len(b.policy.nodes)) //nolint:gosec // as above
	return nil
}

// place gives a node what it has from where it stands.
//
// A permit lacks nothing that the nearest permit above it demands of purpose,
// actor and action, and is in force only with it; labels and data it does not
// inherit, since widening them is what it is for (F:1146-1150). If a deny, or a
// root of unknown type, stands above it, it is an exception to that one and
// counts only where that one matches.
//
// A deny directly below the root has only its own constraints. Deeper down it
// is an exception to its parent, and counts only where the parent matches.
func (b *compiler) place(n *node, at position) {
	if at.depth == 0 {
		n.named = len(n.actors) > 0
		return
	}
	if n.effect == deny {
		if at.depth > 1 {
			n.ctx = at.parent
			n.named = b.policy.nodes[at.parent].named
		}
		n.named = n.named || len(n.actors) > 0
		return
	}
	n.ctx = at.barrier
	if at.granter >= 0 {
		above := &b.policy.nodes[at.granter]
		n.period = n.period.and(above.period)
		if len(n.purposes) == 0 {
			n.purposes = above.purposes
		}
		if len(n.actors) == 0 {
			n.actors = above.actors
		}
		if len(n.actions) == 0 {
			n.actions = above.actions
		}
	}
	n.named = len(n.actors) > 0 || n.ctx >= 0 && b.policy.nodes[n.ctx].named
}

func (b *compiler) requestSide(n *node, p *consent_go_proto.Consent_Provision) (err error) {
	if n.period, err = b.period(p.GetPeriod(), n.path+".period"); err != nil {
		return err
	}
	for i, a := range p.GetActor() {
		rule, err := b.actor(a, element(n.path, "actor", i), n.effect == deny)
		if err != nil {
			return err
		}
		n.actors = append(n.actors, rule)
	}
	for i, coding := range p.GetPurpose() {
		plain, err := b.coding(coding, element(n.path, "purpose", i), n.effect == deny)
		if err != nil {
			return err
		}
		rule := purposeRule{id: noTerm, plain: plain}
		if plain.system == systemReason || plain.anySystem {
			rule.id = reason(plain.code)
		}
		n.purposes = append(n.purposes, rule)
	}
	n.actions, err = b.concepts(p.GetAction(), n.path, "action", n.effect == deny)
	return err
}

func (b *compiler) dataSide(n *node, p *consent_go_proto.Consent_Provision) (err error) {
	denies := n.effect == deny
	if p.GetDataPeriod() != nil {
		span, err := b.period(p.GetDataPeriod(), n.path+".dataPeriod")
		if err != nil {
			return err
		}
		n.dataPeriod = &span
	}
	for i, coding := range p.GetSecurityLabel() {
		plain, err := b.coding(coding, element(n.path, "securityLabel", i), denies)
		if err != nil {
			return err
		}
		n.labels.list(plain, denies)
	}
	for i, d := range p.GetData() {
		rule, err := b.datum(d, element(n.path, "data", i), denies)
		if err != nil {
			return err
		}
		n.data = append(n.data, rule)
	}
	for i, coding := range p.GetClassValue() {
		plain, err := b.coding(coding, element(n.path, "class", i), denies)
		if err != nil {
			return err
		}
		n.classes = append(n.classes, plain)
	}
	if n.codes, err = b.concepts(p.GetCode(), n.path, "code", denies); err != nil {
		return err
	}
	n.ofData = n.dataPeriod != nil || n.labels.listed() || len(n.data)+len(n.classes)+len(n.codes) > 0
	return nil
}
