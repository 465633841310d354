// Measures the built UI in Chromium against its budgets, over a running server (`BELLROCK_API`) with the demo's data;
// traces of 10,000 and 100,000 spans are sent to it. Fails when a figure is more than twice its budget: machines of
// CI share their cores. Ends with `N passed, N failed`.
//
//   npm run build && npm run ui-perf -- [--only trace10k,map] [--record ../docs/benchmarks.md]
import { execSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { launch, option, serve } from "./browser.mjs";
import { CASES } from "./perf/cases.mjs";

const SLACK = 2;
const only = option("only", "").split(",").filter(Boolean);
const record = option("record", "");

const { base, stop } = await serve({ built: true });
const { context, close } = await launch({ args: ["--enable-precise-memory-info"] });
const rows = [];
let failed = 0;
try {
  for (const each of CASES) {
    if (only.length > 0 && !only.includes(each.name)) continue;
    const open = async () => {
      const page = await context.newPage();
      await page.setViewportSize({ width: 1440, height: 900 });
      page.setDefaultTimeout(60_000);
      return page;
    };
    try {
      const values = await each.run({ open, base });
      each.figures.forEach(([name, unit, budget], index) => {
        const value = values[index];
        const state = value <= budget ? "ok" : value <= budget * SLACK ? "above" : "OVER";
        if (!(value <= budget * SLACK)) failed++;
        rows.push({ name, unit, budget, value, state });
        process.stdout.write(`${state.padEnd(6)}${value.toFixed(1).padStart(8)} of ${budget} ${unit}  ${name}\n`);
      });
    } catch (error) {
      failed++;
      process.stdout.write(`FAILED ${each.name}: ${error instanceof Error ? error.message : error}\n`);
    }
  }
} finally {
  await close();
  await stop();
}
if (record) writeFileSync(record, withSection(readFileSync(record, "utf8"), section()));
process.stdout.write(`${rows.length - rows.filter(({ state }) => state === "OVER").length} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

function section() {
  const commit = execSync("git rev-parse --short HEAD").toString().trim();
  const day = new Date().toISOString().slice(0, 10);
  return [
    `## ${day}, the web UI`,
    "",
    `\`make ui-perf\`, commit ${commit}, ${cpus().length} cores, Debian's Chromium without a GPU, the built files over a server with the demo's data.`,
    "",
    "| what | measured | budget |",
    "|---|--:|--:|",
    ...rows.map(
      ({ name, unit, budget, value, state }) =>
        `| ${name} | ${value.toFixed(1)} ${unit}${state === "ok" ? "" : " (above)"} | ${budget} ${unit} |`,
    ),
    "",
  ].join("\n");
}

/** The section of the same day is replaced; a new one stands below the introduction. */
function withSection(text, fresh) {
  const title = fresh.split("\n")[0];
  const start = text.indexOf(title);
  if (start >= 0) {
    const end = text.indexOf("\n## ", start + 1);
    return text.slice(0, start) + fresh + (end < 0 ? "" : text.slice(end));
  }
  const first = text.indexOf("\n## ");
  return first < 0 ? `${text}\n${fresh}` : `${text.slice(0, first)}\n${fresh}${text.slice(first)}`;
}
