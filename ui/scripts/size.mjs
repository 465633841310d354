// Measures the built bundle against its budgets and fails when one is exceeded. Sizes are gzip -9 in KB (1000 bytes).
//
//   npm run build && npm run size
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const kb = (bytes) => bytes / 1000;
const assets = readdirSync(join(dist, "assets")).map((name) => {
  const bytes = readFileSync(join(dist, "assets", name));
  return {
    name,
    raw: bytes.length,
    gz: gzipSync(bytes, { level: 9 }).length,
    br: brotliCompressSync(bytes).length,
    text: bytes,
  };
});
const html = readFileSync(join(dist, "index.html"), "utf8");
/** The script itself; `modulepreload` links name others. */
const entry = assets.find((asset) => /<script type="module"[^>]*src="([^"]+)"/.exec(html)?.[1]?.endsWith(asset.name));
if (!entry) throw new Error("index.html names no script");

/** Scripts that `name` loads with it: its static imports, and theirs. */
function closure(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  const code = assets.find((asset) => asset.name === name)?.text.toString("utf8") ?? "";
  for (const match of code.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) closure(match[1], seen);
  return seen;
}

const sum = (names, key) =>
  names.reduce((total, name) => total + (assets.find((asset) => asset.name === name)?.[key] ?? 0), 0);
const shell = closure(entry.name);
const pages = assets.filter((asset) => /Page-.*\.js$/.test(asset.name));
const first = pages.map((page) => ({
  page: page.name,
  gz: sum([...new Set([...shell, ...closure(page.name)])], "gz"),
}));
const scripts = assets.filter((asset) => asset.name.endsWith(".js"));
const styles = assets.filter((asset) => asset.name.endsWith(".css"));
const total = (list, key) => list.reduce((bytes, asset) => bytes + asset[key], 0);

/** Style sheets that a page loads before it is shown: Vite lists what each import needs in the entry. */
function sheetsOf(page) {
  const code = entry.text.toString("utf8");
  const listed = /m\.f=\[([^\]]*)\]/.exec(code)?.[1] ?? "";
  const files = [...listed.matchAll(/"([^"]+)"/g)].map((match) => match[1].replace(/^.*\//, ""));
  const needs = new RegExp(
    `import\\([^)]*${page.replace(/[.]/g, "\\.")}[^_]{0,80}__vite__mapDeps\\(\\[([\\d,]*)\\]`,
  ).exec(code)?.[1];
  return (needs ?? "").split(",").flatMap((index) => {
    const file = files[Number(index)];
    return file?.endsWith(".css") ? [file] : [];
  });
}

const shellSheets = styles.filter((asset) => html.includes(asset.name)).map((asset) => asset.name);
const firstSheets = pages.map((page) => sum([...new Set([...shellSheets, ...sheetsOf(page.name)])], "gz"));
if (shellSheets.length === 0 || pages.every((page) => sheetsOf(page.name).length === 0)) {
  throw new Error("the style sheets of pages are no longer found in the entry");
}

const budgets = [
  ["shell and the heaviest page, JS", kb(Math.max(...first.map((each) => each.gz))), 230],
  ["heaviest page chunk, JS", kb(Math.max(...pages.map((page) => page.gz))), 60],
  ["all JS", kb(total(scripts, "gz")), 620],
  ["shell and the heaviest page, CSS", kb(Math.max(...firstSheets)), 22],
  ["all CSS", kb(total(styles, "gz")), 52],
  ["everything, brotli, with fonts", kb(total(assets, "br")), 650],
];

for (const asset of [...scripts, ...styles].sort((a, b) => b.gz - a.gz)) {
  process.stdout.write(`${kb(asset.gz).toFixed(1).padStart(8)} KB gz  ${asset.name}\n`);
}
let failed = 0;
for (const [what, size, budget] of budgets) {
  const ok = size <= budget;
  if (!ok) failed++;
  process.stdout.write(`${ok ? "ok  " : "OVER"} ${size.toFixed(1).padStart(7)} of ${budget} KB  ${what}\n`);
}
process.stdout.write(`${budgets.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
