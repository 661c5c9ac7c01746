package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey/inventory"
)

type surveySearchCommand struct {
	Words []string `arg:"" optional:"" name:"QUERY" help:"Words as state:queryable country:DE product:orthanc seen:<30d; -word is not, commas are or. Names: state country product version port net asn org hostname severity studies images ssl finding vuln seen first scope honeypot."`
	Add   []string `help:"State files to take into the inventory first." type:"existingfile" placeholder:"FILE"`
	Host  string   `help:"Print the time line of a host instead." placeholder:"ADDRESS"`
	Limit int      `help:"How many ports are printed at most." default:"1000"`
}

// noHost stands for all hosts.
var noHost netip.Addr

// Run prints what the inventory has that matches, the worst first.
func (c *surveySearchCommand) Run(_ context.Context, g *globals, o out) (err error) {
	q, err := inventory.ParseQuery(strings.Join(c.Words, " "), time.Now())
	if err != nil {
		return usageError{err}
	}
	if c.Limit < 1 {
		return usageError{errors.New("--limit must be positive")}
	}
	db, err := openInventory(g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if len(c.Add) > 0 {
		n, err := addStates(db, c.Add)
		if err != nil {
			return err
		}
		fmt.Fprintf(o.Err, "survey: %d results are new in the inventory\n", n)
	}
	w := bufio.NewWriter(o)
	if c.Host != "" {
		return errors.Join(c.timeLine(db, g, w), w.Flush())
	}
	found, err := db.Search(q, c.Limit)
	if err != nil {
		return err
	}
	for _, f := range found {
		if err := printInventory(w, f, g.JSON); err != nil {
			return err
		}
	}
	return w.Flush()
}

func (c *surveySearchCommand) timeLine(db *inventory.DB, g *globals, w *bufio.Writer) error {
	host, err := netip.ParseAddr(c.Host)
	if err != nil {
		return usageError{fmt.Errorf("--host: %q is no address", c.Host)}
	}
	var bad error
	err = db.Looks(host.Unmap(), func(l inventory.Look) {
		if g.JSON {
			bad = errors.Join(bad, json.NewEncoder(w).Encode(struct {
				IP   netip.Addr `json:"ip"`
				Port uint16     `json:"port"`
				inventory.Look
			}{l.At.Addr(), l.At.Port(), l}))
			return
		}
		fmt.Fprintf(w, "%s  %-21s %-4.1f %-11s %s\n", l.Time.Format("2006-01-02 15:04"), l.At, l.Severity, l.State,
			strings.TrimSpace(l.Product+" "+l.Version))
	})
	return errors.Join(err, bad)
}

func printInventory(w *bufio.Writer, f inventory.Found, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(f)
	}
	r := f.Data.DICOM.Result
	_, err := fmt.Fprintf(w, "%-4.1f %-11s %-21s %-2s %-20s first %s  last %s  %d looks\n", r.Severity, r.State,
		f.Place(), r.Country, strings.TrimSpace(r.Product+" "+r.Version), f.First.Format(time.DateOnly), f.Last.Format(time.DateOnly), f.Looks)
	return err
}
