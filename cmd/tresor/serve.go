package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/tresor-pacs/tresor/internal/server"
)

type serveCommand struct {
	Config  string `help:"Configuration file; without it DIR/tresor.toml, which may be absent." type:"existingfile" placeholder:"FILE"`
	DICOM   string `name:"dicom" help:"Where to listen for DICOM over TLS (default 127.0.0.1:2762)." placeholder:"ADDR"`
	Metrics string `help:"Where to listen for Prometheus, without a login; loopback unless a host is named (default: nowhere)." placeholder:"ADDR"`
	HTTPS   string `name:"https" help:"Where to listen for HTTPS (default 127.0.0.1:8443)." placeholder:"ADDR"`
}

// Run serves the archive until it gets SIGTERM or SIGINT.
func (c *serveCommand) Run(ctx context.Context, g *globals, o out) error {
	config, err := server.LoadConfig(g.Dir, c.Config)
	if err != nil {
		return err
	}
	if c.DICOM != "" {
		config.DICOM = c.DICOM
	}
	if c.HTTPS != "" {
		config.HTTPS = c.HTTPS
	}
	if c.Metrics != "" {
		config.Metrics = c.Metrics
	}
	if g.JSON {
		config.Log.Format = "json"
	}
	tune()
	return server.Run(ctx, g.Dir, config, programVersion(), o, o.Err)
}

// tune sets what the runtime cannot know, unless the environment says otherwise.
func tune() {
	// The heap of the archive is a few megabytes, most of them buffers: collecting
	// it less often costs little memory and saves a tenth of the processor time.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
	// Much of the time goes into system calls that sync. The runtime takes the
	// processor away from each that lasts when all are busy, and looks for them
	// every 20 microseconds: with some to spare it does neither, which saves
	// another tenth (docs/benchmarks.md).
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(3 * runtime.GOMAXPROCS(0))
	}
}
