//go:build !unix

package survey

import "os"

// lock does nothing: appending lines is all that two surveys can do here.
func lock(*os.File) error { return nil }
