package survey

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey/known"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// FuzzHost looks at a host that answers every connection with some bytes and then
// ends it: all that a host can say is read by this.
func FuzzHost(f *testing.F) {
	for _, s := range []string{"", "\x03\x00\x00\x00\x00\x04\x00\x01\x01\x07", "\x07\x00\x00\x00\x00\x04\x00\x00\x02\x00",
		"\x02\x00\x00\x00\x00\x4e\x00\x01\x00\x00" + strings.Repeat(" ", 32) + strings.Repeat("\x00", 32) + "\x21\x00\x00\x02\x01\x00",
		"\x15\x03\x03\x00\x02\x02\x28", "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{\"ApiVersion\":1,\"Version\":\"1\"}",
		"HTTP/1.1 302 Found\r\nLocation: http://[::1]:1/login\r\n\r\n", "HTTP/1.0 204 X\r\nContent-Type: application/dicom+json\r\n\r\n[]"} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	answer := make(chan []byte, 1)
	said := []byte(nil)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			select {
			case said = <-answer:
			default: // the same again
			}
			c.Write(said)
			c.(*net.TCPConn).CloseWrite()
			c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			var b [512]byte
			for err == nil {
				_, err = c.Read(b[:])
			}
			c.Close()
		}
	}()
	at := ln.Addr().(*net.TCPAddr).AddrPort()
	guard := scope.Own(at)
	f.Fuzz(func(t *testing.T, b []byte, web bool) {
		answer <- b
		p := Prober{Guard: guard, Level: scope.L4, Timeout: 200 * time.Millisecond, Limit: 2 * time.Second}
		e, err := p.Look(context.Background(), Endpoint{Addr: netip.MustParseAddr("127.0.0.1"), Port: int(at.Port()), HTTPS: web})
		if err != nil {
			t.Fatal(err)
		}
		r := e.Data.DICOM.Result
		if r.Severity < 0 || r.Severity > 10 || r.Findings == nil || r.Received > maxReceived || strings.ContainsAny(r.Product+r.Version, "\n\x00\x1b") {
			t.Errorf("%+v", r)
		}
		select {
		case <-answer: // it was not connected to
		default:
		}
	})
}

func FuzzTap(f *testing.F) {
	f.Add([]byte("\x02\x00\xff\xff\xff\xff"), 3)
	f.Add([]byte("HTTP/1.1"), 1)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		x := &tap{}
		for step = max(1, step%64); len(b) > 0; b = b[min(step, len(b)):] {
			x.keep(b[:min(step, len(b))])
		}
		if x.heard(net.ErrClosed); len(x.pdu()) > maxFirstPDU || len(x.first) > maxFirstPDU {
			t.Error("kept too much")
		}
	})
}

func FuzzOrthancSystem(f *testing.F) {
	f.Add([]byte(`{"ApiVersion":1,"Version":"1.2.3"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, is := orthancSystem(answer{status: 200, body: b}); v != "" && (!is || !versionOnly.MatchString(v)) {
			t.Errorf("%q", v)
		}
	})
}

func FuzzIdentify(f *testing.F) {
	f.Add("1.2.276.0.7230010.3.0.3.6.7", "OFFIS_DCMTK_367")
	f.Add("1.2.40.0.13.1.3", "dcm4che-5.31.0")
	f.Fuzz(func(t *testing.T, uid, name string) {
		p, _ := known.Identify(uid, name)
		if strings.Trim(p.Version, ".0123456789") != "" {
			t.Errorf("%+v", p)
		}
		known.Possible(p)
		known.EndOfLife(p)
	})
}

// FuzzReadState reads what a crash, or somebody, left of a state file.
func FuzzReadState(f *testing.F) {
	f.Add(`{"begin":"127.0.0.1:1"}` + "\n" + `{"done":{"ip":"127.0`)
	f.Add(`{"done":{"ip":"::1","port":99999,"data":{"dicom":{"result":{"rung":"L9"}}}}}`)
	f.Fuzz(func(t *testing.T, s string) {
		err := ReadState(strings.NewReader(s), func(l Line) error {
			if l.Done != nil {
				l.Done.Place()
			}
			return nil
		})
		if err != nil && len(s) < maxLine {
			t.Error(err)
		}
	})
}
