// Package sqlite is the catalog on SQLite: one file, sealed page by page, that
// many read while one goroutine writes.
//
// Every page of the database, of its write-ahead log and of its temporary files
// is encrypted before it reaches the disk (vfs.go), so that a stolen disk shows
// no name. Pages are not authenticated: whoever can write to the disk can damage
// the catalog, which is then rebuilt from the vault, where all is authenticated.
//
// The tables hold what is searched by as columns with indexes, and all
// attributes of an entity as one record (package match). SQL finds candidates,
// within the principal's scope; package match decides which of them answer the
// query, so that this catalog and the one in memory say the same.
package sqlite
