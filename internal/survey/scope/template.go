package scope

import (
	"fmt"
	"time"
)

// Template returns a scope file to be filled in. It does not parse until it is.
func Template(id string, until time.Time) []byte {
	return fmt.Appendf(nil, `# Scope of an exposure survey. Fill it in, have the owner read it, then sign it:
#   tresor survey scope sign FILE --key KEY.pem
id = %q
# Who answers for the systems, why they may be looked at, and who can be asked.
owner = ""
legal_basis = ""
contact = ""
# url = "https://..."          # shown to those who are looked at
valid_until = %s
# Nothing wider than a /12 in all. What is not named here is not looked at.
networks = []
ports = [104, 2761, 2762, 4242, 11112, 80, 443, 8042, 8080, 8443]
# 1 connect, 2 associate, 3 echo, 4 permitted-query test, 5 size
max_level = 2
# "no", "sample" (at most 2,000 answers are counted), or "exact"; needs max_level 5
size = "no"
exclude = []
# private_must_not_answer = true  # a private address is no mitigation here
# called_aet = "ANY-SCP"          # titles are never guessed
`, id, until.Format(dateLayout))
}
