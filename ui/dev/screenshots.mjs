// Takes a picture of every page in both themes and two sizes, and reports console errors and requests that left the
// origin. Needs a server (`npm run mock`) and Chromium.
//
//   node dev/screenshots.mjs [--base http://127.0.0.1:3301] [--out /tmp/shots] [--only logs,trace] [--quick]
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const option = (name, fallback) => {
  const index = process.argv.indexOf(`--${name}`);
  return index < 0 ? fallback : process.argv[index + 1];
};
const base = option("base", "http://127.0.0.1:3301");
const out = option("out", join(tmpdir(), "bellrock-shots"));
const only = option("only", "").split(",").filter(Boolean);
const quick = process.argv.includes("--quick");

const json = async (path) => (await fetch(`${base}${path}`)).json();

async function pages() {
  const list = [
    ["start", "/start"],
    ["services", "/services"],
    ["service", "/services/api"],
    ["traces", "/traces"],
    ["traces-query", "/traces?q=service:matcher+duration%3E50ms"],
    ["logs", "/logs"],
    ["logs-error", "/logs?q=service:api+(level:error"],
    ["logs-empty", "/logs?q=service:nobody+timeout"],
    ["metrics", "/metrics?q=sum+by+(service_name)+(rate(http_requests_total[5m]))"],
    ["metrics-table", "/metrics?q=process_resident_memory_bytes&tab=table"],
    ["metrics-error", "/metrics?q=rate(http_server_requests_total[5m]"],
    ["metrics-start", "/metrics"],
    ["metrics-missing", "/metrics?q=rate(http_server_requests_totl[5m])"],
  ];
  const traces = (await json("/api/v1/traces?limit=50")).traces ?? [];
  const big =
    traces.filter((trace) => trace.error_count > 0).sort((a, b) => b.span_count - a.span_count)[0] ?? traces[0];
  if (big) list.push(["trace", `/traces/${big.trace_id}`]);
  const log = (await json("/api/v1/logs?limit=20")).logs?.[2];
  if (log) list.push(["logs-peek", `/logs?peek=log:${encodeURIComponent(log.id)}`]);
  return list.filter(([name]) => only.length === 0 || only.includes(name));
}

const SIZES = quick
  ? [[1440, 900]]
  : [
      [1440, 900],
      [1024, 768],
    ];
const THEMES = quick ? ["dark"] : ["dark", "light"];

mkdirSync(out, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), "bellrock-profile-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
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
let problems = 0;
try {
  for (const theme of THEMES) {
    for (const [width, height] of SIZES) {
      for (const [name, path] of await pages()) {
        const page = await context.newPage();
        await page.setViewportSize({ width, height });
        await page.addInitScript((value) => localStorage.setItem("bellrock.theme", value), theme);
        const complain = (text) => {
          problems++;
          process.stdout.write(`${name}: ${text}\n`);
        };
        page.on(
          "console",
          (message) =>
            message.type() === "error" && !message.text().includes("status of 4") && complain(message.text()),
        );
        page.on("pageerror", (error) => complain(error.message));
        page.on("request", (request) => !request.url().startsWith(base) && complain(`request to ${request.url()}`));
        await page.goto(base + path);
        await page.waitForLoadState("networkidle").catch(() => {});
        await page.waitForTimeout(250);
        if (name === "trace")
          await page
            .locator("[role=row]")
            .nth(12)
            .click()
            .catch(() => {});
        await page.waitForTimeout(200);
        await page.screenshot({ path: join(out, `${name}-${theme}-${width}.png`) });
        await page.close();
      }
    }
  }
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
process.stdout.write(`pictures in ${out}, ${problems} problems\n`);
process.exitCode = problems > 0 ? 1 : 0;
