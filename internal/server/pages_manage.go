package server

import (
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/web"
)

// newManage returns what the pages for administrators need, of the archive whose
// HTTPS listens at an address.
func (s *Server) newManage(at string) web.Manage {
	names := s.config.Names
	return web.Manage{Devices: s.data.identity, AET: dicom.AETitle(s.config.AET), Contact: s.recent.heard,
		DICOM: strings.TrimPrefix(baseURL(s.at.DICOM, names), "https://"),
		Link:  func(secret string) string { return setupURL(at, names, secret) }}
}
