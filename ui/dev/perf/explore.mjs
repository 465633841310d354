// The cases of the explore pages that need data of their own: a graph of a million values, 100,000 log records in the
// table, a live tail that is flooded. The data is sent over OTLP before each case.
import { sendGauges, sendManyLogs } from "../seed.mjs";
import { frames, heap, longTasks, quantile, wheel } from "./measure.mjs";

const SCROLL_MS = 5000;
const LOG_ROWS = 100_000;
const SERIES = 100;
/** Seconds of a graph with one value per second and series: together a million values. */
const SECONDS = 10_000;

/** Where the server under test takes OTLP over HTTP. */
async function otlpAddress(base) {
  const status = await (await fetch(`${base}/api/v1/status`)).json();
  return `http://${status.endpoints.otlp_http.replace("0.0.0.0", "127.0.0.1")}`;
}

async function loadAll(page) {
  const loaded = () =>
    page.evaluate(() => Number(document.querySelector("main [role=grid]")?.getAttribute("aria-rowcount")));
  const until = Date.now() + 90_000;
  while ((await loaded()) < LOG_ROWS && Date.now() < until) {
    await page.evaluate(() => {
      const grid = document.querySelector("main [role=grid]");
      grid.scrollTop = grid.scrollHeight;
    });
    await page.waitForTimeout(60);
  }
  if ((await loaded()) < LOG_ROWS) throw new Error(`only ${await loaded()} rows came in 90 s`);
}

export const EXPLORE_CASES = [
  {
    name: "logs100k",
    figures: [
      ["100k log rows: frame while scrolling, p95", "ms", 16.7],
      ["100k log rows: find in them", "ms", 40],
      ["100k log rows: heap", "MB", 150],
    ],
    async run({ open, base }) {
      await sendManyLogs(await otlpAddress(base), LOG_ROWS);
      const page = await open();
      await page.goto(`${base}/logs?q=service:seed-warehouse&from=now-3h`);
      await page.locator("main [role=row]").nth(5).waitFor();
      await loadAll(page);
      await page.evaluate(() => {
        document.querySelector("main [role=grid]").scrollTop = 100_000;
      });
      const scrolled = await frames(page, () => wheel(page, "main [role=grid]", SCROLL_MS, 400));
      await page.keyboard.press("Control+f");
      const tasks = await longTasks(page);
      await page.keyboard.insertText("warehouse 3");
      await page.getByText(/ of /).first().waitFor();
      const find = Math.max(0, ...(await tasks()));
      const used = await heap(page);
      await page.close();
      return [quantile(scrolled, 0.95), find, used];
    },
  },
  {
    name: "chart1m",
    figures: [
      ["1 M values: longest task until they are drawn", "ms", 250],
      ["1 M values: frame while the cursor moves, p95", "ms", 16.7],
    ],
    async run({ open, base }) {
      const end = Math.floor(Date.now() / 1000);
      await sendGauges(await otlpAddress(base), SERIES, SECONDS, end);
      const page = await open();
      await page.goto(`${base}/services`);
      await page.waitForTimeout(500);
      const range = `from=${(end - SECONDS) * 1000}&to=${end * 1000}`;
      await page.goto(`${base}/metrics/explore?q=seed_level&step=1s&${range}`);
      const tasks = await longTasks(page);
      await page.locator(".uplot canvas").first().waitFor();
      await page.waitForTimeout(1500);
      const longest = Math.max(0, ...(await tasks()));
      const box = await page.locator(".uplot").first().boundingBox();
      const moved = await frames(page, async () => {
        for (let at = 0; at < 200; at++) {
          await page.mouse.move(box.x + 100 + at * 5, box.y + 80 + (at % 40) * 4);
          await page.waitForTimeout(16);
        }
      });
      await page.close();
      return [longest, quantile(moved, 0.95)];
    },
  },
  {
    name: "tail",
    figures: [
      ["live tail, flooded: longest task", "ms", 100],
      ["live tail, flooded: growth of the heap", "MB", 40],
    ],
    async run({ open, base }) {
      const otlp = await otlpAddress(base);
      const page = await open();
      await page.goto(`${base}/logs?live=1`);
      await page.locator("main [role=row]").nth(5).waitFor();
      const before = await heap(page);
      const tasks = await longTasks(page);
      for (let round = 0; round < 8; round++) {
        await sendManyLogs(otlp, 5000, { now: true });
        await page.waitForTimeout(700);
      }
      await page.getByText("left out").first().waitFor();
      const longest = Math.max(0, ...(await tasks()));
      const grown = (await heap(page)) - before;
      await page.close();
      return [longest, grown];
    },
  },
];
