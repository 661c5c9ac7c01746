package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"

	"github.com/tresor-pacs/tresor/internal/server"
)

// credentials show that a person is at the command line, where an act needs to
// be that person's own: the account that runs the command is nobody's.
type credentials struct {
	CredentialStdin bool `name:"credential-stdin" help:"Read the person's password or bearer token from standard input, one line, instead of asking for it."`
}

// actor returns the person with the name, who has shown password or token.
func (c *credentials) actor(ctx context.Context, a *server.Admin, name string) (*server.Actor, error) {
	secret, err := c.read(name)
	if err != nil {
		return nil, err
	}
	return a.Person(ctx, name, secret)
}

func (c *credentials) read(name string) (string, error) {
	if c.CredentialStdin {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the credential: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", usageError{errors.New("there is no terminal to ask for a password: use --credential-stdin")}
	}
	fmt.Fprintf(os.Stderr, "Password or token of %s: ", name)
	b, err := term.ReadPassword(fd)
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", fmt.Errorf("read the credential: %w", err)
	}
	return string(b), nil
}

// by names the person who decides.
type by struct {
	User string `name:"by" help:"The user who decides." required:"" placeholder:"NAME"`
	credentials
}

func (b *by) actor(ctx context.Context, a *server.Admin) (*server.Actor, error) {
	return b.credentials.actor(ctx, a, b.User)
}

// printable is text of others without what could act on a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
