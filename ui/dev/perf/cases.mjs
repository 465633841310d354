// The measurements, each with its budget. A case gets a fresh page and answers with figures.
import { fakeDocuments } from "../fake-documents.mjs";
import { dashboard, mapAnswer, tracePieces } from "./data.mjs";
import { EXPLORE_CASES } from "./explore.mjs";
import { frames, heap, longTasks, median, quantile, wheel } from "./measure.mjs";

const SCROLL_MS = 4000;

async function sendTrace(base, spans) {
  const status = await (await fetch(`${base}/api/v1/status`)).json();
  const url = `http://${status.endpoints.otlp_http.replace("0.0.0.0", "127.0.0.1")}/v1/traces`;
  const traceId = `${spans.toString(16)}${Date.now().toString(16)}`.padStart(32, "0");
  for (const piece of tracePieces(traceId, spans, Date.now() - 60_000)) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(piece),
    });
    if (!response.ok) throw new Error(`the server refused the trace: ${await response.text()}`);
  }
  return traceId;
}

async function openTrace(page, base, spans) {
  const traceId = await sendTrace(base, spans);
  // The chunk of the page is there already, as it is after hovering a link.
  await page.goto(`${base}/traces/${traceId}`);
  await page.locator("[role=row]").nth(5).waitFor({ timeout: 60_000 });
  let arrived = 0;
  page.on("requestfinished", (request) => {
    if (request.url().includes(`/api/v1/traces/${traceId}`)) arrived = performance.now();
  });
  await page.reload();
  await page.locator("[role=row]").nth(5).waitFor({ timeout: 60_000 });
  const open = performance.now() - arrived;
  const scrolled = await frames(page, () => wheel(page, "[role=treegrid], [role=grid]", SCROLL_MS));
  return { open, frame: quantile(scrolled, 0.95), heap: await heap(page) };
}

/** Name, unit, budget, and how it is measured; a case may give several figures. */
export const CASES = [
  {
    name: "cold",
    figures: [
      ["cold: first contentful paint", "ms", 400],
      ["cold: interactive", "ms", 800],
    ],
    async run({ open, base }) {
      const paints = [];
      const ready = [];
      for (let round = 0; round < 5; round++) {
        const page = await open();
        const session = await page.context().newCDPSession(page);
        await session.send("Network.setCacheDisabled", { cacheDisabled: true });
        await page.goto(`${base}/services`);
        await page.locator("table").waitFor();
        const [paint, interactive] = await page.evaluate(() => [
          performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
          performance.now(),
        ]);
        paints.push(paint);
        ready.push(interactive);
        await page.close();
      }
      return [median(paints), median(ready)];
    },
  },
  {
    name: "routes",
    figures: [["route change with cached data", "ms", 50]],
    async run({ open, base }) {
      const page = await open();
      await page.goto(`${base}/services`);
      await page.locator("table").waitFor();
      for (const name of ["Errors", "Services", "Errors", "Services"]) {
        await page.getByRole("link", { name, exact: true }).first().click();
        await page.waitForTimeout(400);
      }
      const times = [];
      for (let round = 0; round < 6; round++) {
        const [name, path] = round % 2 === 0 ? ["Errors", "/errors"] : ["Services", "/services"];
        times.push(
          await page.evaluate(
            ([wanted, target]) =>
              new Promise((done) => {
                const link = [...document.querySelectorAll("nav a")].find((each) => each.textContent.trim() === wanted);
                const started = performance.now();
                link.click();
                const look = () =>
                  location.pathname.endsWith(target) && document.querySelector("main table")
                    ? done(performance.now() - started)
                    : requestAnimationFrame(look);
                requestAnimationFrame(look);
              }),
            [name, path],
          ),
        );
        await page.waitForTimeout(200);
      }
      await page.close();
      return [median(times)];
    },
  },
  {
    name: "typing",
    figures: [
      ["typing in a filter, p95", "ms", 50],
      ["longest task while typing", "ms", 50],
    ],
    async run({ open, base }) {
      const page = await open();
      await page.goto(`${base}/services`);
      const field = page.getByLabel("Filter services");
      await field.click();
      const tasks = await longTasks(page);
      const times = [];
      for (const letter of "meetsmatchapimeets") {
        const started = performance.now();
        await page.keyboard.press(letter);
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
        times.push(performance.now() - started);
      }
      const longest = Math.max(0, ...(await tasks()));
      await page.close();
      return [quantile(times, 0.95), longest];
    },
  },
  ...[
    ["trace10k", 10_000, 300, 16.7, 150],
    ["trace100k", 100_000, 1000, 25, 250],
  ].map(([name, spans, openMs, frameMs, heapMb]) => ({
    name,
    figures: [
      [`${spans / 1000}k spans: open after the bytes`, "ms", openMs],
      [`${spans / 1000}k spans: frame while scrolling, p95`, "ms", frameMs],
      [`${spans / 1000}k spans: heap`, "MB", heapMb],
    ],
    async run({ open, base }) {
      const page = await open();
      const { open: opened, frame, heap: used } = await openTrace(page, base, spans);
      await page.close();
      return [opened, frame, used];
    },
  })),
  {
    name: "logs",
    figures: [
      ["logs: frame while scrolling, p95", "ms", 16.7],
      ["logs: heap", "MB", 150],
    ],
    async run({ open, base }) {
      const page = await open();
      await page.goto(`${base}/logs`);
      await page.locator("[role=row]").nth(5).waitFor();
      const scrolled = await frames(page, () => wheel(page, "[role=grid]", SCROLL_MS, 400));
      const used = await heap(page);
      await page.close();
      return [quantile(scrolled, 0.95), used];
    },
  },
  ...EXPLORE_CASES,
  {
    name: "dashboard",
    figures: [
      ["24 panels of 20 series: all painted after the data", "ms", 1500],
      ["24 panels: longest task", "ms", 80],
    ],
    async run({ open, base }) {
      const page = await open();
      const metric = "traces_span_metrics_duration_milliseconds_bucket";
      await fakeDocuments(page, { many: dashboard(24, 20, metric) });
      let arrived = performance.now();
      page.on("requestfinished", (request) => {
        if (/query_range|batch/.test(request.url())) arrived = performance.now();
      });
      await page.goto(`${base}/dashboards/many`);
      const tasks = await longTasks(page);
      await page.waitForFunction(() => document.querySelectorAll("main section canvas").length >= 24, null, {
        timeout: 60_000,
      });
      const painted = Math.max(0, performance.now() - arrived);
      const longest = Math.max(0, ...(await tasks()));
      await page.close();
      return [painted, longest];
    },
  },
  {
    name: "map",
    figures: [
      ["map of 300 nodes: drawn after the data", "ms", 1000],
      ["map of 300 nodes: frame while zooming, p95", "ms", 16.7],
    ],
    async run({ open, base }) {
      const page = await open();
      const body = JSON.stringify(mapAnswer(300));
      await page.route("**/api/v1/service-map*", (route) => route.fulfill({ contentType: "application/json", body }));
      let arrived = 0;
      page.on("requestfinished", (request) => {
        if (request.url().includes("service-map")) arrived = performance.now();
      });
      await page.goto(`${base}/map`);
      await page.locator("[role=application] svg g[id]").nth(250).waitFor({ state: "attached" });
      const drawn = performance.now() - arrived;
      let turn = 1;
      const zoomed = await frames(page, async () => {
        const box = await page.locator("[role=application]").boundingBox();
        await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
        const end = Date.now() + SCROLL_MS;
        while (Date.now() < end) {
          turn = -turn;
          for (let step = 0; step < 10; step++) {
            await page.mouse.wheel(0, 40 * turn);
            await page.waitForTimeout(16);
          }
        }
      });
      await page.close();
      return [drawn, quantile(zoomed, 0.95)];
    },
  },
];
