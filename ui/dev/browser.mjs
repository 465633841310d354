// What every run in a real browser shares: options, the server under test, Chromium, and the complaints of a page.
//
// Without `--base` Vite serves the sources as they are, over the API of `BELLROCK_API` (default 127.0.0.1:8080); with
// it the pages of a running server are taken.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export function option(name, fallback) {
  const index = process.argv.indexOf(`--${name}`);
  return index < 0 ? fallback : process.argv[index + 1];
}

export const flag = (name) => process.argv.includes(`--${name}`);

/**
 * The address of the pages, and how to stop what serves them. `built`, or `BELLROCK_PAGES=dist`: the files of `dist` instead
 * of the sources.
 */
export async function serve({ built = false } = {}) {
  const base = option("base", "");
  if (base) return { base: base.replace(/\/$/, ""), stop: async () => {} };
  const { createServer, preview } = await import("vite");
  if (built || process.env.BELLROCK_PAGES === "dist") {
    const server = await preview({
      root: fileURLToPath(new URL("..", import.meta.url)),
      preview: { port: 0, host: "127.0.0.1" },
      logLevel: "error",
    });
    return { base: `http://127.0.0.1:${server.httpServer.address().port}`, stop: () => server.close() };
  }
  const server = await createServer({
    root: fileURLToPath(new URL("..", import.meta.url)),
    server: { port: 0, host: "127.0.0.1", hmr: false, watch: null },
    logLevel: "error",
  });
  await server.listen();
  const { port } = server.httpServer.address();
  return { base: `http://127.0.0.1:${port}`, stop: () => server.close() };
}

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser with an empty profile; `close` removes the profile too. */
export async function launch({ width = 1440, height = 900, args = [] } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "bellrock-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport: { width, height },
    args: [...FLAGS, ...args],
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Opens a page in a theme; console errors, exceptions and requests that leave the origin go to `complain`. */
export async function openPage(context, base, { theme, width, height = 900, path, complain, prepare }) {
  const page = await context.newPage();
  await page.setViewportSize({ width, height });
  await page.addInitScript((value) => localStorage.setItem("bellrock.theme", value), theme);
  page.on("console", (message) => {
    // Answers such as 404 are part of what pages show; the browser logs each of them.
    if (message.type() === "error" && !/status of [45]/.test(message.text())) complain(message.text());
  });
  page.on("pageerror", (error) => complain(error.message));
  page.on("request", (request) => {
    const local = request.url().startsWith(base) || /^(data|blob):/.test(request.url());
    if (!local) complain(`request to ${request.url()}`);
  });
  watchRequests(page);
  await prepare?.(page);
  await page.goto(base + path);
  await settle(page);
  return page;
}

const SETTLE_MS = 15_000;
const QUIET_MS = 400;
/** What is still under way after so long is a stream, or is told by a skeleton. */
const STREAM_MS = 3000;
const underWay = new WeakMap();

/** Knows from now on what a page asks for: its load state says only once that nothing is. */
function watchRequests(page) {
  const state = { open: new Map(), changed: Date.now() };
  underWay.set(page, state);
  page.on("request", (request) => {
    state.open.set(request, Date.now());
    state.changed = Date.now();
  });
  const ended = (request) => {
    state.open.delete(request);
    state.changed = Date.now();
  };
  page.on("requestfinished", ended);
  page.on("requestfailed", ended);
}

async function quiet(page) {
  const state = underWay.get(page);
  const until = Date.now() + SETTLE_MS;
  while (Date.now() < until) {
    const now = Date.now();
    const waits = [...state.open.values()].some((since) => now - since < STREAM_MS);
    if (!waits && now - state.changed >= QUIET_MS) return;
    await page.waitForTimeout(50);
  }
}

/** Waits until nothing is loading: no request for a while, no skeleton on the page, fonts there and a frame drawn. */
export async function settle(page) {
  // What was just done asks for its chunk in its own time.
  underWay.get(page).changed = Date.now();
  await page
    .locator("main")
    .waitFor({ timeout: SETTLE_MS })
    .catch(() => {});
  await quiet(page);
  await page
    .waitForFunction(() => !document.querySelector('[role=status][aria-label="Loading"]'), null, { timeout: SETTLE_MS })
    .catch(() => {});
  await page.evaluate(() =>
    document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))),
  );
}
