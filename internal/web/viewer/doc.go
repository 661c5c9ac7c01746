// Package viewer serves the embedded viewer: OHIF, as scripts/viewer packs it,
// below the path /viewer, to whom its caller has let in. What it shows, the
// browser fetches from DICOMweb on behalf of the same person; this package holds
// no patient data and asks for none.
//
// A binary that was built without the viewer answers with a page that tells how
// to add it. The viewer is for looking, not for primary diagnosis, and says so.
package viewer
