package server

import (
	"io"
	"net/http"
	"time"
)

// patience is how long a body may stand still. A study takes as long as it
// takes, if it moves.
const patience = 60 * time.Second

// patient makes the time limits of a request move along with its bodies.
func patient(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	c := http.NewResponseController(w)
	r.Body = &patientBody{ReadCloser: r.Body, mover: mover{move: c.SetReadDeadline}}
	return &patientWriter{ResponseWriter: w, mover: mover{move: c.SetWriteDeadline}}
}

// mover moves a deadline, a few times a minute.
type mover struct {
	move func(time.Time) error
	last time.Time
}

func (m *mover) progress() {
	if now := time.Now(); now.Sub(m.last) > patience/12 {
		m.last = now
		m.move(now.Add(patience)) // a connection that has no deadlines keeps the server's
	}
}

type patientBody struct {
	io.ReadCloser
	mover
}

func (b *patientBody) Read(p []byte) (int, error) {
	b.progress()
	return b.ReadCloser.Read(p)
}

type patientWriter struct {
	http.ResponseWriter
	mover
}

func (w *patientWriter) Write(p []byte) (int, error) {
	w.progress()
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
