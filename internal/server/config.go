package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
)

// Config is everything that an administrator can set. A key that is missing
// means the safe choice; a key that is unknown is an error.
type Config struct {
	// AET is the archive's own AE title; calls to another are rejected.
	AET string `toml:"aet"`
	// DICOM and HTTPS are the addresses to listen on. Loopback unless told otherwise.
	DICOM string `toml:"dicom"`
	HTTPS string `toml:"https"`
	// Metrics is the address of a listener for Prometheus, which has no login:
	// loopback unless a host is named. Empty: none.
	Metrics string `toml:"metrics"`
	// Names are further host names and addresses for the server's certificate.
	Names []string `toml:"names"`
	// Certificate is what HTTPS shows; without it, one of the archive's own CA.
	Certificate Certificate `toml:"certificate"`

	SignIn SignIn `toml:"sign_in"`
	OIDC   OIDC   `toml:"oidc"`
	// Budgets bound what principals take out, by role, and for device and share.
	Budgets map[string]access.Budget `toml:"budgets"`

	Trail Trail `toml:"trail"`
	// SelfSurvey is how often the archive looks at its own listeners as a
	// stranger: between a minute and a week. It also does so at its start.
	SelfSurvey Duration `toml:"self_survey"`

	Limits Limits `toml:"limits"`
	Log    Log    `toml:"log"`
}

// Limits bound what strangers and devices can ask for (requirements N-1 to N-4).
type Limits struct {
	Handshake       Duration `toml:"handshake"`      // for the whole TLS handshake
	ARTIM           Duration `toml:"artim"`          // until the association request is here
	Idle            Duration `toml:"idle"`           // without a PDU
	Associations    int      `toml:"associations"`   // at once
	PerDevice       int      `toml:"per_device"`     // at once, of one certificate
	PerAddress      int      `toml:"per_address"`    // at once, from one address
	NewPerSecond    float64  `toml:"new_per_second"` // connections from one address, on average
	NewBurst        int      `toml:"new_burst"`      // connections from one address, in one go
	MaxPDU          uint32   `toml:"max_pdu"`        // bytes, that we offer to receive
	MinBytesPerTime int      `toml:"min_bytes"`      // that must come in MinTime while a PDU is under way
	MinTime         Duration `toml:"min_time"`       //
	ObjectHeader    int64    `toml:"object_header"`  // bytes of a data set without its bulk values
	ObjectDepth     int      `toml:"object_depth"`   // nesting of sequences
	StopGrace       Duration `toml:"stop_grace"`     // for associations to end after SIGTERM
}

// Log says what is logged, and how.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn, error
	Format string `toml:"format"` // text or json
}

// Duration is a time.Duration written as "15s".
type Duration time.Duration

// UnmarshalText reads a duration such as 15s or 5m.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err == nil && v <= 0 {
		err = errors.New("a duration must be positive")
	}
	*d = Duration(v)
	return err
}

// DefaultConfig returns the configuration without a file.
func DefaultConfig() Config {
	return Config{
		AET: "TRESOR", DICOM: "127.0.0.1:2762", HTTPS: "127.0.0.1:8443", SelfSurvey: Duration(24 * time.Hour),
		Limits: Limits{
			Handshake: Duration(10 * time.Second), ARTIM: Duration(15 * time.Second), Idle: Duration(60 * time.Second),
			Associations: 200, PerDevice: 50, PerAddress: 100, NewPerSecond: 50, NewBurst: 200,
			MaxPDU: 128 << 10, MinBytesPerTime: 240 << 10, MinTime: Duration(30 * time.Second),
			ObjectHeader: 64 << 20, ObjectDepth: 64, StopGrace: Duration(10 * time.Second),
		},
		SignIn: SignIn{SecondFactor: "enrolled"},
		Trail:  defaultTrail(),
		Log:    Log{Level: "info", Format: "text"},
	}
}

// LoadConfig reads file, or DIR/tresor.toml if file is empty; that one may be absent.
func LoadConfig(dir, file string) (Config, error) {
	c := DefaultConfig()
	optional := file == ""
	if optional {
		file = filepath.Join(dir, "tresor.toml")
	}
	f, err := os.Open(file)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close()
	if err := toml.NewDecoder(f).DisallowUnknownFields().Decode(&c); err != nil {
		return c, fmt.Errorf("configuration %s: %w", file, explain(err))
	}
	return c, c.Check()
}

// explain names the keys that a configuration must not have.
func explain(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		return fmt.Errorf("unknown key:\n%s", strict.String())
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		return errors.New(decode.String())
	}
	return err
}

// Check returns what is wrong with the configuration.
func (c *Config) Check() error {
	if _, err := dicom.ParseAETitle(c.AET); err != nil {
		return fmt.Errorf("aet: %w", err)
	}
	for name, address := range map[string]string{"dicom": c.DICOM, "https": c.HTTPS} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("%s: %w; write it as HOST:PORT", name, err)
		}
	}
	if c.Metrics != "" {
		if _, _, err := net.SplitHostPort(c.Metrics); err != nil {
			return fmt.Errorf("metrics: %w; write it as :PORT or HOST:PORT", err)
		}
	}
	if _, port, _ := net.SplitHostPort(c.DICOM); c.DICOM == c.HTTPS && port != "0" {
		return errors.New("dicom and https need different ports (PS3.15 section B.12)")
	}
	if err := errors.Join(c.SignIn.check(), c.checkOIDC()); err != nil {
		return err
	}
	if err := access.CheckBudgets(c.Budgets); err != nil {
		return err
	}
	if err := c.Certificate.check(); err != nil {
		return err
	}
	if err := c.Trail.check(); err != nil {
		return err
	}
	if every := time.Duration(c.SelfSurvey); every < minSelfSurvey || every > maxSelfSurvey {
		return fmt.Errorf("self_survey must lie between %v and %v", minSelfSurvey, maxSelfSurvey)
	}
	l := &c.Limits
	if l.Associations < 1 || l.PerDevice < 1 || l.PerAddress < 1 || l.NewPerSecond <= 0 || l.NewBurst < 1 {
		return errors.New("limits: numbers of associations must be positive")
	}
	if l.MaxPDU < 4096 || l.MaxPDU > 1<<20 {
		return errors.New("limits: max_pdu must lie between 4096 and 1048576")
	}
	if l.ObjectHeader < 1<<20 || l.ObjectDepth < 32 || l.ObjectDepth > 128 {
		return errors.New("limits: object_header must be at least 1 MiB and object_depth between 32 and 128")
	}
	switch c.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		return fmt.Errorf("log: level %q is none of debug, info, warn, error", c.Log.Level)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return fmt.Errorf("log: format %q is none of text, json", c.Log.Format)
	}
	return nil
}
