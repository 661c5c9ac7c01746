package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/geo"
	surveyscope "github.com/tresor-pacs/tresor/internal/survey/scope"
	"github.com/tresor-pacs/tresor/internal/survey/target"
)

type surveyRunCommand struct {
	surveyGuard
	Targets  []string      `arg:"" optional:"" name:"TARGET" help:"Address, network or name, with :PORT or without."`
	From     []string      `help:"Lists of targets, in any format that import reads." type:"existingfile" placeholder:"FILE"`
	Level    int           `help:"Highest rung: 1 connect, 2 associate, 3 echo, 4 permitted-query test, 5 size; the scope's is never passed." default:"5"`
	Ports    []int         `help:"Ports for targets without one." placeholder:"PORT"`
	Geo      []string      `help:"MMDB or CSV files that tell country and network owner." type:"existingfile" placeholder:"FILE"`
	State    string        `help:"State file: what was found, and where to go on." type:"path" placeholder:"FILE"`
	StopFile string        `help:"The run ends soon after this file is there." type:"path" placeholder:"FILE"`
	Quiet    string        `help:"Hours of the day in which nothing is sent: 07:00-18:30." placeholder:"HOURS"`
	Shard    string        `help:"Take only part I of N." default:"1/1" placeholder:"I/N"`
	Rate     float64       `help:"Connections a second in all, at most ${default}." default:"50"`
	Timeout  time.Duration `help:"How long to wait for an answer." default:"8s"`
	Contact  string        `help:"Who is asked about this survey; the scope's contact otherwise." placeholder:"TEXT"`
	DryRun   bool          `help:"Print what would be sent, and send nothing."`
}

// Run looks at the targets and prints a line for each address and port.
func (c *surveyRunCommand) Run(ctx context.Context, g *globals, o out) error {
	r, err := c.prepare(ctx, g, o)
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.printPlan(r, g, o)
	}
	if c.State != "" {
		if r.State, err = survey.OpenState(c.State); err != nil {
			return err
		}
	}
	db, err := openInventory(g)
	if err != nil {
		return err
	}
	if c.State != "" { // what a killed run has found and not taken in
		if _, err := addStates(db, []string{c.State}); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	w, inventory := bufio.NewWriter(o), keeper{db: db}
	r.Found = func(e *survey.Envelope) error {
		if g.JSON {
			err = json.NewEncoder(w).Encode(e)
		} else {
			err = printFound(w, e)
		}
		return errors.Join(err, w.Flush(), inventory.keep(e))
	}
	err = errors.Join(r.Do(ctx), inventory.flush(), db.Close())
	if r.State != nil {
		err = errors.Join(err, r.State.Close())
	}
	return err
}

func (c *surveyRunCommand) prepare(ctx context.Context, g *globals, o out) (*survey.Run, error) {
	guard, err := c.guard(g)
	if err != nil {
		return nil, err
	}
	if c.Level < 1 || c.Level > 5 {
		return nil, usageError{errors.New("--level is 1 to 5")}
	}
	shard, err := survey.ParseShard(c.Shard)
	if err != nil {
		return nil, usageError{fmt.Errorf("--shard: %w", err)}
	}
	var quiet survey.Hours
	if c.Quiet != "" {
		if quiet, err = survey.ParseHours(c.Quiet); err != nil {
			return nil, usageError{fmt.Errorf("--quiet: %w", err)}
		}
	}
	plan, err := c.plan(ctx, guard, shard, o)
	if err != nil {
		return nil, err
	}
	r := &survey.Run{Plan: plan, StopFile: c.StopFile, Quiet: quiet, Rates: survey.DefaultRates,
		Notice: func(s string) { fmt.Fprintln(o.Err, "survey:", s) }}
	if c.Rate > 0 {
		r.Rates.Global = min(c.Rate, survey.DefaultRates.Global)
	}
	r.Prober, err = c.prober(guard)
	return r, err
}

func (c *surveyRunCommand) prober(guard *surveyscope.Guard) (survey.Prober, error) {
	p := survey.Prober{Guard: guard, Level: surveyscope.Level(c.Level), Timeout: c.Timeout}
	url, contact := "https://github.com/tresor-pacs/tresor", c.Contact
	if s := guard.Scope(); s != nil {
		if s.URL != "" {
			url = s.URL
		}
		if contact == "" {
			contact = s.Contact
		}
		var err error
		if s.CallingAE != "" {
			if p.Calling, err = dicom.ParseAETitle(s.CallingAE); err != nil {
				return p, fmt.Errorf("calling_aet of the scope: %w", err)
			}
		}
		if s.CalledAE != "" {
			if p.Called, err = dicom.ParseAETitle(s.CalledAE); err != nil {
				return p, fmt.Errorf("called_aet of the scope: %w", err)
			}
		}
	}
	p.Agent = survey.Agent(url, contact)
	return p, nil
}

func (c *surveyRunCommand) plan(ctx context.Context, guard *surveyscope.Guard, shard survey.Shard, o out) (*survey.Plan, error) {
	targets, err := c.targets(o)
	if err != nil {
		return nil, err
	}
	if len(targets) == 0 {
		return nil, usageError{errors.New("no targets: name some, or give --from")}
	}
	db, err := geo.Open(c.Geo...)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	planner := survey.Planner{Guard: guard, Ports: c.Ports, Shard: shard, Geo: db,
		Resolve: func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		}}
	plan, err := planner.Plan(ctx, targets)
	if err != nil {
		return nil, err
	}
	for _, why := range slices.Sorted(maps.Keys(plan.Refused)) {
		fmt.Fprintf(o.Err, "survey: not looked at: %d, %s\n", plan.Refused[why], why)
	}
	if len(plan.Hosts) == 0 && plan.Others == 0 {
		return nil, errors.New("survey: none of the targets may be looked at")
	}
	return plan, nil
}

func (c *surveyRunCommand) targets(o out) ([]target.Target, error) {
	var all []target.Target
	for _, s := range c.Targets {
		t, err := target.Parse(s)
		if err != nil {
			return nil, usageError{err}
		}
		all = append(all, t)
	}
	for _, path := range c.From {
		r, err := readTargets(path, target.Auto)
		if err != nil {
			return nil, err
		}
		if r.Skipped > 0 {
			fmt.Fprintf(o.Err, "survey: %s: %d records could not be read\n", path, r.Skipped)
		}
		all = append(all, r.Targets...)
	}
	return all, nil
}

func readTargets(path string, f target.Format) (*target.Result, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := target.Read(file, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

func (c *surveyRunCommand) printPlan(r *survey.Run, g *globals, o out) error {
	w := bufio.NewWriter(o)
	for _, h := range r.Plan.Hosts {
		for _, port := range h.Ports {
			steps := r.Prober.Steps(port)
			if g.JSON {
				if err := json.NewEncoder(w).Encode(map[string]any{"ip": h.Addr, "port": port, "sends": steps}); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%s\n", net.JoinHostPort(h.Addr.String(), strconv.Itoa(port)))
			for _, s := range steps {
				fmt.Fprintf(w, "    %s\n", s)
			}
		}
	}
	fmt.Fprintf(o.Err, "survey: %d hosts, %d ports, nothing was sent\n", len(r.Plan.Hosts), r.Plan.Endpoints())
	return w.Flush()
}

// printFound writes a result for people.
func printFound(w *bufio.Writer, e *survey.Envelope) error {
	r := e.Data.DICOM.Result
	fmt.Fprintf(w, "%-4.1f %-11s %s", r.Severity, r.State, net.JoinHostPort(e.IP.String(), strconv.Itoa(e.Port)))
	if r.Product != "" {
		fmt.Fprintf(w, "  %s %s", r.Product, r.Version)
	}
	fmt.Fprintln(w)
	for _, f := range r.Findings {
		fmt.Fprintf(w, "     %s %s\n", f.ID, f.Title)
	}
	return nil
}
