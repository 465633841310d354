// Traces of ten and of a hundred thousand spans: opened, scrolled, held.
import { arrived, frames, heap, quantile, watch, wheel } from "./measure.mjs";
import { sendTrace } from "./server.mjs";
import { trace } from "./tracing.mjs";

const SCROLL_MS = 5000;

export const TRACE_CASES = [
  ["trace10k", 10_000, 300, 16.7, 150],
  ["trace100k", 100_000, 1000, 25, 250],
].map(([name, spans, openMs, frameMs, heapMb]) => ({
  name,
  figures: [
    [`${spans / 1000}k spans: open after the bytes`, "ms", openMs],
    [`${spans / 1000}k spans: frame while scrolling, p95`, "ms", frameMs, "frame"],
    [`${spans / 1000}k spans: script of a frame, p95`, "ms", 6, "cpu"],
    [`${spans / 1000}k spans: heap`, "MB", heapMb, "size"],
  ],
  async run({ open, base }) {
    const traceId = await sendTrace(base, spans);
    const page = await open();
    const seen = await watch(page, "[role=treegrid] [role=row]", 6);
    // The chunk of the page is there already, as it is after hovering a link.
    await page.goto(`${base}/traces/${traceId}`);
    await seen();
    let best = null;
    for (let round = 0; round < 3; round++) {
      const stop = await trace(page);
      await page.reload();
      const shown = await seen();
      const { cpu, workerCpu } = await stop();
      const wall = shown - (await arrived(page, `/api/v1/traces/${traceId}?format`));
      if (!best || wall < best.wall) best = { wall, cpu: cpu + workerCpu };
    }
    await page.waitForTimeout(1500);
    const stop = await trace(page);
    const scrolled = await frames(page, () => wheel(page, "[role=treegrid]", SCROLL_MS));
    const { frameCpu, frameScript } = await stop();
    const used = await heap(page);
    await page.close();
    const frame = { wall: quantile(scrolled, 0.95), cpu: quantile(frameCpu, 0.95) };
    return [best, frame, quantile(frameScript, 0.95), used];
  },
}));
