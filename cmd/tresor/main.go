// Command tresor is a medical image archive that answers no stranger, and the
// tools around it. Each subcommand has its own file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
)

// The exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// globals are the flags of every subcommand.
type globals struct {
	Dir  string `help:"Folder that holds everything: keys, catalog, vault, trail." env:"TRESOR_DIR" default:"tresor-data" type:"path" placeholder:"DIR"`
	JSON bool   `name:"json" help:"Print lines that machines can read."`
}

type commands struct {
	globals

	Serve       serveCommand       `cmd:"" help:"Start the archive."`
	Device      deviceCommand      `cmd:"" help:"Devices that may talk to the archive."`
	User        userCommand        `cmd:"" help:"People who may use the archive."`
	Token       tokenCommand       `cmd:"" help:"Bearer tokens for programs that act for a user."`
	Echo        echoCommand        `cmd:"" help:"Ask an archive whether it is there (C-ECHO)."`
	Find        findCommand        `cmd:"" help:"Search an archive (C-FIND)."`
	Get         getCommand         `cmd:"" help:"Fetch from an archive (C-GET)."`
	Move        moveCommand        `cmd:"" help:"Have an archive send to another device (C-MOVE)."`
	Store       storeCommand       `cmd:"" help:"Send files to an archive (C-STORE)."`
	Verify      verifyCommand      `cmd:"" help:"Read everything back and compare it with what was received."`
	Access      accessCommand      `cmd:"" help:"Budgets, emergency access and its reviews."`
	Share       shareCommand       `cmd:"" help:"Links to studies for patients and referring doctors."`
	Erase       eraseCommand       `cmd:"" help:"Erase studies: two people, and no hold or retention in the way."`
	Export      exportCommand      `cmd:"" help:"Write a patient's studies out: DICOMDIR, a page, hashes."`
	Retention   retentionCommand   `cmd:"" help:"How long studies have to be kept, and legal holds."`
	Quarantine  quarantineCommand  `cmd:"" help:"Instances with other bytes under a UID that was taken."`
	Audit       auditCommand       `cmd:"" help:"The audit trail."`
	Survey      surveyCommand      `cmd:"" help:"Who stands open, how badly, and how to mend it."`
	Dump        dumpCommand        `cmd:"" help:"Print the data elements of a DICOM file."`
	Conformance conformanceCommand `cmd:"" help:"Print the DICOM conformance statement."`
	Version     versionCommand     `cmd:"" help:"Print the version."`

	Completion kongcompletion.Completion `cmd:"" help:"Print how to complete commands in your shell."`
}

// usageError is an error of whoever typed the command.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// out is where subcommands print: results to Writer, the rest to Err.
type out struct {
	io.Writer
	Err io.Writer
}

func main() { os.Exit(run(os.Args[1:], out{os.Stdout, os.Stderr})) }

// run does one command and returns the exit status.
func run(args []string, o out) int {
	var c commands
	exit := -1
	parser, err := kong.New(&c, kong.Name("tresor"),
		kong.Description("A medical image archive that answers no stranger."),
		kong.UsageOnError(), kong.Writers(o, o.Err), kong.Exit(func(code int) { exit = code }),
		kong.Bind(&c.globals, o))
	if err != nil {
		fmt.Fprintln(o.Err, "tresor:", err)
		return exitFailed
	}
	kongcompletion.Register(parser)
	k, err := parser.Parse(args)
	if exit >= 0 { // --help has been answered
		return exit
	}
	if err != nil {
		fmt.Fprintf(o.Err, "tresor: %v\nTry: tresor --help\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k.BindTo(ctx, (*context.Context)(nil))
	err = k.Run()
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errReported):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintln(o.Err, "tresor:", err)
		return exitUsage
	}
	fmt.Fprintln(o.Err, "tresor:", err)
	return exitFailed
}

// errReported says that what went wrong has been printed already.
var errReported = errors.New("failed")
