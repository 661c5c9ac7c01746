// Package archive is the archive itself: what it takes in, finds, gives out,
// corrects and erases, and in whose name. Session is the only door to it.
package archive
