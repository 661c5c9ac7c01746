package policy

// Account returns the name under which what a principal does is counted: a
// person has one, whether it comes with a password or a token. What acts for the
// archive itself has none, and nobody has none.
func (p Principal) Account() string {
	switch p.Kind {
	case User, Token:
		return string(User) + "/" + p.Name
	case Device, Share:
		return string(p.Kind) + "/" + p.Name
	}
	return ""
}
