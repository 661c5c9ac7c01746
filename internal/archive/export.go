package archive

import (
	"context"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Export is Retrieve for writing studies out as files (right Export).
func (s *Session) Export(ctx context.Context, q Query) (*Retrieval, error) {
	return s.retrieve(ctx, q, policy.May(s.principal, policy.Export), audit.Event{Code: audit.Export}, nil)
}
