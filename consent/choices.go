package consent

// Where R4 and PCF are silent or contradict each other, these constants name
// the reading that was taken. Each is used where the rule is applied, so that a
// deployment council can find, question and change it in one place.
// F = PCF input/fsh/consent.fsh, V = volume-1.md, P = ch-P.md.
const (
	// unlabelledMeetsPermit: a permit that lists security labels does not reach
	// data that carries none. PCF presumes labelled data (V:598).
	unlabelledMeetsPermit = false

	// unlabelledLevel is the confidentiality of data without a confidentiality
	// code, for denies and implicit policies: what is not sensitive is normal
	// (V:630).
	unlabelledLevel = levelNormal

	// stigmaLevel is the least confidentiality of data with a stigmatising
	// sensitivity, whatever else its labels say (V:630).
	stigmaLevel = levelRestricted

	// foreignConfidentiality is the level of a v3-Confidentiality code that is
	// neither in the order U<L<M<N<R<V nor a retired code: nothing lower can be
	// assumed. Retired codes (business, taboo …) count as stigmaLevel.
	foreignConfidentiality = levelVery

	// unknownAuthorMatches: data of unknown author is not "authored by" anyone,
	// neither for a permit nor for a deny (V:560).
	unknownAuthorMatches = false

	// unknownCallerMeetsDeny: a deny that names a role or an identifier reaches
	// a caller of whom no role or no identifier is known.
	unknownCallerMeetsDeny = true

	// unknownRequestMeetsDeny: a deny that lists purposes or actions reaches a
	// request that states none. The abstract code PurposeOfUse states none.
	unknownRequestMeetsDeny = true

	// unknownTimeMeetsDeny: a deny with a dataPeriod reaches data of which no
	// time of creation or update is known.
	unknownTimeMeetsDeny = true

	// confinedDenyCloses: a deny confined to some data or some callers says
	// nothing about the rest, which stays with the other consents and the
	// implicit policy. Only permits close a purpose. Otherwise "not Dr. Bob"
	// would keep everybody from treating.
	confinedDenyCloses = false

	// namedPermitClosesHome: a permit that names actors closes its purpose to
	// other recipients only, not to the custodian's own workforce for treatment,
	// payment and operations. A research-only consent must not block treatment.
	namedPermitClosesHome = false

	// recordedConsentOverrides: once a counting consent is on file, the implicit
	// policy goes on deciding only for treatment, payment and operations (V:180,
	// "the terms of the Consent override any Implicit policy"). A treatment-only
	// consent must not open research, not even under an opt-out policy.
	recordedConsentOverrides = true

	// homeLevel is how far the implicit policy home-treatment goes.
	homeLevel = levelNormal

	// pcfImplicitLevel is how far PCF's permitting implicit policies go. Their
	// names say "normal", their definitions "all authorised uses" (V:161-162);
	// the definition is taken.
	pcfImplicitLevel = levelVery
)

// denyReaches widens what a deny of a sensitivity covers beyond v3-ActCode. PCF
// indents ETHUD and OPIOIDUD under ETH (F:200-202), R4 has them under SUD; a
// deny of ETH covers SUD and all below it, a permit of ETH does not.
const denyReaches, denyReachesToo = "ETH", "SUD"

// stigmatising are the roots of the sensitivity codes that raise data to
// stigmaLevel: everything about health itself, and the few others of
// v3-ActCode that can shame or endanger the patient.
var stigmatising = [...]string{"_ActInformationSensitivityPolicy", "GENDER", "REL", "RACE", "SSP", "ADOL", "PRS"}
