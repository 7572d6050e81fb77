package smart

import "encoding/json"

// Discovery is the OpenID Connect discovery document of the built-in issuer (OpenID Connect Discovery 1.0
// section 3). It lists only what really works.
func (i *Issuer) Discovery() ([]byte, error) {
	return json.Marshal(map[string]any{
		"issuer":                                i.url,
		"jwks_uri":                              i.url + JWKSPath,
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

// JWKSPath is where the key set lies below the issuer.
const JWKSPath = "/.well-known/jwks.json"

// Configuration is the document at {base}/.well-known/smart-configuration (SMART App Launch 2.2.0,
// "Conformance"), reduced to what is served: tokens come from the operator's command line.
func (i *Issuer) Configuration() ([]byte, error) {
	return json.Marshal(map[string]any{
		"issuer":       i.url,
		"jwks_uri":     i.url + JWKSPath,
		"capabilities": []string{"permission-v1", "permission-v2", "permission-patient", "permission-user"},
	})
}
