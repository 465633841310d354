// Runs axe-core on every page in every theme; serious and critical findings fail, and what a page is to be looked at with that
// cannot be done. Ends with `N passed, N failed`.
//
//   npm run axe -- [--only services] [--quick] [--theme light] [--phone] [--base http://127.0.0.1:3301]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { flag, launch, openPage, serve, settle } from "./browser.mjs";
import { pages, THEMES } from "./pages.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SHOWN_NODES = 3;
const WIDTH = flag("phone") ? 390 : 1440;
const AT_ONCE = 4;
const ALL_THEMES = THEMES.length > 1 ? [...THEMES, "high-contrast"] : THEMES;

const { base, stop } = await serve();
const { context, close } = await launch();
let passed = 0;
let failed = 0;
try {
  for (const theme of ALL_THEMES) {
    const waiting = await pages(base);
    const turns = Array.from({ length: AT_ONCE }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await look(theme, next);
    });
    await Promise.all(turns);
    process.stdout.write(`${theme}: looked at ${passed + failed} pages so far, ${failed} with findings\n`);
  }
} finally {
  await close();
  await stop();
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

async function look(theme, { name, path, act, prepare }) {
  const said = [];
  const page = await openPage(context, base, { theme, width: WIDTH, path, complain: () => {}, prepare });
  try {
    if (act) {
      await act(page);
      await settle(page);
    }
    // Evaluated through the debugger, which the page's content security policy does not concern.
    await page.evaluate(axe);
    const { violations } = await page.evaluate((tags) => window.axe.run({ runOnly: tags }), TAGS);
    for (const { id, impact, help, nodes } of violations) {
      if (impact !== "serious" && impact !== "critical") continue;
      said.push(`${impact} ${id}: ${help}`);
      for (const node of nodes.slice(0, SHOWN_NODES)) {
        said.push(`    ${node.target.join(" ")}  ${node.any[0]?.message ?? node.all[0]?.message ?? ""}`);
      }
      if (nodes.length > SHOWN_NODES) said.push(`    and ${nodes.length - SHOWN_NODES} more`);
    }
  } catch (error) {
    said.push(error.message);
  }
  await page.close();
  if (said.length === 0) passed++;
  else failed++;
  for (const line of said) process.stdout.write(`${name} ${theme}: ${line}\n`);
}
