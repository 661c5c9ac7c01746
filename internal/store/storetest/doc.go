// Package storetest has the suites that every Catalog and every Vault passes,
// and honest implementations of both in memory for the tests of other packages.
package storetest
