// A dashboard of 24 panels with 20 series each: painted, left alone, and left open for long.
import { dashboard } from "./data.mjs";
import { cpuMeter, heap, watch } from "./measure.mjs";
import { makeDashboard } from "./server.mjs";
import { trace } from "./tracing.mjs";

const METRIC = "traces_span_metrics_duration_milliseconds_bucket";
const IDLE_S = 30;
/** Longer than answers are kept that nobody looks at, so that what is let go balances what comes. */
const WARM_REFRESHES = 15;
const REFRESHES = 60;
/** So far the demo's history reaches back for sure; at its end the clock of the page is put back to its beginning. */
const LAP_MINUTES = 30;
/** Eight hours at one refresh a minute. */
const LONG_REFRESHES = 480;

async function withDashboard(base, panels, act) {
  const { uid, remove } = await makeDashboard(base, dashboard(panels, 20, METRIC));
  try {
    return await act(`${base}/dashboards/${uid}`);
  } finally {
    await remove();
  }
}

export const DASHBOARD_CASES = [
  {
    name: "dashboard",
    figures: [
      ["24 panels of 20 series: all painted after the data", "ms", 1500],
      ["24 panels: longest task", "ms", 80],
      ["24 panels, refreshed every 10 s: of one core", "%", 5, "cpu"],
    ],
    run: ({ open, base }) =>
      withDashboard(base, 24, async (address) => {
        const page = await open();
        await page.setViewportSize({ width: 1600, height: 1900 });
        await page.addInitScript(() => localStorage.setItem("bellrock.refresh", "10"));
        const seen = await watch(page, "main section .uplot canvas", 24);
        await page.goto(address);
        await seen();
        const stop = await trace(page);
        await page.reload();
        const painted = await seen();
        const { longest, cpu } = await stop();
        const bytes = await page.evaluate(() => {
          const found = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/batch"));
          return Math.max(...found.map(({ responseEnd }) => responseEnd));
        });
        const used = await cpuMeter(page);
        await page.waitForTimeout(IDLE_S * 1000);
        const share = (await used()) / (IDLE_S * 1000);
        await page.close();
        return [{ wall: Math.max(0, painted - bytes), cpu }, longest, share * 100];
      }),
  },
  {
    name: "open-long",
    figures: [["12 panels left open: growth of the heap in 8 h", "MB", 10, "size"]],
    run: ({ open, base, long }) =>
      withDashboard(base, 12, async (address) => {
        const page = await open();
        const refreshes = long ? LONG_REFRESHES : REFRESHES;
        // The clock of the page is turned on; the server's would set it right again.
        const start = Date.now() - LAP_MINUTES * 60_000;
        await page.clock.install({ time: start });
        await page.addInitScript(() => {
          localStorage.setItem("bellrock.refresh", "60");
          const get = Headers.prototype.get;
          Headers.prototype.get = function (name) {
            return name.toLowerCase() === "date" ? null : get.call(this, name);
          };
        });
        await page.goto(address);
        await page.locator("main section .uplot canvas").nth(5).waitFor();
        let minutes = 0;
        let missed = 0;
        const turn = async (times) => {
          for (let round = 0; round < times; round++) {
            if (++minutes % LAP_MINUTES === 0) await page.clock.setSystemTime(start);
            // A server that still answers the last refresh lets one pass.
            const answered = page.waitForResponse(/\/batch/, { timeout: 30_000 }).catch(() => null);
            await page.clock.fastForward(61_000);
            const response = await answered;
            await response?.finished();
            missed += Number(response === null);
          }
          if (missed > times / 4) throw new Error(`${missed} refreshes were not answered`);
        };
        await turn(WARM_REFRESHES);
        const before = await heap(page);
        await turn(refreshes);
        const grown = (await heap(page)) - before;
        await page.close();
        return [Math.max(0, grown * (LONG_REFRESHES / refreshes))];
      }),
  },
];
