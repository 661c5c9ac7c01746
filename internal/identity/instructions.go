package identity

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Instructions returns the very commands and settings with which common DICOM
// software reaches the archive at address (HOST:PORT) under the AE title called,
// as the device d whose bundle lies in dir.
func Instructions(d *Device, dir, address string, called dicom.AETitle) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = address, "2762"
	}
	i := instructions{d, shell(filepath.Join(dir, BundleKey)), shell(filepath.Join(dir, BundleCert)),
		shell(filepath.Join(dir, BundleCA)), shell(host), port, shell(string(called)), shell(string(d.AETitle()))}
	var b strings.Builder
	i.dcmtk(&b)
	i.dcm4che(&b)
	i.orthanc(&b, dir, host, called)
	return b.String()
}

// instructions holds what the commands need, quoted for a shell.
type instructions struct {
	device             *Device
	key, cert, ca      string
	host, port, called string
	calling            string
}

// dcmtk writes the commands of DCMTK 3.6.7 and later. Its clients wait on
// Nagle's algorithm unless the environment says otherwise.
func (i instructions) dcmtk(b *strings.Builder) {
	fmt.Fprint(b, "DCMTK 3.6.7 or later (TCP_NODELAY makes it many times faster):\n")
	options := fmt.Sprintf("+tls %s %s +cf %s -aet %s -aec %s %s %s", i.key, i.cert, i.ca, i.calling, i.called, i.host, i.port)
	p := i.device.Principal()
	if p.Has(policy.Echo) {
		fmt.Fprintf(b, "  TCP_NODELAY=1 echoscu %s\n", options)
	}
	if p.Has(policy.Store) {
		fmt.Fprintf(b, "  TCP_NODELAY=1 storescu +sd +r %s FOLDER\n", options)
	}
	if p.Has(policy.Find) {
		fmt.Fprintf(b, "  TCP_NODELAY=1 findscu -S -k QueryRetrieveLevel=STUDY -k PatientID -k StudyInstanceUID %s\n", options)
	}
	fmt.Fprint(b, "  (Debian's getscu and movescu cannot do TLS.)\n\n")
}

// dcm4che writes the commands of dcm4che's tools, which want Java key stores.
func (i instructions) dcm4che(b *strings.Builder) {
	fmt.Fprintf(b, `dcm4che (make the key stores once, with a password of your own):
  openssl pkcs12 -export -inkey %s -in %s -name device -passout pass:PASSWORD -out key.p12
  keytool -importcert -noprompt -alias tresor -file %s -keystore ca.p12 -storetype PKCS12 -storepass PASSWORD
`, i.key, i.cert, i.ca)
	options := "--tls12 --tls-cipher TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" +
		" --key-store key.p12 --key-store-type PKCS12 --key-store-pass PASSWORD" +
		" --trust-store ca.p12 --trust-store-type PKCS12 --trust-store-pass PASSWORD"
	connect := fmt.Sprintf("-b %s -c %s@%s:%s", i.calling, i.called, i.host, i.port)
	p := i.device.Principal()
	if p.Has(policy.Echo) { // storescu without files only asks for an echo
		fmt.Fprintf(b, "  storescu %s %s\n", connect, options)
	}
	if p.Has(policy.Store) {
		fmt.Fprintf(b, "  storescu %s %s FOLDER\n", connect, options)
	}
	if p.Has(policy.Find) {
		fmt.Fprintf(b, "  findscu %s %s -L STUDY -r PatientID\n", connect, options)
	}
	if p.Has(policy.Get) {
		fmt.Fprintf(b, "  getscu %s %s -m StudyInstanceUID=UID\n", connect, options)
	}
	fmt.Fprint(b, "\n")
}

// orthanc writes the settings of Orthanc 1.9 and later.
func (i instructions) orthanc(b *strings.Builder, dir, host string, called dicom.AETitle) {
	port, err := strconv.Atoi(i.port)
	if err != nil {
		port = 2762
	}
	settings := map[string]any{
		"DicomAet":                    string(i.device.AETitle()),
		"DicomTlsCertificate":         filepath.Join(dir, BundleCert),
		"DicomTlsPrivateKey":          filepath.Join(dir, BundleKey),
		"DicomTlsTrustedCertificates": filepath.Join(dir, BundleCA),
		"DicomModalities": map[string]any{"tresor": map[string]any{
			"AET": string(called), "Host": host, "Port": port, "UseDicomTls": true,
		}},
	}
	if i.device.Address != "" {
		settings["DicomTlsEnabled"] = true // for what the archive sends to it
	}
	text, err := json.MarshalIndent(settings, "  ", "  ")
	if err != nil {
		return
	}
	fmt.Fprintf(b, "Orthanc 1.9 or later, in its configuration:\n  %s\n", text)
}

// shell quotes a word for a POSIX shell if it needs it.
func shell(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,+@%=", r))
	})
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
