// Measures the built UI in Chromium against its budgets, over a server of its own (`BELLROCK_BIN`, or what cargo built), or
// over the one of `BELLROCK_API`, or of `--base` with its own pages; what it needs is sent there. Beside each figure stands how busy the machine was meanwhile: a length of time
// that misses its budget on a busy machine counts when its CPU time keeps it. Fails when a figure is more than twice its
// budget: machines of CI share their cores. Ends with `N passed, N failed`.
//
//   npm run build && npm run ui-perf -- [--only trace10k,map] [--long] [--record ../docs/benchmarks.md]
import { execSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { flag, launch, option, serve } from "./browser.mjs";
import { CASES } from "./perf/cases.mjs";
import { emptyFrame, openEmpty, waiting } from "./perf/noise.mjs";
import { startMeasured } from "./perf/server.mjs";
import { judge } from "./perf/verdict.mjs";

const only = option("only", "").split(",").filter(Boolean);
const record = option("record", "");
const long = flag("long");

const own = option("base", process.env.BELLROCK_API ?? "") === "" ? await startMeasured() : null;
const { base, stop } = own ?? (await serve({ built: true }));
const { context, close } = await launch({ args: ["--enable-precise-memory-info"] });
const rows = [];
let failed = 0;
const began = Date.now();
const open = async () => {
  const page = await context.newPage();
  await page.setViewportSize({ width: 1440, height: 900 });
  page.setDefaultTimeout(60_000);
  return page;
};
try {
  const empty = await openEmpty(open);
  for (const each of CASES) {
    if (only.length > 0 && !only.includes(each.name)) continue;
    await empty.bringToFront();
    const before = await waiting(empty);
    const frame = each.figures.some(([, , , kind]) => kind === "frame") ? await emptyFrame(empty) : 0;
    try {
      const values = await each.run({ open, base, long });
      await empty.bringToFront();
      const noise = { waiting: Math.max(before, await waiting(empty)), frame };
      each.figures.forEach(([name, unit, budget, kind = "time"], index) => {
        const row = { name, unit, budget, noise, ...judge(values[index], budget, kind, noise) };
        if (row.state === "OVER") failed++;
        rows.push(row);
        process.stdout.write(
          `${row.state.padEnd(9)}${text(row.value).padStart(8)} of ${budget} ${unit}${row.cpu === undefined ? "" : `, CPU ${text(row.cpu)}`}  ${name}  (noise ${noise.waiting.toFixed(1)}${kind === "frame" ? `, empty page ${frame.toFixed(1)} ms` : ""})\n`,
        );
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
if (record && failed === 0) writeFileSync(record, withSection(readFileSync(record, "utf8"), section()));
process.stdout.write(`in ${Math.round((Date.now() - began) / 1000)} s\n`);
process.stdout.write(`${rows.length - rows.filter(({ state }) => state === "OVER").length} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

function text(value) {
  return value >= 1000 ? value.toFixed(0) : value.toFixed(1);
}

function section() {
  const commit = execSync("git rev-parse --short HEAD").toString().trim();
  const day = new Date().toISOString().slice(0, 10);
  const worst = Math.max(1, ...rows.map(({ noise }) => noise.waiting));
  return [
    `## ${day}, the web UI`,
    "",
    `\`make ui-perf\`, commit ${commit}, ${cpus().length} cores, Debian's Chromium without a GPU, the built files over a server with the demo's data.`,
    `Noise is how much longer a fixed script took than its CPU time (1.0: the machine had nothing else to do), at most ${worst.toFixed(1)}; for frames also the`,
    "p95 of an empty page that is scrolled. *by CPU*: the length missed the budget on a busy machine, the CPU time behind it did not. *one turn*: frames come",
    "in turns of the display of 16.67 ms, told in steps of 0.1 ms; what is up to 0.4 ms above its budget is one turn, a frame that is missed reads 33.",
    "",
    "| what | budget | measured | CPU time | noise | |",
    "|---|--:|--:|--:|--:|---|",
    ...rows.map(
      ({ name, unit, budget, value, cpu, noise, state, kind }) =>
        `| ${name} | ${budget} ${unit} | ${text(value)} ${unit} | ${cpu === undefined ? "" : `${text(cpu)} ms`} | ${noise.waiting.toFixed(1)}${kind === "frame" ? ` / ${noise.frame.toFixed(1)} ms` : ""} | ${state === "ok" ? "" : state} |`,
    ),
    "",
  ].join("\n");
}

/** The section of the same day is replaced; a new one stands below the introduction. */
function withSection(all, fresh) {
  const title = fresh.split("\n")[0];
  const start = all.indexOf(title);
  if (start >= 0) {
    const end = all.indexOf("\n## ", start + 1);
    return all.slice(0, start) + fresh + (end < 0 ? "" : all.slice(end));
  }
  const first = all.indexOf("\n## ");
  return first < 0 ? `${all}\n${fresh}` : `${all.slice(0, first)}\n${fresh}${all.slice(first)}`;
}
