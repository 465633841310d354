// A map of 300 services: laid out in its worker, moved and zoomed.
import { mapAnswer } from "./data.mjs";
import { arrived, frames, quantile, watch } from "./measure.mjs";
import { trace } from "./tracing.mjs";

const NODES = 300;
const TURN_MS = 3000;

async function within(page, act) {
  const box = await page.locator("[role=application]").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  const stop = await trace(page);
  const seen = await frames(page, async () => {
    const end = Date.now() + TURN_MS;
    for (let turn = 0; Date.now() < end; turn++) {
      await act(turn, x, y);
      await page.waitForTimeout(16);
    }
  });
  return { wall: quantile(seen, 0.95), cpu: quantile((await stop()).frameCpu, 0.95) };
}

export const MAP_CASES = [
  {
    name: "map",
    figures: [
      ["map of 300 nodes: drawn after the data", "ms", 1000],
      ["map of 300 nodes: frame while panning, p95", "ms", 16.7, "frame"],
      ["map of 300 nodes: frame while zooming, p95", "ms", 16.7, "frame"],
    ],
    async run({ open, base }) {
      const page = await open();
      const body = JSON.stringify(mapAnswer(NODES));
      await page.route("**/api/v1/service-map*", (route) => route.fulfill({ contentType: "application/json", body }));
      const seen = await watch(page, "[role=application] svg g[id]", 250);
      await page.goto(`${base}/map`);
      await seen();
      const stop = await trace(page);
      await page.reload();
      const shown = await seen();
      const { cpu, workerCpu } = await stop();
      const drawn = { wall: shown - (await arrived(page, "service-map")), cpu: cpu + workerCpu };
      await page.waitForTimeout(500);
      await page.mouse.move(800, 500);
      await page.mouse.down();
      const panned = await within(page, (turn, x, y) =>
        page.mouse.move(x + 200 * Math.sin(turn / 12), y + 120 * Math.cos(turn / 12)),
      );
      await page.mouse.up();
      const zoomed = await within(page, (turn) => page.mouse.wheel(0, Math.floor(turn / 10) % 2 === 0 ? 40 : -40));
      await page.close();
      return [drawn, panned, zoomed];
    },
  },
];
