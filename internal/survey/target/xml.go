package target

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// nmapHost is a host element of nmap's XML, which masscan writes as well.
type nmapHost struct {
	Status struct {
		State string `xml:"state,attr"`
	} `xml:"status"`
	Addresses []struct {
		Addr string `xml:"addr,attr"`
		Type string `xml:"addrtype,attr"`
	} `xml:"address"`
	Names []struct {
		Name string `xml:"name,attr"`
	} `xml:"hostnames>hostname"`
	Scanned *struct {
		Ports []struct {
			ID       string `xml:"portid,attr"`
			Protocol string `xml:"protocol,attr"`
			State    struct {
				State string `xml:"state,attr"`
			} `xml:"state"`
		} `xml:"port"`
	} `xml:"ports"`
}

// readXML takes each open TCP port of each host. A host whose ports were not
// looked at is taken with the default ones, one that was down is not.
func readXML(r io.Reader, out *Result) error {
	d := xml.NewDecoder(r)
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) {
		return nil, errors.New("only UTF-8 is read")
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("XML: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "host" {
			continue
		}
		var h nmapHost
		if err := d.DecodeElement(&h, &start); err != nil {
			return fmt.Errorf("XML: %w", err)
		}
		if err := h.add(out); err != nil {
			return err
		}
	}
}

func (h *nmapHost) add(out *Result) error {
	var t Target
	for _, a := range h.Addresses {
		if a.Type == "mac" {
			continue
		}
		if p, err := Parse(a.Addr); err == nil && p.Name == "" {
			t = p
			break
		}
	}
	if !t.Prefix.IsValid() {
		out.Skipped++
		return nil
	}
	if h.Status.State == "down" {
		return nil
	}
	if len(h.Names) > 0 && isName(h.Names[0].Name) {
		t.Domain = h.Names[0].Name
	}
	if h.Scanned == nil {
		return out.add(t)
	}
	for _, p := range h.Scanned.Ports {
		port, err := strconv.Atoi(p.ID)
		if p.State.State != "open" || p.Protocol == "udp" || err != nil || port < 1 || port > 65535 {
			continue
		}
		t.Port = port
		if err := out.add(t); err != nil {
			return err
		}
	}
	return nil
}
