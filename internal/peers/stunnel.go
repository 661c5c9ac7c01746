package peers

import (
	"fmt"
	"os"
	"path/filepath"
)

// Stunnel wraps TLS around the connections of programs that have none. Its own
// certificate is shown to the other side, whose certificate the CA must have
// signed.
type Stunnel struct {
	TLS TLS
	// Client says that what connects is plain and what is connected to has TLS;
	// otherwise it is the other way round.
	Client bool
	To     int // port to connect to, on the loopback address
	// Listen is the port to listen on; 0 is any.
	Listen int
	// Anybody says that no certificate is asked of the other side.
	Anybody bool
}

func (Stunnel) tools() []string { return []string{"stunnel4"} }

func (s Stunnel) start(dir string) (*Peer, error) {
	port, err := orFree(s.Listen)
	if err != nil {
		return nil, err
	}
	client := "no"
	if s.Client {
		client = "yes"
	}
	verify := "verifyChain = yes\nrequireCert = yes"
	if s.Anybody {
		verify = "verifyChain = no"
	}
	config := fmt.Sprintf(`foreground = yes
pid =
syslog = no
debug = notice
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[dicom]
client = %s
accept = 127.0.0.1:%d
connect = 127.0.0.1:%d
key = %s
cert = %s
CAfile = %s
%s
sslVersionMin = TLSv1.2
TIMEOUTclose = 0
`, client, port, s.To, s.TLS.Key, s.TLS.Cert, s.TLS.CA, verify)
	file := filepath.Join(dir, "stunnel.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return serve(&Peer{Name: "stunnel", Port: port, Dir: dir}, filepath.Join(dir, "log"), "stunnel4", file)
}
