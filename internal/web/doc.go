// Package web is what people see of the archive: sign-in, the study list, a
// study with its series and the patient's other studies, upload and download,
// and the pages of those who manage it. Pages are rendered here, in German and
// English; the scripts are small, our own, and everything but live updates works
// without them.
//
// What a page shows comes from an archive.Session, which asks policy and writes
// the trail. A route that is not marked open answers nobody who is not signed
// in, and one that names a right nobody who does not hold it.
//
// The package refuses what it can do without: no inline script or style, no
// other host, no page inside a frame of others, no unsafe method from another
// origin, no redirect that leaves the archive.
package web
