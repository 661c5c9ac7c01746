package main

import (
	"fmt"

	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// scope is the flag that narrows what a device or user sees.
type scope struct {
	Scope []string `help:"What it may see: institution=, department=, modality=, source=, referring=, patient=, study=, age=365d; as often as needed. all: everything." placeholder:"KEY=VALUE" sep:"none"`
}

// given reports whether the flag was used.
func (s *scope) given() bool { return len(s.Scope) > 0 }

func (s *scope) policy() (policy.Scope, error) {
	p, err := identity.ParseScope(s.Scope)
	if err != nil {
		return p, fmt.Errorf("--scope: %w", err)
	}
	return p, nil
}
