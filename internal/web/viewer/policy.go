package viewer

// The content security policies. No foreign host, no code made at run time, no
// inline script.
const (
	// pagePolicy is that of the page. Styles of React are inline; pictures and
	// documents made in the browser are blobs.
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; object-src 'self' blob:; frame-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// decoderPolicy is that of the one worker that decodes pictures, which takes
	// its policy from the answer that its script came in. Its codecs are
	// WebAssembly, bound by code that Emscripten makes at run time.
	decoderPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval'; connect-src 'self'"
)
