package dicomweb

import (
	"encoding/json"
	"net/http"
	"strings"
)

var openAPIRoutes = []Route{
	{http.MethodGet, "/openapi.json", "Retrieve OpenAPI Description", "PS3.18 section 8.9", openAPIForm, serveOpenAPI},
}

var openAPIForm = &Form{Answers: []string{typePlainJSON}}

// The description of the service as OpenAPI 3.1 has it, as far as it is used here.
type (
	openAPI struct {
		Version    string                         `json:"openapi"`
		Info       map[string]string              `json:"info"`
		Servers    []map[string]string            `json:"servers"`
		Security   []map[string][]string          `json:"security"`
		Paths      map[string]map[string]*openAct `json:"paths"`
		Components map[string]any                 `json:"components"`
	}
	openAct struct {
		ID         string                `json:"operationId"`
		Summary    string                `json:"summary"`
		Where      string                `json:"description"`
		Parameters []openParameter       `json:"parameters,omitempty"`
		Body       *openBody             `json:"requestBody,omitempty"`
		Responses  map[string]openAnswer `json:"responses"`
	}
	openParameter struct {
		Name     string         `json:"name"`
		In       string         `json:"in"`
		Doc      string         `json:"description,omitempty"`
		Required bool           `json:"required,omitempty"`
		Schema   map[string]any `json:"schema"`
	}
	openBody struct {
		Required bool                `json:"required"`
		Content  map[string]struct{} `json:"content"`
	}
	openAnswer struct {
		Doc     string              `json:"description"`
		Content map[string]struct{} `json:"content,omitempty"`
	}
)

// OpenAPI returns the description of the service at a URL, made of its routes.
func OpenAPI(root string) ([]byte, error) {
	d := openAPI{
		Version:  "3.1.0",
		Info:     map[string]string{"title": "Tresor DICOMweb", "version": "1", "description": "DICOM PS3.18, as far as the conformance statement says."},
		Servers:  []map[string]string{{"url": root}},
		Security: []map[string][]string{{"bearer": {}}},
		Paths:    map[string]map[string]*openAct{},
		Components: map[string]any{"securitySchemes": map[string]any{
			"bearer": map[string]string{"type": "http", "scheme": "bearer"},
		}},
	}
	for i := range routes {
		r := &routes[i]
		if d.Paths[r.Pattern] == nil {
			d.Paths[r.Pattern] = map[string]*openAct{}
		}
		d.Paths[r.Pattern][strings.ToLower(r.Method)] = r.describe()
	}
	return json.MarshalIndent(d, "", " ")
}

// describe describes one transaction.
func (r *Route) describe() *openAct {
	a := &openAct{ID: r.id(), Summary: r.Name, Where: r.Where, Responses: map[string]openAnswer{
		"200":     {Doc: "as asked for", Content: contents(r.Form.Answers)},
		"default": {Doc: "why not (RFC 9457)", Content: contents([]string{"application/problem+json"})},
	}}
	for rest := r.Pattern; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			break
		}
		name, tail, _ := strings.Cut(after, "}")
		rest = tail
		a.Parameters = append(a.Parameters, openParameter{Name: name, In: "path", Required: true, Schema: pathSchema(name)})
	}
	for _, p := range r.Form.Query {
		schema := map[string]any{"type": "string"}
		switch {
		case p.Many:
			schema = map[string]any{"type": "array", "items": schema}
		case p.Any:
			schema = map[string]any{"type": "object", "additionalProperties": schema} // exploded: a parameter each
		}
		a.Parameters = append(a.Parameters, openParameter{Name: p.Name, In: "query", Doc: p.Doc, Required: p.Required, Schema: schema})
	}
	if len(r.Form.Takes) > 0 {
		a.Body = &openBody{Required: true, Content: contents(r.Form.Takes)}
	}
	return a
}

// id is a name of the transaction that no other has: several are alike but for
// their path.
func (r *Route) id() string {
	path := strings.NewReplacer("/", " ", "{", "", "}", "", ".", " ", "-", " ").Replace(r.Pattern)
	id := strings.ToLower(r.Method)
	for word := range strings.FieldsSeq(path) {
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return id
}

func contents(types []string) map[string]struct{} {
	if len(types) == 0 {
		return nil
	}
	m := map[string]struct{}{}
	for _, t := range types {
		m[t] = struct{}{}
	}
	return m
}

// pathSchema is what stands for a variable of a path.
func pathSchema(name string) map[string]any {
	switch name {
	case "frames":
		return map[string]any{"type": "string", "pattern": `^[0-9]+(,[0-9]+)*$`}
	case "offset", "length":
		return map[string]any{"type": "integer", "minimum": 0}
	}
	return map[string]any{"type": "string", "pattern": `^[0-9.]{1,64}$`}
}

func serveOpenAPI(x *exchange) error {
	if _, err := x.negotiate(offer{typ: typePlainJSON}); err != nil {
		return err
	}
	b, err := OpenAPI(x.root())
	if err != nil {
		return err
	}
	return x.whole(typePlainJSON, append(b, '\n'))
}
