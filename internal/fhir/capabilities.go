package fhir

// searchParameters are the parameters that CapabilityStatement lists.
var searchParameters = []struct{ Name, Type string }{
	{"date", "date"}, {"patient", "reference"}, {"agent", "reference"}, {"agent-name", "string"},
	{"agent-role", "token"}, {"altid", "token"}, {"address", "string"}, {"entity", "reference"}, {"entity-type", "token"},
	{"entity-role", "token"}, {"type", "token"}, {"subtype", "token"}, {"action", "token"}, {"source", "reference"}, {"site", "token"}, {"outcome", "token"}, {"_id", "token"},
}

type capabilityStatement struct {
	ResourceType string            `json:"resourceType"`
	Status       string            `json:"status"`
	Date         string            `json:"date"`
	Kind         string            `json:"kind"`
	Instance     map[string]string `json:"implementation"`
	FHIRVersion  string            `json:"fhirVersion"`
	Format       []string          `json:"format"`
	Rest         []map[string]any  `json:"rest"`
}

// capabilities describes the service (FHIR R4 CapabilityStatement).
func (s *Service) capabilities() *capabilityStatement {
	var parameters []map[string]string
	for _, p := range searchParameters {
		parameters = append(parameters, map[string]string{"name": p.Name, "type": p.Type})
	}
	return &capabilityStatement{ResourceType: "CapabilityStatement", Status: "active", Date: "2026-11-23", Kind: "instance",
		Instance:    map[string]string{"description": "The audit trail of " + s.source.ID},
		FHIRVersion: "4.0.1", Format: []string{"application/fhir+json"},
		Rest: []map[string]any{{
			"mode":     "server",
			"security": map[string]string{"description": "Bearer tokens of people who may read the trail (RFC 6750)"},
			"resource": []map[string]any{{
				"type":        "AuditEvent",
				"interaction": []map[string]string{{"code": "read"}, {"code": "search-type"}},
				"searchParam": parameters,
			}},
		}}}
}
