package file

import (
	"encoding/binary"
	"os"

	"github.com/tresor-pacs/tresor/internal/durable"
)

const (
	checkpointSize  = 32
	checkpointMagic = "TRESMARK"
)

// checkpoint writes down that everything before end is durable, so that
// recovery need not look there. It is only a hint: it is not synced, and a lost
// or damaged one makes recovery read the last pack from its start.
func (a *appender) checkpoint(end place, now bool) {
	if !now && end.pack == a.mark.pack && end.off-a.mark.off < checkpointEvery {
		return
	}
	f, err := a.v.fsys.OpenFile(a.v.path(checkpointName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		a.v.log.Warn("vault: no checkpoint", "error", err)
		return
	}
	defer f.Close()
	var b [checkpointSize]byte
	copy(b[:], checkpointMagic)
	binary.BigEndian.PutUint32(b[8:], end.pack)
	binary.BigEndian.PutUint64(b[16:], uint64(end.off))
	binary.BigEndian.PutUint32(b[checkpointSize-4:], checksum(b[:checkpointSize-4]))
	if _, err := f.WriteAt(b[:], 0); err != nil {
		a.v.log.Warn("vault: no checkpoint", "error", err)
		return
	}
	a.mark = end
}

// readCheckpoint returns the last checkpoint; zero if there is none.
func (v *Vault) readCheckpoint() (p place) {
	b, err := durable.ReadFile(v.fsys, v.path(checkpointName), checkpointSize)
	if err != nil || len(b) != checkpointSize || string(b[:8]) != checkpointMagic ||
		binary.BigEndian.Uint32(b[checkpointSize-4:]) != checksum(b[:checkpointSize-4]) {
		return place{}
	}
	return place{binary.BigEndian.Uint32(b[8:]), int64(binary.BigEndian.Uint64(b[16:]))}
}
