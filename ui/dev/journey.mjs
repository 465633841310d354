// Walks through the UI with the keyboard in a real browser and checks what a user would see. Needs a server
// (`npm run mock`) and Chromium. Ends with `N passed, N failed`.
//
//   node dev/journey.mjs [--base http://127.0.0.1:3301]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const index = process.argv.indexOf("--base");
const base = index < 0 ? "http://127.0.0.1:3301" : process.argv[index + 1];
const profile = mkdtempSync(join(tmpdir(), "bellrock-profile-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1440, height: 900 },
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

const complaints = [];
let passed = 0;
let failed = 0;

async function check(name, run) {
  const page = await context.newPage();
  page.setDefaultTimeout(5000);
  page.on("pageerror", (error) => complaints.push(`${name}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("status of 4"))
      complaints.push(`${name}: ${message.text()}`);
  });
  page.on(
    "request",
    (request) => request.url().startsWith(base) || complaints.push(`${name}: request to ${request.url()}`),
  );
  try {
    await run(page);
    passed++;
  } catch (error) {
    failed++;
    process.stdout.write(`FAILED ${name}: ${error instanceof Error ? error.message : error}\n`);
    await page.screenshot({ path: join(tmpdir(), `journey-${name.replaceAll(/\W+/g, "-")}.png`) });
  }
  await page.close();
}

function expect(condition, message) {
  if (!condition) throw new Error(message);
}

const rows = (page) => page.locator("[role=row][aria-rowindex]");

await check("g chords lead to every page", async (page) => {
  await page.goto(`${base}/services`);
  for (const [key, path] of [
    ["t", "/traces"],
    ["l", "/logs"],
    ["m", "/metrics"],
    ["n", "/start"],
    ["s", "/services"],
  ]) {
    await page.locator("h1").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.waitForURL(`**${path}**`);
    await page.waitForFunction(() => document.activeElement?.tagName === "H1");
    expect(!page.url().includes("undefined"), `a clean address: ${page.url()}`);
  }
});

await check("list to trace to span and back", async (page) => {
  await page.goto(`${base}/traces`);
  await rows(page).first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/traces/*");
  await page.locator("[role=treegrid] [role=row]").first().waitFor();
  await page.keyboard.press("j");
  await page.locator("aside[aria-label^=Span]").waitFor();
  expect(page.url().includes("span="), "the span is in the URL");
  await page.keyboard.press("Escape");
  await page.locator("aside[aria-label^=Span]").waitFor({ state: "detached" });
  await page.goBack();
  await page.goBack();
  await page.waitForURL(/\/traces(\?|$)/);
});

await check("a query is run, shared by URL and cleared", async (page) => {
  await page.goto(`${base}/logs`);
  await rows(page).first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("level:error");
  await page.keyboard.press("Enter");
  await page.waitForURL("**q=level:error**");
  await page.waitForFunction(() =>
    [...document.querySelectorAll("[data-level]")].every((row) => row.dataset.level === "ERROR"),
  );
  await page.reload();
  await rows(page).first().waitFor();
  expect((await page.locator("textarea").inputValue()) === "level:error", "the query survives a reload");
});

await check("completion offers fields and values", async (page) => {
  await page.goto(`${base}/logs`);
  await page.locator("textarea").click();
  await page.keyboard.type("serv");
  await page
    .locator("[role=option]", { hasText: /^service/ })
    .first()
    .waitFor();
  await page.keyboard.press("Tab");
  await page.locator("[role=option]").first().waitFor();
  await page.keyboard.press("Tab");
  const text = await page.locator("textarea").inputValue();
  expect(/^service:\S+ $/.test(text), `a value was inserted: ${text}`);
});

await check("a log record opens beside the table", async (page) => {
  await page.goto(`${base}/logs`);
  await rows(page).first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator("aside[aria-label='Log record']").waitFor();
  const first = page.url();
  await page.keyboard.press("j");
  await page.waitForFunction((old) => location.href !== old, first);
  await page.reload();
  await page.locator("aside[aria-label='Log record']").waitFor();
});

await check("the list loads further pages while scrolling", async (page) => {
  await page.goto(`${base}/logs`);
  await rows(page).first().waitFor();
  const grid = page.locator("[role=grid]");
  const before = Number(await grid.getAttribute("aria-rowcount"));
  await grid.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.waitForFunction(
    (count) => Number(document.querySelector("[role=grid]")?.getAttribute("aria-rowcount")) > count,
    before,
  );
});

await check("the palette finds pages and recognises what is pasted", async (page) => {
  await page.goto(`${base}/services`);
  await page.locator("h1").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("metr");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/metrics**");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("sum(rate(up[5m]))");
  await page.keyboard.press("Enter");
  await page.waitForURL("**q=sum**");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("4bf92f3577b34da6a3ce929d0e0e4736");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/traces/4bf92f3577b34da6a3ce929d0e0e4736");
  await page.getByText("No spans with this trace id").waitFor();
});

await check("time is chosen by text and undone with Back", async (page) => {
  await page.goto(`${base}/logs`);
  await rows(page).first().waitFor();
  await page.keyboard.press("t");
  await page.keyboard.press("t");
  await page.keyboard.type("last 15 min");
  await page.keyboard.press("Enter");
  await page.waitForURL("**from=now-15m**");
  await page.getByText("Last 15 min").first().waitFor();
  await page.goBack();
  await page.getByText("Last 1 h").first().waitFor();
});

await check("dragging on the volume chart chooses a range", async (page) => {
  await page.goto(`${base}/logs`);
  await rows(page).first().waitFor();
  const box = await page.locator("[role=img][aria-label^='Log volume']").boundingBox();
  await page.mouse.move(box.x + 300, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + 500, box.y + 50, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=\d{8}T\d{6}/);
});

await check("the shortcut sheet lists the keys of the page", async (page) => {
  await page.goto(`${base}/traces`);
  await rows(page).first().waitFor();
  await page.keyboard.press("?");
  await page.getByText("Open the trace").waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog[open]"));
});

await check("a wrong query shows where it is wrong", async (page) => {
  await page.goto(`${base}/metrics?q=sum(rate(up[5m])`);
  await page.getByRole("alert").waitFor();
  await page.locator("[role=alert] pre span").waitFor();
});

await check("themes switch", async (page) => {
  await page.goto(`${base}/services`);
  await page.locator("h1").waitFor();
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  const seen = new Set([await theme()]);
  for (let i = 0; i < 2; i++) {
    await page.keyboard.press("Shift+T");
    seen.add(await theme());
  }
  expect(seen.has("dark") && seen.has("light"), `both themes: ${[...seen]}`);
});

await context.close();
rmSync(profile, { recursive: true, force: true });
for (const complaint of complaints) process.stdout.write(`${complaint}\n`);
failed += complaints.length;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
