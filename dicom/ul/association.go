package ul

// Association is an established association (PS3.8 section 6.3.2).
type Association struct{}
