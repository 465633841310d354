// Measures what must stay fast in a real browser: opening and scrolling long traces and logs, and charts. Needs a server
// with the data of `dev/seed.mjs --big --logs 100000`; prints one line per figure with its budget.
//
//   node dev/perf.mjs --base http://127.0.0.1:3301 [--only trace10k]
import { flag, launch, option, serve } from "./browser.mjs";
import { TRACES } from "./seed.mjs";

/** Frame times and the longest task while the wheel turns for `ms` over the element. */
async function scroll(page, selector, ms, delta = 240) {
  const box = await page.locator(selector).first().boundingBox();
  await page.mouse.move(box.x + box.width / 3, box.y + box.height / 2);
  await page.evaluate(() => {
    const run = { frames: [], tasks: [], on: true };
    window.__run = run;
    let last = performance.now();
    const tick = (now) => {
      run.frames.push(now - last);
      last = now;
      if (run.on) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    new PerformanceObserver((list) => run.tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({
      type: "longtask",
    });
  });
  const until = Date.now() + ms;
  for (let turn = 0; Date.now() < until; turn++) {
    await page.mouse.wheel(0, turn % 60 < 45 ? delta : -delta);
    await page.waitForTimeout(8);
  }
  return page.evaluate(() => {
    window.__run.on = false;
    const frames = window.__run.frames.slice(1).sort((a, b) => a - b);
    return {
      p50: frames[Math.floor(frames.length * 0.5)],
      p95: frames[Math.floor(frames.length * 0.95)],
      frames: frames.length,
      longest: Math.max(0, ...window.__run.tasks),
    };
  });
}

async function heapMb(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize / 1e6;
}

/** From the last byte of the answer to the picture that has rows. */
async function openTrace(page, base, id) {
  // Chunks of the page are cached by a first visit; what is measured is data, not loading of code.
  await page.goto(`${base}/traces/${TRACES.odd}`);
  await page.waitForSelector("[role=treegrid] [role=row]");
  await page.goto(`${base}/traces/${id}`);
  await page.waitForSelector("[role=treegrid] [role=row]", { timeout: 60_000 });
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        const [bytes] = performance
          .getEntriesByType("resource")
          .filter((entry) => entry.name.includes("format=columns"));
        requestAnimationFrame((now) => resolve(now - bytes.responseEnd));
      }),
  );
}

async function traceCase(page, base, id, name, budget) {
  const opened = await openTrace(page, base, id);
  await page.waitForTimeout(1500);
  const moved = await scroll(page, "[role=treegrid]", 5000);
  return [
    [`${name}: open after the bytes came`, opened, budget.openMs, "ms"],
    [`${name}: scroll, p95 frame`, moved.p95, budget.frameMs, "ms"],
    [`${name}: scroll, longest task`, moved.longest, budget.taskMs, "ms"],
    [`${name}: heap`, await heapMb(page), budget.heapMb, "MB"],
  ];
}

async function logsCase(page, base) {
  await page.goto(`${base}/logs?q=service:seed-warehouse&from=now-6h`);
  await page.waitForSelector("[role=grid] [role=row]");
  const loaded = () =>
    page.evaluate(() => Number(document.querySelector("[role=grid]")?.getAttribute("aria-rowcount")));
  const until = Date.now() + 60_000;
  while ((await loaded()) < 100_000 && Date.now() < until) {
    await page.evaluate(() => {
      const grid = document.querySelector("[role=grid]");
      grid.scrollTop = grid.scrollHeight;
    });
    await page.waitForTimeout(60);
  }
  const rows = await loaded();
  await page.evaluate(() => {
    document.querySelector("[role=grid]").scrollTop = 100_000;
  });
  const moved = await scroll(page, "[role=grid]", 5000);
  return [
    ["logs: rows in the table", rows, -100_000, "rows"],
    ["logs: scroll, p95 frame", moved.p95, 16.7, "ms"],
    ["logs: scroll, longest task", moved.longest, 50, "ms"],
    ["logs: heap", await heapMb(page), 150, "MB"],
  ];
}

const CASES = {
  trace10k: (page, base) =>
    traceCase(page, base, TRACES.k10, "trace of 10,000 spans", { openMs: 300, frameMs: 16.7, taskMs: 50, heapMb: 100 }),
  trace100k: (page, base) =>
    traceCase(page, base, TRACES.k100, "trace of 100,000 spans", {
      openMs: 1000,
      frameMs: 25,
      taskMs: 50,
      heapMb: 250,
    }),
  logs100k: logsCase,
};

const only = option("only", "").split(",").filter(Boolean);
const { base, stop } = await serve();
let failed = 0;
let passed = 0;
for (const [name, run] of Object.entries(CASES)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const { context, close } = await launch();
  try {
    const page = await context.newPage();
    for (const [what, value, budget, unit] of await run(page, base)) {
      // A negative budget is a least, not a most. On shared cores figures may be twice the budget.
      const most = flag("strict") ? budget : budget * 2;
      const ok = budget < 0 ? value >= -budget : value <= most;
      if (ok) passed++;
      else failed++;
      const figure = `${value.toFixed(unit === "rows" ? 0 : 1)} ${unit}`;
      process.stdout.write(
        `${ok ? "ok  " : "OVER"} ${figure.padStart(12)}  budget ${Math.abs(budget)} ${unit}  ${what}\n`,
      );
    }
  } finally {
    await close();
  }
}
await stop();
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
