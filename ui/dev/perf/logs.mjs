// A hundred thousand log records in the table, and a live tail at the rate at which the server cuts.
import { cpuMeter, frames, heap, quantile, wheel } from "./measure.mjs";
import { sendLogs } from "./server.mjs";
import { trace } from "./tracing.mjs";

const SCROLL_MS = 5000;
const LOG_ROWS = 100_000;
const ROWS_A_SECOND = 500;
/** What the page keeps of a tail: until it is full, the heap grows. */
const BUFFER_ROWS = 20_000;
const WATCHED_S = 20;
const LONG_S = 600;

async function loadAll(page) {
  const loaded = () =>
    page.evaluate(() => Number(document.querySelector("main [role=grid]")?.getAttribute("aria-rowcount")));
  const until = Date.now() + 120_000;
  for (let turn = 0; (await loaded()) < LOG_ROWS && Date.now() < until; turn++) {
    // Not twice to the same place: that would be no scrolling.
    await page.evaluate((up) => {
      const grid = document.querySelector("main [role=grid]");
      grid.scrollTop = grid.scrollHeight - grid.clientHeight - up;
    }, turn % 2);
    await page.waitForTimeout(60);
  }
  if ((await loaded()) < LOG_ROWS) throw new Error(`only ${await loaded()} rows came in 120 s`);
}

/** Sends records at a steady rate until `stop` is called. */
function steadily(base, rate) {
  let going = true;
  const sent = (async () => {
    const began = Date.now();
    let count = 0;
    while (going) {
      const due = Math.floor(((Date.now() - began) / 1000) * rate) - count;
      if (due > 0) await sendLogs(base, due, { now: true });
      count += Math.max(0, due);
      await new Promise((done) => setTimeout(done, 250));
    }
    return count;
  })();
  return () => {
    going = false;
    return sent;
  };
}

export const LOG_CASES = [
  {
    name: "logs100k",
    figures: [
      ["100k log rows: frame while scrolling, p95", "ms", 16.7, "frame"],
      ["100k log rows: script of a frame, p95", "ms", 6, "cpu"],
      ["100k log rows: find in them", "ms", 40],
      ["100k log rows: heap", "MB", 150, "size"],
    ],
    async run({ open, base }) {
      await sendLogs(base, LOG_ROWS);
      const page = await open();
      await page.goto(`${base}/logs?q=service:seed-warehouse&from=now-3h`);
      await page.locator("main [role=row]").nth(5).waitFor();
      await loadAll(page);
      await page.evaluate(() => {
        document.querySelector("main [role=grid]").scrollTop = 100_000;
      });
      await page.waitForTimeout(1000);
      const stopScroll = await trace(page);
      const scrolled = await frames(page, () => wheel(page, "main [role=grid]", SCROLL_MS, 400));
      const { frameCpu, frameScript } = await stopScroll();
      await page.keyboard.press("Control+f");
      await page.waitForTimeout(300);
      const stopFind = await trace(page);
      await page.keyboard.insertText("warehouse 3");
      await page.getByText(/ of /).first().waitFor();
      const find = (await stopFind()).longest;
      const used = await heap(page);
      await page.close();
      const frame = { wall: quantile(scrolled, 0.95), cpu: quantile(frameCpu, 0.95) };
      return [frame, quantile(frameScript, 0.95), find, used];
    },
  },
  {
    name: "tail",
    figures: [
      ["live tail, 500 rows a second: of one core", "%", 15, "cpu"],
      ["live tail: longest task", "ms", 50],
      ["live tail: growth of the heap once the buffer is full", "MB", 5, "size"],
    ],
    async run({ open, base, long }) {
      const page = await open();
      await page.goto(`${base}/logs?live=1&q=service:seed-warehouse`);
      await page.waitForTimeout(1500);
      const stopSending = steadily(base, ROWS_A_SECOND);
      try {
        await page.locator("main [role=row]").nth(5).waitFor();
        await page.waitForFunction(
          (rows) => Number(document.querySelector("main [role=grid]")?.getAttribute("aria-rowcount")) >= rows,
          BUFFER_ROWS,
          { timeout: 120_000, polling: 500 },
        );
        const before = await heap(page);
        const watched = long ? LONG_S : WATCHED_S;
        const used = await cpuMeter(page);
        const began = Date.now();
        await page.waitForTimeout((watched - 5) * 1000);
        const share = (await used()) / (Date.now() - began);
        const stop = await trace(page);
        await page.waitForTimeout(5000);
        const { longest } = await stop();
        const grown = Math.max(0, (await heap(page)) - before);
        return [share * 100, longest, grown];
      } finally {
        await stopSending();
        await page.close();
      }
    },
  },
];
