package web

import (
	"strings"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/report"
)

// The records of the trail say what they say in words of their own, which stay the
// same for ever; pages say them in the visitor's language.

// sayWord returns the text for a word of the trail, the word itself if there is none.
func sayWord(language, kind, word string) string {
	key := kind + "." + strings.ReplaceAll(word, " ", "-")
	if _, known := texts[key]; !known {
		return word
	}
	return say(language, key)
}

// sayDone tells what was done: a word of report.What, or a code.
func sayDone(language, word string) string {
	if s := sayWord(language, "did", word); s != word {
		return s
	}
	return sayWord(language, "event", word)
}

// sayWho tells who it was: a role, or else a kind of principal.
func sayWho(language, word string) string {
	if s := sayWord(language, "role", word); s != word {
		return s
	}
	return sayWord(language, "kind", word)
}

// sayEvent tells what happened in a record: of images, what was done with them.
func sayEvent(language string, e audit.Event) string {
	if e.Code == audit.InstancesAccessed || e.Code == audit.InstancesTransferred {
		return sayDone(language, report.What(&e))
	}
	return sayWord(language, "event", string(e.Code))
}
