// How busy the machine is with other work: a fixed piece of script, and an empty page that is scrolled. A figure that
// misses its budget beside a high noise is judged by CPU time, and says so.
import { frames, quantile, wheel } from "./measure.mjs";
import { trace } from "./tracing.mjs";

const EMPTY =
  "data:text/html,<!doctype html><style>body{margin:0}div{height:9000000px;background:repeating-linear-gradient(%23eee 0 22px,%23fff 22px 44px)}</style><div></div>";
const ROUNDS = 12;

/** Length by CPU time of a script that only computes: 1 on a machine of its own. */
export async function waiting(page) {
  const stop = await trace(page);
  const wall = await page.evaluate(async (rounds) => {
    let total = 0;
    let value = 1;
    for (let round = 0; round < rounds; round++) {
      await new Promise((done) => setTimeout(done, 4));
      const started = performance.now();
      for (let i = 0; i < 4_000_000; i++) value = (value * 1103515245 + 12345) & 0x7fffffff;
      total += performance.now() - started;
    }
    window.__value = value;
    return total;
  }, ROUNDS);
  const { cpu } = await stop();
  return Math.max(1, wall / Math.max(1, cpu));
}

export async function openEmpty(open) {
  const page = await open();
  await page.goto(EMPTY);
  return page;
}

/** The frames of the empty page while it is scrolled, p95: no page can be better here and now. */
export async function emptyFrame(page, milliseconds = 1500) {
  return quantile(await frames(page, () => wheel(page, "div", milliseconds)), 0.95);
}
