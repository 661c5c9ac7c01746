// Packs the built OHIF of the npm package @ohif/app for embedding: drops what
// an archive does not need or must not ship, moves it below a path of its own,
// takes out what its content security policy forbids, minifies, compresses, and
// collects the notices of third parties. docs/design/viewer.md says why.
//
// usage: node pack.mjs PACKAGE OUT NAME
//
// The files come to lie in OUT/files, those that compress as NAME.br and NAME.gz
// alone; OUT/viewer.json lists them. They are served below /viewer/NAME/.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { transform } from 'esbuild';

const [source, out, name] = process.argv.slice(2);
if (!name) {
  console.error('usage: node pack.mjs PACKAGE OUT NAME');
  process.exit(2);
}
const prefix = `/viewer/${name}/`;

// What is left out: debugging aids, models and runtimes of functions that are
// not offered, what speaks to foreign services or installs itself, and icons.
const dropped = [
  /\.map$/, /^ort\//, /^dicom-microscopy-viewer\//, /^customizations\//,
  /^google\.js$/, /^silent-refresh\.html$/, /^oidc-client\.min\.js$/,
  /^sw\.js$/, /^init-service-worker\.js$/, /^manifest\.json$/,
  /^polyfill\.min\.js$/, /^es6-shim\.min\.js$/,
  /^_headers$/, /^_redirects$/, /^serve\.json$/, /^app-config\.js$/, /^index\.html$/,
  /^assets\/(apple-touch|mstile|firefox|yandex|coast|android|browserconfig|manifest)/,
];

// How often each change must find its place. Another number means another OHIF:
// look at what has changed before you change the number.
const expected = { files: 114, publicPath: 8, cssURL: 5, ndarray: 3, locales: 1, app: 1, styles: 1, decoder: 1 };
const found = Object.fromEntries(Object.keys(expected).map(k => [k, 0]));

const ndarray = fs.readFileSync(new URL('./ndarray.js', import.meta.url), 'utf8');
const notices = new Map(); // text of a comment that names a licence -> files
const packages = new Set(); // npm packages whose modules are in the bundles
const list = {};

function replace(text, what, pattern, by) {
  return text.replace(pattern, (...match) => {
    found[what]++;
    return typeof by === 'function' ? by(...match) : by;
  });
}

async function script(rel, text) {
  for (const m of text.matchAll(/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)/g)) {
    packages.add(m[1]);
  }
  text = replace(text, 'publicPath', /__webpack_require__\.p = "\/";/g, `__webpack_require__.p = ${JSON.stringify(prefix)};`);
  text = replace(text, 'ndarray',
    /function compileConstructor\(dtype, dimension\) \{[\s\S]*?return procedure\(CACHED_CONSTRUCTORS\[dtype\], order\)\s*;?\s*\}/g, () => ndarray);
  // Strings of ours are merged over OHIF's own.
  text = replace(text, 'locales', /resources: src_locales,/g, 'resources: window.viewerLocales(src_locales),');
  const small = await transform(text, { minify: true, legalComments: 'external', target: 'es2022', loader: 'js', logLevel: 'error' });
  for (const comment of (small.legalComments ?? '').split(/(?<=\*\/)\n/)) {
    const key = comment.trim();
    if (key) {
      notices.set(key, [...(notices.get(key) ?? []), rel]);
    }
  }
  return small.code;
}

function contentType(rel) {
  const types = {
    '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.wasm': 'application/wasm',
    '.svg': 'image/svg+xml', '.png': 'image/png', '.jpg': 'image/jpeg', '.gif': 'image/gif', '.ico': 'image/vnd.microsoft.icon',
    '.woff2': 'font/woff2', '.json': 'application/json', '.txt': 'text/plain; charset=utf-8',
  };
  const type = types[path.extname(rel)];
  if (!type) {
    throw new Error(`${rel}: no media type is known for it`);
  }
  return type;
}

const brotli = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);

async function put(rel, data, more = {}) {
  const file = path.join(out, 'files', rel);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const entry = { type: contentType(rel), size: data.length, sha256: createHash('sha256').update(data).digest('hex'), ...more };
  if (/\.(js|css|wasm|svg|json|txt)$/.test(rel)) {
    entry.compressed = true;
    const quality = { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: data.length };
    const [b, g] = await Promise.all([brotli(data, { params: quality }), gzip(data, { level: 9 })]);
    fs.writeFileSync(file + '.br', b);
    fs.writeFileSync(file + '.gz', g);
    total.br += b.length;
    total.gz += g.length;
  } else {
    fs.writeFileSync(file, data);
    total.br += data.length;
    total.gz += data.length;
  }
  total.raw += data.length;
  list[rel] = entry;
}

const total = { raw: 0, br: 0, gz: 0 };

async function pack(rel) {
  let data = fs.readFileSync(path.join(source, 'dist', rel));
  const more = {};
  if (rel.endsWith('.js')) {
    const text = data.toString();
    // The one worker that runs WebAssembly codecs: it gets a policy of its own.
    if (text.includes('decodeImageFrameWorker.js') && !rel.startsWith('app.')) {
      found.decoder++;
      more.decoder = true;
    }
    data = Buffer.from(await script(rel, text));
  } else if (rel.endsWith('.css')) {
    data = Buffer.from(replace(data.toString(), 'cssURL', /url\(\//g, `url(${prefix}`));
  }
  if (/^app\.bundle\.[0-9a-f]+\.js$/.test(rel)) {
    found.app++;
    more.role = 'app';
  } else if (rel === 'app.bundle.css') {
    found.styles++;
    more.role = 'styles';
  }
  await put(rel, data, more);
}

// The notices: OHIF's licence, what the code itself says of its licences, and
// the names of the packages it was built from.
function thirdParties() {
  const parts = [
    'The viewer is OHIF, @ohif/app ' + name.replace(/-[0-9a-f]*$/, '') + ', changed as docs/design/viewer.md of Tresor says.',
    fs.readFileSync(path.join(source, 'LICENSE'), 'utf8').trim(),
    'It was built from these packages of the npm registry, each of which carries its licence:\n\n' +
      [...packages].sort().map(p => '  ' + p).join('\n'),
    'What their code says of authors and licences:',
    ...[...notices.keys()].sort(),
  ];
  return Buffer.from(parts.join('\n\n' + '-'.repeat(72) + '\n\n') + '\n');
}

const files = fs.readdirSync(path.join(source, 'dist'), { recursive: true, withFileTypes: true })
  .filter(e => e.isFile())
  .map(e => path.relative(path.join(source, 'dist'), path.join(e.parentPath ?? e.path, e.name)))
  .filter(rel => !dropped.some(d => d.test(rel)))
  .sort();
found.files = files.length;
const queue = [...files];
await Promise.all([1, 2].map(async () => {
  while (queue.length) {
    await pack(queue.shift());
  }
}));
const wrong = Object.keys(expected).filter(k => found[k] !== expected[k]);
if (wrong.length) {
  for (const k of wrong) {
    console.error(`pack: ${k}: found ${found[k]}, expected ${expected[k]}`);
  }
  process.exit(1);
}
await put('NOTICES.txt', thirdParties());
const sorted = Object.fromEntries(Object.keys(list).sort().map(k => [k, list[k]]));
fs.writeFileSync(path.join(out, 'viewer.json'), JSON.stringify({ name, files: sorted }, null, 1) + '\n');
const MB = n => (n / 1e6).toFixed(1) + ' MB';
console.log(`packed ${Object.keys(list).length} files: ${MB(total.raw)}, ${MB(total.gz)} with gzip, ${MB(total.br)} with brotli; ${packages.size} packages of third parties`);
