package target

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"192.168.1.7": "192.168.1.7", "192.168.1.7:104": "192.168.1.7:104", "192.168.1.7/24": "192.168.1.0/24",
		"192.168.1.0/24:104": "192.168.1.0/24:104", "fd00::1": "fd00::1", "[fd00::1]:104": "[fd00::1]:104",
		"PACS.example.org": "pacs.example.org", "pacs:104": "pacs:104", "::ffff:10.0.0.1": "10.0.0.1",
		"256.1.1.1": "", "1.2.3": "", "pacs:0": "", "pacs:70000": "", "": "", "a b": "", "-x": "", "fe80::1%eth0": "",
	} {
		got, err := Parse(in)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		in      string
		want    []string
		skipped int
	}{
		"list":      {"# ours\n10.0.0.1\n10.0.0.2:104 # scanner\npacs.example.org\n???\n", []string{"10.0.0.1", "10.0.0.2:104", "pacs.example.org"}, 1},
		"zmap":      {"saddr\n10.0.0.1\n10.0.0.2\n", []string{"10.0.0.1", "10.0.0.2"}, 0},
		"zmap port": {"\"saddr\",\"sport\",\"ttl\"\n10.0.0.1,104,60\n", []string{"10.0.0.1:104"}, 0},
		"masscan":   {"#masscan\nopen tcp 104 10.0.0.1 1700000000\nopen udp 1 10.0.0.1 1\n# end\n", []string{"10.0.0.1:104"}, 1},
		"masscan json": {`[
{"ip":"10.0.0.1","timestamp":"1","ports":[{"port":104,"proto":"tcp","status":"open"}]},
{"ip":"10.0.0.2","ports":[{"port":11112}]}
]`, []string{"10.0.0.1:104", "10.0.0.2:11112"}, 0},
		"shodan": {`{"ip":167772161,"ip_str":"10.0.0.1","port":104,"hostnames":["a.example"],"org":"Clinic","asn":"AS3320","location":{"country_code":"de"},"data":"DICOM Server Response"}
{"port":104}
`, []string{"10.0.0.1:104"}, 1},
		"censys":        {`[{"ip":"10.0.0.1","services":[{"port":104,"service_name":"DICOM"},{"port":80}],"autonomous_system":{"asn":3320,"name":"Telekom"}}]`, []string{"10.0.0.1:104", "10.0.0.1:80"}, 0},
		"censys nested": {`{"host":{"ip":"10.0.0.1","services":[{"port":104}]}}`, []string{"10.0.0.1:104"}, 0},
		"zgrab2":        {`{"ip":"10.0.0.1","data":{"dicom":{"status":"success","port":104}}}`, []string{"10.0.0.1:104"}, 0},
		"nmap": {`<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun><host><address addr="10.0.0.1" addrtype="ipv4"/><address addr="00:11:22:33:44:55" addrtype="mac"/>
<ports><port protocol="tcp" portid="104"><state state="open"/></port><port protocol="tcp" portid="22"><state state="closed"/></port></ports></host>
<host><status state="up"/></host></nmaprun>`, []string{"10.0.0.1:104"}, 1},
		"nmap, hosts down and closed": {`<nmaprun><host><status state="down"/><address addr="10.0.0.1" addrtype="ipv4"/></host>
<host><status state="up"/><address addr="10.0.0.2" addrtype="ipv4"/><ports><extraports state="closed" count="1000"/></ports></host>
<host><status state="up"/><address addr="10.0.0.3" addrtype="ipv4"/></host></nmaprun>`, []string{"10.0.0.3"}, 0},
		"zmap json": {`{"saddr":"10.0.0.1","sport":104,"classification":"synack","success":1}
{"saddr":"10.0.0.2"}
`, []string{"10.0.0.1:104", "10.0.0.2"}, 0},
		"masscan json as it writes it": {`[
{   "ip": "10.0.0.1",   "timestamp": "1", "ports": [ {"port": 104, "proto": "tcp", "status": "open", "reason": "syn-ack", "ttl": 54} ] }
,
{   "ip": "10.0.0.2",   "ports": [ {"port": 105, "proto": "udp"} ] },
{   "ip": "10.0.0.3",   "ports": [ {"port": 106, "service": {"name": "}{", "banner": "\""}} ] },
{finished: 1}
]
`, []string{"10.0.0.1:104", "10.0.0.3:106"}, 1},
		"spaces before records": {`[ {"ip":"10.0.0.1","services":[{"port":104,"transport_protocol":"TCP"},{"port":53,"transport_protocol":"UDP"}]} ]`, []string{"10.0.0.1:104"}, 0},
		"IPv6 list":             {"[fd00::1]:104\nfd00::2\nfd00::3 104\n", []string{"[fd00::1]:104", "fd00::2", "[fd00::3]:104"}, 0},
		"shodan parse":          {"10.0.0.1\t104\tClinic\n10.0.0.2\t11112\t\n10.0.0.3,104\n", []string{"10.0.0.1:104", "10.0.0.2:11112", "10.0.0.3:104"}, 0},
		"shodan csv": {"data,hostnames,ip,ip_str,ipv6,org,isp,location.country_code,os,asn,port,tags\n" +
			"\"DICOM Server Response\nsecond, line\",a.example,167772161,10.0.0.1,,\"Clinic, East\",ISP,DE,,AS3320,104,\n,,1,10.0.0.2\n", []string{"10.0.0.1:104", "10.0.0.2"}, 0},
		"shodan search":   {`{"matches":[{"ip":167772161,"ip_str":"10.0.0.1","port":104},{"ip_str":"10.0.0.2","port":161,"transport":"udp"}],"total":2}`, []string{"10.0.0.1:104"}, 1},
		"censys search":   {`{"code":200,"result":{"total":2,"hits":[{"ip":"10.0.0.1","services":[{"port":104}]},{"ip":"10.0.0.2"}]}}`, []string{"10.0.0.1:104", "10.0.0.2"}, 0},
		"censys platform": {`[{"host_v1":{"resource":{"ip":"10.0.0.1","services":[{"port":104,"protocol":"DICOM"}]},"extensions":{}}}]`, []string{"10.0.0.1:104"}, 0},
		"censys csv":      {"\"ip\",\"services.port\",\"location.country\"\n10.0.0.1,\"[104, 80]\",Germany\n", []string{"10.0.0.1:104", "10.0.0.1:80"}, 0},
		"zgrab2 partly":   {`{"ip":"10.0.0.1","data":{"banner":{"status":"connection-timeout"}}}` + "\n" + `{"domain":"pacs.example.org","data":{}}` + "\n{}\n", []string{"10.0.0.1", "pacs.example.org"}, 1},
		"empty":           {"", nil, 0},
	} {
		r, err := Read(strings.NewReader(c.in), Auto)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, target := range r.Targets {
			got = append(got, target.String())
		}
		if !slices.Equal(got, c.want) || r.Skipped != c.skipped {
			t.Errorf("%s: %v, %d skipped; want %v, %d", name, got, r.Skipped, c.want, c.skipped)
		}
	}
}

func TestReadFields(t *testing.T) {
	r, err := Read(strings.NewReader(`{"ip":1,"ip_str":"10.0.0.1","port":"104","hostnames":["a.example"],"org":"Clinic","asn":"AS3320","location":{"country_code":"de"}}`), JSON)
	if err != nil || len(r.Targets) != 1 {
		t.Fatal(err, r)
	}
	if g := r.Targets[0]; g.Port != 104 || g.Domain != "a.example" || g.Org != "Clinic" || g.ASN != 3320 || g.Country != "DE" {
		t.Errorf("%+v", g)
	}
}

// A table gives what JSON gives of a network.
func TestReadTableFields(t *testing.T) {
	r, err := Read(strings.NewReader("ip;ip_str;port;org;asn;location.country_code\n1;10.0.0.1;104;Clinic, East;AS3320;de\n"), Auto)
	if err != nil || len(r.Targets) != 1 {
		t.Fatal(err, r)
	}
	if g := r.Targets[0]; g.Port != 104 || g.Org != "Clinic, East" || g.ASN != 3320 || g.Country != "DE" {
		t.Errorf("%+v", g)
	}
}

// A list that ends in the midst of a record, and a record without an end, are
// errors: what is missing is not known.
func TestReadCut(t *testing.T) {
	for _, in := range []string{`[{"ip":"10.0.0.1"},{"ip":"10.0`, "{" + strings.Repeat(" ", maxRecord), strings.Repeat("x", maxRecord+1),
		"ip,port\n\"" + strings.Repeat("x", maxRecord+1)} {
		if _, err := Read(strings.NewReader(in), Auto); err == nil {
			t.Errorf("%.40q was read", in)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("10.0.0.1:104\n")
	f.Add(`[{"ip":"10.0.0.1","ports":[{"port":104}]}]`)
	f.Add(`<nmaprun><host><address addr="10.0.0.1"/></host></nmaprun>`)
	f.Fuzz(func(t *testing.T, in string) {
		r, err := Read(strings.NewReader(in), Auto)
		if err != nil {
			return
		}
		for _, target := range r.Targets {
			if again, err := Parse(target.String()); err != nil || again.String() != target.String() {
				t.Errorf("%q does not survive: %v", target, err)
			}
		}
	})
}
