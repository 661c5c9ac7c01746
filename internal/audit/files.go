package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// suffix of the files with records. Their names are numbers, from 1.
const suffix = ".log"

func fileName(n uint64) string { return fmt.Sprintf("%08d%s", n, suffix) }

// parseFileName returns the number of a file with records.
func parseFileName(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) < 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && fileName(n) == name
}

// listFiles returns the numbers of the files in dir, in order.
func listFiles(fsys durable.FS, dir string) ([]uint64, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the files: %w", err)
	}
	var numbers []uint64
	for _, name := range names {
		if n, ok := parseFileName(name); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers) // names of 9 digits do not sort as text
	return numbers, nil
}

// lineReader reads a file line by line and knows where it is.
type lineReader struct {
	r      *bufio.Reader
	offset int64 // after the last whole line
	line   int   // number of the last line read
}

func newLineReader(f io.ReaderAt, offset int64) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(io.NewSectionReader(f, offset, 1<<62), 64<<10), offset: offset}
}

// errPartial says that the file ends in the middle of a line.
var errPartial = errors.New("file ends in the middle of a line")

// next returns the next line without its line feed; io.EOF after the last one,
// errPartial with what there is of a line that has no end, and errSyntax with
// the beginning of a line that is too long.
func (l *lineReader) next() ([]byte, error) {
	l.line++
	b, err := l.r.ReadSlice('\n')
	if err == nil {
		l.offset += int64(len(b))
		return b[:len(b)-1], nil
	}
	long := bytes.Clone(b)
	size := int64(len(b))
	for err == bufio.ErrBufferFull {
		b, err = l.r.ReadSlice('\n')
		size += int64(len(b))
		if len(long) <= maxLine {
			long = append(long, b...)
		}
	}
	switch {
	case err == io.EOF && size == 0:
		return nil, io.EOF
	case err == io.EOF:
		return long, errPartial
	case err != nil:
		return nil, fmt.Errorf("read: %w", err)
	}
	l.offset += size
	if size > maxLine {
		return long, errSyntax
	}
	return long[:len(long)-1], nil
}

// openFile opens the file number n for appending.
func (t *Trail) openFile(n uint64) (durable.File, error) {
	return t.fsys.OpenFile(filepath.Join(t.dir, fileName(n)), os.O_RDWR, 0o600)
}

// create makes the file number n with its header, durably.
func (t *Trail) create(h header) error {
	return durable.WriteFile(t.fsys, filepath.Join(t.dir, fileName(h.file)), h.append(nil), 0o600)
}

// roll goes on to a new file. The head says so, durably, before the new file
// holds a record: a file after the head's own never does.
func (t *Trail) roll() error {
	h := header{t.at.id, t.at.file + 1, t.at.seq + 1, t.at.chain}
	if err := t.create(h); err != nil {
		return harmless{fmt.Errorf("begin the next file: %w", err)}
	}
	f, err := t.openFile(h.file)
	if err != nil {
		return harmless{fmt.Errorf("begin the next file: %w", err)}
	}
	old := t.file
	t.file = f
	t.at.file, t.at.offset = h.file, int64(len(h.append(nil)))
	t.at.turn++
	if err := t.head.write(t.at, t.box); err != nil {
		return err
	}
	if err := t.head.f.Sync(); err != nil {
		return fmt.Errorf("sync the head: %w", err)
	}
	return old.Close()
}
