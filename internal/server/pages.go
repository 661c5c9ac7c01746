package server

import (
	"net/http"

	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/web"
	"github.com/tresor-pacs/tresor/internal/web/viewer"
)

// newPages puts the pages of the archive that listens at an address together.
func (s *Server) newPages(accounts *identity.Accounts, sessions *identity.Sessions, at string) *web.Site {
	return web.New(web.Config{Archive: s.archive, Accounts: accounts, Sessions: sessions, Source: source,
		Viewer: s.newViewer(), Status: s.status, Shares: &web.Shares{Register: s.data.access, Sessions: s.shares, Link: func(secret string) string { return shareURL(at, s.config.Names, secret) }},
		Stranger: s.stranger(), People: s.newPeople(accounts, at), Manage: s.newManage(at), Log: s.log})
}

// newViewer returns the embedded viewer. The archive does not depend on it: a
// pack that cannot be read is reported, and the viewer is absent.
func (s *Server) newViewer() http.Handler {
	h, err := viewer.New(viewer.Config{DICOMweb: dicomWebPath, Home: "/", SignIn: "/login", Language: web.Language})
	if err != nil {
		s.log.Error("the embedded viewer cannot be read", "error", err)
		return http.NotFoundHandler()
	}
	return h
}
