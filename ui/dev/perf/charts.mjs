// Charts of a million values: cut by the server before they go over the wire, drawn, and pointed at.
import { frames, quantile, watch } from "./measure.mjs";
import { sendSeries } from "./server.mjs";
import { trace } from "./tracing.mjs";

const POINTER_MOVES = 200;

/** One chart: what came over the wire, how many points are drawn, the longest task, the cursor. */
async function chart({ open, base }, { series, steps, query }) {
  const end = Math.floor(Date.now() / 1000);
  await sendSeries(base, series, steps, end);
  const page = await open();
  const session = await page.context().newCDPSession(page);
  await page.goto(`${base}/metrics/explore`);
  await page.waitForTimeout(800);
  await session.send("Network.enable");
  const queried = new Set();
  let bytes = 0;
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (/query_range|\/batch/.test(request.url)) queried.add(requestId);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (queried.has(requestId)) bytes += encodedDataLength;
  });
  const seen = await watch(page, ".uplot canvas");
  const stopOpen = await trace(page);
  const range = `from=${(end - steps) * 1000}&to=${end * 1000}`;
  await page.goto(`${base}/metrics/explore?q=${encodeURIComponent(query)}&step=1s&${range}`);
  await seen();
  await page.waitForTimeout(1000);
  const { longest } = await stopOpen();
  const { points, draw } = await page.evaluate(() => {
    const marks = performance.getEntriesByName("chart-draw");
    const last = marks.at(-1);
    return { points: last?.detail?.points ?? Number.NaN, draw: Math.max(...marks.map(({ duration }) => duration)) };
  });
  const box = await page.locator(".uplot").first().boundingBox();
  const stopMove = await trace(page);
  const moved = await frames(page, async () => {
    for (let at = 0; at < POINTER_MOVES; at++) {
      await page.mouse.move(box.x + 100 + at * 4, box.y + 80 + (at % 40) * 4);
      await page.waitForTimeout(16);
    }
  });
  const script = quantile((await stopMove()).frameCpu, 0.95);
  await page.close();
  // Drawing is a part of one task: it took no more CPU time than the longest one.
  const drawn = { wall: draw, cpu: Math.min(draw, longest.cpu) };
  return [bytes / 1000, points, drawn, longest, { wall: quantile(moved, 0.95), cpu: script }];
}

const figures = (title, points, kilobytes) => [
  [`${title}: on the wire`, "KB", kilobytes, "size"],
  [`${title}: points drawn`, "points", points, "size"],
  [`${title}: render`, "ms", 30],
  [`${title}: longest task until it stands`, "ms", 80],
  [`${title}: frame while the cursor moves, p95`, "ms", 16.7, "frame"],
];

export const CHART_CASES = [
  {
    name: "chart1m",
    figures: figures("1 M steps of one series", 6400, 60),
    run: (run) => chart(run, { series: 1, steps: 1_000_000, query: 'seed_level{shard="s0"}' }),
  },
  {
    name: "chart100",
    figures: figures("100 series of 10k steps", 25_600, 250),
    run: (run) => chart(run, { series: 100, steps: 10_000, query: "seed_level" }),
  },
];
