// Runs the journeys: whole ways through the UI in a real browser over a real server, which assert what a person would
// see. Each is a file that exports `title` and `run`, and starts
// the servers it needs. Ends with `N passed, N failed`.
//
//   npm run journeys [-- a b g] [--pictures folder]
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch, option } from "../browser.mjs";
import { startServer } from "./server.mjs";

const ALL = {
  a: "./a-first-data.mjs",
  b: "./b-spike.mjs",
  c: "./c-big-trace.mjs",
  d: "./d-import.mjs",
  e: "./e-channel.mjs",
  f: "./f-reload.mjs",
  g: "./g-origin.mjs",
};

const named = process.argv.slice(2).filter((argument) => /^[a-z]$/.test(argument));
const only = named.length > 0 ? named : Object.keys(ALL);
const pictures = option("pictures", "");
if (pictures) mkdirSync(pictures, { recursive: true });

/** Keeps a picture of what a way found, where pictures are wanted. */
const keep = pictures ? (name, picture) => writeFileSync(join(pictures, `${name}.png`), picture) : null;

export function expect(condition, message) {
  if (!condition) throw new Error(message);
}

let passed = 0;
let failed = 0;
for (const letter of only) {
  if (!ALL[letter]) throw new Error(`there is no journey ${letter}: ${Object.keys(ALL).join(", ")}`);
  const { title, run } = await import(ALL[letter]);
  const started = performance.now();
  const { context, close } = await launch();
  context.setDefaultTimeout(20_000);
  const complaints = [];
  const watch = (page) => {
    page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
    page.on("console", (message) => {
      // Answers such as 404 are part of what pages show; the browser logs each of them.
      if (message.type() === "error" && !/status of [45]/.test(message.text())) complaints.push(message.text());
    });
  };
  context.on("page", watch);
  const servers = [];
  // They are stopped after the browser is closed: a page that asks a server which is gone would complain.
  const start = async (options) => {
    const server = await startServer(options);
    servers.push(server);
    return server;
  };
  let problem = null;
  try {
    await run({ context, expect, start, keep });
    if (complaints.length > 0) problem = complaints.join("\n    ");
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  if (pictures) {
    for (const [at, page] of context.pages().entries()) {
      await page.screenshot({ path: join(pictures, `${letter}-${at}.png`) }).catch(() => {});
    }
  }
  await close();
  for (const server of servers) await server.stop();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (problem === null) {
    passed++;
    process.stdout.write(`(${letter}) ${title}: ok, ${seconds} s\n`);
  } else {
    failed++;
    process.stdout.write(`(${letter}) ${title}: FAILED after ${seconds} s\n    ${problem}\n`);
  }
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
