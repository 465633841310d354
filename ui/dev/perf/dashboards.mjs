// A dashboard of 24 panels with 20 series each: painted, left alone, and left open for long.
import { dashboard } from "./data.mjs";
import { cpuMeter, heap, watch } from "./measure.mjs";
import { makeDashboard, sendSeries } from "./server.mjs";
import { trace } from "./tracing.mjs";

const SERIES = 20;
/** Of the dashboard that is left open. */
const PANELS = 12;
const SHOWN_S = 3600;
const SAMPLE_EVERY_S = 15;
const IDLE_S = 30;
/** Longer than answers are kept that nobody looks at, so that what is let go balances what comes. */
const WARM_REFRESHES = 15;
const REFRESHES = 60;
/** Eight hours at one refresh a minute. */
const LONG_REFRESHES = 480;

/** Stores a dashboard over series of its own, which go back for `minutes` more than it shows. */
async function withDashboard(base, panels, minutes, act) {
  const now = Math.floor(Date.now() / 1000);
  // A name of its own: those of an earlier run stand at the same times.
  const metric = `seed_panels_${now}`;
  await sendSeries(base, SERIES, SHOWN_S + minutes * 60, now, { name: metric, step: SAMPLE_EVERY_S });
  const { uid, remove } = await makeDashboard(base, dashboard(panels, SERIES, metric));
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
      withDashboard(base, 24, 0, async (address) => {
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
    run: ({ open, base, long }) => {
      const refreshes = long ? LONG_REFRESHES : REFRESHES;
      const minutes = WARM_REFRESHES + refreshes + 5;
      return withDashboard(base, PANELS, minutes, async (address) => {
        const page = await open();
        // The clock of the page begins that long ago and is turned on to now; the server's would set it right at once.
        await page.clock.install({ time: Date.now() - minutes * 60_000 });
        await page.addInitScript(() => {
          localStorage.setItem("bellrock.refresh", "60");
          const get = Headers.prototype.get;
          Headers.prototype.get = function (name) {
            return name.toLowerCase() === "date" ? null : get.call(this, name);
          };
        });
        await page.goto(address);
        await page
          .locator("main section .uplot canvas")
          .nth(PANELS - 1)
          .waitFor();
        await page.evaluate(() => {
          for (const plot of document.querySelectorAll("main section .uplot")) plot.dataset.first = "";
        });
        let missed = 0;
        const turn = async (times) => {
          for (let round = 0; round < times; round++) {
            // A server that still answers the last refresh lets one pass.
            const answered = page.waitForResponse(/\/api\/ui\/v1\/batch/, { timeout: 30_000 }).catch(() => null);
            await page.clock.fastForward(60_000);
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
        const kept = await page.locator("main section .uplot[data-first]").count();
        if (kept < PANELS) throw new Error(`only ${kept} of ${PANELS} panels stood through all refreshes`);
        await page.close();
        return [Math.max(0, grown * (LONG_REFRESHES / refreshes))];
      });
    },
  },
];
