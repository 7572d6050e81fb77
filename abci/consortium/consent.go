package consortium

import (
	"github.com/chartseal/chartseal/abci/tx"
)

// runPutConsent records a version of a consent. The member that records the first version is bound to it: only it
// may amend. As no patient's signature is carried yet, the change must be marked as recorded by the member.
func runPutConsent(l *layer, x *execution) error {
	m := x.body.GetPutConsent()
	if !m.GetRecordedByMember() {
		return refuse(CodeConsentMark, "not marked as recorded by the member")
	}
	old := new(tx.ConsentEntry)
	known, err := load(l, ConsentKey(m.GetConsentId()), old)
	if err != nil {
		return err
	}
	if known && old.GetMember() != x.member {
		return refuse(CodeConsentOwner, "consent belongs to another member")
	}
	if known && m.GetVersion() <= old.GetVersion() {
		return refuse(CodeConsentVersion, "version not above %d", old.GetVersion())
	}
	entry := &tx.ConsentEntry{
		ConsentId: m.GetConsentId(), Version: m.GetVersion(), Status: m.GetStatus(), PolicyCommitment: m.GetPolicyCommitment(),
		EnvelopeHash: m.GetEnvelopeHash(), RecordedByMember: true, Member: x.member,
		Height: x.height, TimeUnixNano: x.time.UnixNano(),
	}
	if err := l.appendConsent(entry); err != nil {
		return err
	}
	return l.put(ConsentKey(m.GetConsentId()), entry)
}
