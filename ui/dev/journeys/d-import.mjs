// (d) The files of a real design are imported: every finding is there with its line before anything is taken, and what was
// taken is on its page afterwards. The data is that of the design's own code: default buckets, `status_code` for `status`.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { DESIGN } from "../alert-pages.mjs";
import { sendDesignMetrics } from "./design-metrics.mjs";

export const title = "import of a real design with every finding";

/** Per file: the line of a finding, and words that it has. */
const WANTED = {
  "alert-rules.yaml": [
    [6, "status_code"],
    [21, "default bounds of the SDK"],
    [33, "db_connections_active"],
    [42, "db_query_duration_seconds"],
    [53, "redis_memory_usage_bytes"],
    [59, "humanizeBytes"],
    [62, "redis_cache_"],
    [77, "go_memstats_alloc_bytes"],
    [83, "humanizeBytes"],
    [86, "go_goroutines"],
    [96, "telegram_messages_total"],
    [106, "telegram_message_processing_duration_seconds"],
  ],
  "alertmanager-config.yml": [
    [2, "localhost:587"],
    [15, "deprecated"],
    [18, "deprecated"],
    [24, "localhost:5001"],
    [28, "stands for the real one"],
    [29, "subject"],
    [30, "body"],
    [38, "not filled in"],
    [50, "stands for the real one"],
    [51, "subject"],
    [52, "body"],
    [60, "can never match"],
    [61, "deprecated"],
    [63, "deprecated"],
  ],
  "error-budgets.yaml": [
    [3, "does not say what is counted"],
    [8, "does not say what is counted"],
    [13, "does not say what is counted"],
  ],
  "otel-collector-config.yaml": [
    [31, "0.0.0.0 is no address"],
    [35, "query-service"],
    [43, "check_interval"],
    [53, "stores in"],
    [57, "how long telemetry is kept"],
    [71, "batch"],
    [84, "health_check"],
  ],
  "application.json": [
    [20, "status_code"],
    [30, "default bounds of the SDK"],
    [40, "telegram_active_users"],
  ],
  "database.json": [
    [10, "db_connections_active"],
    [24, "operation"],
  ],
};

export async function run({ context, expect, start }) {
  const server = await start();
  await sendDesignMetrics(server);
  const page = await context.newPage();
  await page.goto(`${server.base}/import`);
  await page.getByRole("button", { name: "Choose files" }).waitFor();
  await page.setInputFiles("input[type=file]", DESIGN);
  const missing = [];
  for (const path of DESIGN) {
    const name = basename(path);
    const card = page.locator(`section[aria-label="${name}"]`);
    await card.getByText("Would take").waitFor();
    const rows = await card.locator("li[data-severity]").allTextContents();
    for (const [line, words] of WANTED[name]) {
      if (!rows.some((row) => row.includes(`line ${line}`) && row.includes(words)))
        missing.push(`${name}:${line} ${words}`);
    }
  }
  expect(missing.length === 0, `findings with their lines:\n    ${missing.join("\n    ")}`);
  const rules = await (await fetch(`${server.api}/api/v1/rules`)).json();
  expect(rules.data.groups.length === 0, "nothing was taken by looking");

  // A finding leads to its line.
  const first = page.locator('section[aria-label="alert-rules.yaml"]');
  await first.getByRole("button", { name: "line 59" }).click();
  await first.locator("li[data-current=true]", { hasText: "humanizeBytes" }).waitFor();

  for (const name of [
    "alert-rules.yaml",
    "alertmanager-config.yml",
    "error-budgets.yaml",
    "application.json",
    "database.json",
  ]) {
    const card = page.locator(`section[aria-label="${name}"]`);
    await card.getByRole("button", { name: `Import ${name}` }).click();
    await card.getByRole("link", { name: "Open", exact: true }).waitFor();
  }
  await first.getByRole("link", { name: "Open", exact: true }).click();
  await page.waitForURL("**/alerts/rules");
  for (const name of ["HighErrorRate", "RedisMemoryHigh", "TelegramMessageProcessingDelay"]) {
    await page.getByRole("link", { name, exact: true }).waitFor();
  }
  await page.goto(`${server.base}/alerts/routing`);
  await page.getByRole("link", { name: "critical-alerts" }).waitFor();
  await page.getByLabel("Its labels").fill('alertname="HighErrorRate", severity="critical", service="api"');
  await page.getByText("this way").waitFor();
  await page.goto(`${server.base}/alerts/channels/critical-alerts`);
  await page.getByText("disabled: api_url is not filled in").waitFor();

  // Rules that have nothing to look at are a state of their own, with the reason.
  await page.goto(`${server.base}/alerts`);
  const lacking = page.locator("[role=row][data-state='no-data']", { hasText: "RedisMemoryHigh" });
  await lacking.getByText("redis_memory_usage_bytes").waitFor();

  // What was imported comes out as it went in.
  const boards = await (await fetch(`${server.api}/api/ui/v1/dashboards`)).json();
  const mine = boards.dashboards.find((board) => board.source === "user" && /Application/.test(board.title));
  const out = await (await fetch(`${server.api}/api/ui/v1/dashboards/${mine.uid}/export`)).text();
  expect(out === readFileSync(DESIGN[4], "utf8"), "the dashboard is exported byte for byte");
}
