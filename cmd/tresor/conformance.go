package main

import "github.com/tresor-pacs/tresor/internal/server"

type conformanceCommand struct{}

// Run prints what is offered to the network.
func (*conformanceCommand) Run(o out) error { return server.WriteConformance(o) }
