package dicomweb

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
)

var capabilityRoutes = []Route{
	{http.MethodOptions, "/", "Retrieve Capabilities", "PS3.18 section 8.9", capabilityForm, serveCapabilities},
	{http.MethodGet, "/conformance", "Retrieve Capabilities", "PS3.18 section 8.9", capabilityForm, serveCapabilities},
}

var capabilityForm = &Form{Answers: []string{typePlainJSON, typeWADL, "application/xml", typeJSON}}

const typeWADL = "application/vnd.sun.wadl+xml"

// The description of the service in the Web Application Description Language
// (PS3.18 annex H), as far as it is used here.
type (
	wadlApplication struct {
		XMLName   xml.Name      `xml:"http://wadl.dev.java.net/2009/02 application" json:"-"`
		Resources wadlResources `xml:"resources" json:"resources"`
	}
	wadlResources struct {
		Base string         `xml:"base,attr" json:"@base"`
		List []wadlResource `xml:"resource" json:"resource"`
	}
	wadlResource struct {
		Path    string       `xml:"path,attr" json:"@path"`
		Methods []wadlMethod `xml:"method" json:"method"`
	}
	wadlMethod struct {
		Name string `xml:"name,attr" json:"@name"`
		ID   string `xml:"id,attr" json:"@id"`
		Doc  string `xml:"doc" json:"doc"`
	}
)

// capabilities describes what the routes say.
func (x *exchange) capabilities() wadlApplication {
	var app wadlApplication
	app.Resources.Base = x.root()
	at := map[string]int{}
	for _, r := range routes {
		i, known := at[r.Pattern]
		if !known {
			i = len(app.Resources.List)
			at[r.Pattern] = i
			app.Resources.List = append(app.Resources.List, wadlResource{Path: strings.TrimPrefix(r.Pattern, "/")})
		}
		l := &app.Resources.List[i]
		l.Methods = append(l.Methods, wadlMethod{Name: r.Method, ID: strings.ReplaceAll(r.Name, " ", ""), Doc: r.Where})
	}
	return app
}

// serveCapabilities answers what the service can do.
func serveCapabilities(x *exchange) error {
	o, err := x.negotiate(offer{typ: typePlainJSON}, offer{typ: typeWADL}, offer{typ: "application/xml"}, offer{typ: typeJSON})
	if err != nil {
		return err
	}
	encode := func() ([]byte, error) {
		return json.Marshal(struct {
			Application wadlApplication `json:"application"`
		}{x.capabilities()})
	}
	if strings.HasSuffix(o.typ, "xml") {
		encode = func() ([]byte, error) { return xml.Marshal(x.capabilities()) }
	}
	b, err := encode()
	if err != nil {
		return err
	}
	x.w.Header().Set("Allow", "GET, HEAD, OPTIONS, POST")
	return x.whole(o.typ, b)
}

// serveAllow answers which methods a resource has.
func serveAllow(methods []string) func(*exchange) error {
	return func(x *exchange) error {
		x.w.Header().Set("Allow", strings.Join(allowed(methods), ", "))
		x.w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// whole answers with a body that is in memory.
func (x *exchange) whole(typ string, body []byte) error {
	x.w.Header().Set("Content-Type", typ)
	x.w.WriteHeader(http.StatusOK)
	if x.Method == http.MethodHead {
		return nil
	}
	_, err := x.w.Write(body)
	return err
}
