package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"

	"github.com/tresor-pacs/tresor/dicom"
)

// conn is one connection with its prepared statements. It is for one goroutine
// at a time.
type conn struct {
	*sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
}

// maxStatements bounds the statements that are kept: queries of peers come in
// many shapes.
const maxStatements = 100

func openConn(file, fileSystem string, flags sqlite3.OpenFlag, cacheKiB int) (*conn, error) {
	c, err := sqlite3.OpenFlags("file:"+uriPath(file)+"?vfs="+fileSystem, flags|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	err = errors.Join(fts5.Register(c), c.Exec(fmt.Sprintf(`PRAGMA busy_timeout = 10000; PRAGMA temp_store = memory;
		PRAGMA secure_delete = on; PRAGMA cache_size = -%d`, cacheKiB)))
	if err != nil {
		c.Close()
		return nil, err
	}
	return &conn{Conn: c, stmts: make(map[string]*sqlite3.Stmt)}, nil
}

// uriPath escapes what has a meaning in a URI (https://sqlite.org/uri.html).
func uriPath(p string) string {
	var b []byte
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '%', '?', '#':
			b = fmt.Appendf(b, "%%%02X", c)
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// prepare returns the statement for an SQL text that the program made; values
// are always bound.
func (c *conn) prepare(sql string) (*sqlite3.Stmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		c.forget()
	}
	s, _, err := c.Prepare(sql)
	if err != nil {
		return nil, err
	}
	c.stmts[sql] = s
	return s, nil
}

func (c *conn) forget() {
	for _, s := range c.stmts {
		s.Close()
	}
	clear(c.stmts)
}

func (c *conn) close() error {
	c.forget()
	return c.Close()
}

// query runs a statement and calls row for each row until it returns false. The
// statement is released when query returns.
func (c *conn) query(sql string, args []any, row func(*sqlite3.Stmt) bool) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	defer s.Reset()
	if err := bind(s, args); err != nil {
		return err
	}
	for s.Step() {
		if !row(s) {
			return nil
		}
	}
	return s.Err()
}

// exec runs a statement that has no rows.
func (c *conn) exec(sql string, args ...any) error {
	return c.query(sql, args, func(*sqlite3.Stmt) bool { return true })
}

// number returns the first column of the first row; ok is false if there is none.
func (c *conn) number(sql string, args ...any) (n int64, ok bool, err error) {
	err = c.query(sql, args, func(s *sqlite3.Stmt) bool {
		n, ok = s.ColumnInt64(0), true
		return false
	})
	return n, ok, err
}

// list is bound as a JSON array, which json_each makes a table of: lists of any
// length share one statement.
type list []string

func bind(s *sqlite3.Stmt, args []any) error {
	for i, a := range args {
		if err := bindOne(s, i+1, a); err != nil {
			return err
		}
	}
	return nil
}

func bindOne(s *sqlite3.Stmt, i int, a any) error {
	switch a := a.(type) {
	case nil:
		return s.BindNull(i)
	case int64:
		return s.BindInt64(i, a)
	case int:
		return s.BindInt64(i, int64(a))
	case dicom.Tag:
		return s.BindInt64(i, int64(a))
	case string:
		return s.BindText(i, a)
	case []byte:
		if len(a) == 0 {
			return s.BindZeroBlob(i, 0) // BindBlob would make it NULL
		}
		return s.BindBlob(i, a)
	case list:
		b, err := json.Marshal([]string(a))
		if err != nil {
			return err
		}
		return s.BindText(i, string(b))
	}
	return fmt.Errorf("bind a %T", a)
}

// orNull makes an absent text NULL, which no key matches.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// pool holds the connections of readers.
type pool struct {
	open  func() (*conn, error)
	turns chan struct{} // full when all connections are lent

	mu     sync.Mutex
	free   []*conn // the one used last is lent first: its cache is the warmest
	closed bool
}

func newPool(size int, open func() (*conn, error)) *pool {
	return &pool{open: open, turns: make(chan struct{}, size)}
}

// do lends a connection to f. The context interrupts its statements.
func (p *pool) do(ctx context.Context, f func(*conn) error) error {
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.turns }()
	c, err := p.take()
	if err != nil {
		return err
	}
	defer p.put(c)
	c.SetInterrupt(ctx)
	defer c.SetInterrupt(context.Background())
	if err = f(c); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// take returns a connection to whoever has a turn, a new one if none is free.
func (p *pool) take() (*conn, error) {
	p.mu.Lock()
	closed, n := p.closed, len(p.free)
	var c *conn
	if n > 0 {
		c, p.free = p.free[n-1], p.free[:n-1]
	}
	p.mu.Unlock()
	switch {
	case closed:
		return nil, errClosed
	case c == nil:
		return p.open() // close waits for our turn
	}
	return c, nil
}

func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, c)
}

var errClosed = errors.New("the catalog is closed")

// close waits for all connections to come back and closes them.
func (p *pool) close() error {
	for range cap(p.turns) {
		p.turns <- struct{}{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, c := range p.free {
		errs = append(errs, c.close())
	}
	p.free = nil
	for range cap(p.turns) {
		<-p.turns
	}
	return errors.Join(errs...)
}
