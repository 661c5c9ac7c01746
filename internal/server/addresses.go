package server

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// addressesFile tells the command line where a running server listens.
const addressesFile = "running.json"

// Addresses are where a server listens.
type Addresses struct {
	DICOM string `json:"dicom"`
	HTTPS string `json:"https"`
}

func (a Addresses) write(dir string) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return durable.WriteFile(durable.OS, filepath.Join(dir, addressesFile), append(b, '\n'), 0o600)
}

// RunningAddresses returns where the server of a data folder listens, or where
// it would by its configuration.
func RunningAddresses(dir string, c Config) Addresses {
	var a Addresses
	b, err := os.ReadFile(filepath.Join(dir, addressesFile))
	if err != nil || json.Unmarshal(b, &a) != nil || a.DICOM == "" {
		return Addresses{c.DICOM, c.HTTPS}
	}
	return a
}
