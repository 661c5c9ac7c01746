package dicomweb

import (
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
)

// root is the URL of the service's root as the client reaches it. The host is
// the one that it has asked: it comes back to nobody else.
func (x *exchange) root() string {
	host := x.Host
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\\/@`, r) }) {
		host = "localhost"
	}
	return "https://" + host + x.service.prefix
}

// resource is the URL of a study, of a series if that is not empty, or of an
// instance if that is not empty either.
func (x *exchange) resource(study, series, instance dicom.UID) string {
	u := x.root() + "/studies/" + string(study)
	if series != "" {
		u += "/series/" + string(series)
	}
	if instance != "" {
		u += "/instances/" + string(instance)
	}
	return u
}
