// Package match holds what every catalog does alike: which attributes of a data
// set the archive indexes, at which level they belong, and when an entity
// matches the keys of a query (PS3.4 section C.2.2.2). It is pure: a catalog
// finds candidates in whatever way suits its engine, and this package has the
// last word on each, so that all catalogs answer alike.
//
// An identifier is made into a [Matcher] once; nothing that it may hold is an
// error. A key that cannot be understood, such as a date that is none, matches
// what is equal to it to the letter, that is, as a rule, nothing.
package match
