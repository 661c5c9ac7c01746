package peers

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Orthanc is the archive server of that name in Debian's default configuration,
// but for paths, ports, and whom it knows.
type Orthanc struct {
	AET    string // ORTHANC if empty
	TLS    *TLS   // plain if nil
	Listen int    // DICOM port to listen on; 0 is any
	Knows  map[string]Modality
	// DICOMweb loads the plugin of that name (Debian's orthanc-dicomweb); it
	// answers at /dicom-web of the HTTP interface.
	DICOMweb bool
	// Extra are further settings of its configuration file.
	Extra map[string]any
}

func (s Orthanc) tools() []string {
	if s.DICOMweb {
		return []string{"Orthanc", DICOMwebPlugin}
	}
	return []string{"Orthanc"}
}

// DICOMwebPlugin is where Debian puts Orthanc's plugin.
const DICOMwebPlugin = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"

const orthancDefaults = "/etc/orthanc/orthanc.json"

func (s Orthanc) start(dir string) (*Peer, error) {
	db, err := storage(dir, "db")
	if err != nil {
		return nil, err
	}
	port, err := orFree(s.Listen)
	if err != nil {
		return nil, err
	}
	web, err := FreePort()
	if err != nil {
		return nil, err
	}
	p := &Peer{Name: "Orthanc", AET: orText(s.AET, "ORTHANC"), Port: port, HTTP: web, Dir: db}
	config, err := s.config(p)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "orthanc.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return nil, err
	}
	return serve(p, filepath.Join(dir, "log"), "Orthanc", file)
}

func (s Orthanc) config(p *Peer) ([]byte, error) {
	config := map[string]any{}
	if b, err := os.ReadFile(orthancDefaults); err == nil {
		if err := json.Unmarshal(stripComments(b), &config); err != nil {
			return nil, fmt.Errorf("%s: %w", orthancDefaults, err)
		}
	}
	for _, key := range []string{"LuaScripts", "Plugins", "ServeFolders"} {
		delete(config, key)
	}
	modalities := map[string]any{}
	for name, m := range s.Knows {
		modalities[name] = m.orthanc()
	}
	changes := map[string]any{
		"Name": "test", "StorageDirectory": p.Dir, "IndexDirectory": p.Dir,
		"HttpPort": p.HTTP, "RemoteAccessAllowed": false, "AuthenticationEnabled": false,
		"DicomAet": p.AET, "DicomPort": p.Port, "DicomModalities": modalities,
		// In Debian's file anybody may store and echo, nobody else may query.
		"DicomAlwaysAllowFind": true, "DicomAlwaysAllowGet": true, "DicomAlwaysAllowMove": true,
		"DicomTlsEnabled": s.TLS != nil,
	}
	if s.DICOMweb {
		changes["Plugins"] = []string{DICOMwebPlugin}
	}
	if s.TLS != nil {
		changes["DicomTlsPrivateKey"] = s.TLS.Key
		changes["DicomTlsCertificate"] = s.TLS.Cert
		changes["DicomTlsTrustedCertificates"] = s.TLS.CA
	}
	for _, m := range []map[string]any{changes, s.Extra} {
		for k, v := range m {
			config[k] = v
		}
	}
	return json.MarshalIndent(config, "", " ")
}

func (m Modality) orthanc() map[string]any {
	return map[string]any{"AET": m.AET, "Host": "127.0.0.1", "Port": m.Port, "UseDicomTls": m.TLS,
		"AllowEcho": true, "AllowFind": true, "AllowGet": true, "AllowMove": true, "AllowStore": true}
}

var stringOrComment = regexp.MustCompile(`(?s)"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/`)

// stripComments makes JSON of JSON with comments.
func stripComments(b []byte) []byte {
	return stringOrComment.ReplaceAllFunc(b, func(m []byte) []byte {
		if m[0] == '"' {
			return m
		}
		return nil
	})
}
