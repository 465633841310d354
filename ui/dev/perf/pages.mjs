// How soon a page is there, how soon the next one is, and how soon a key shows.
import { keystrokes, median, quantile, watch } from "./measure.mjs";
import { trace } from "./tracing.mjs";

const ROUNDS = 5;
const TABLE = "main table tbody tr";

async function opening(open, base, cold) {
  const paints = [];
  const ready = [];
  const cpu = [];
  const page = await open();
  const session = await page.context().newCDPSession(page);
  const seen = await watch(page, TABLE);
  await page.goto(`${base}/services`);
  await seen();
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: cold });
  for (let round = 0; round < ROUNDS; round++) {
    const stop = await trace(page);
    await page.goto(`${base}/services?round=${round}`);
    ready.push(await seen());
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    paints.push(paint ?? Number.NaN);
    cpu.push((await stop()).cpu);
  }
  await page.close();
  return [
    { wall: median(paints), cpu: median(cpu) },
    { wall: median(ready), cpu: median(cpu) },
  ];
}

export const PAGE_CASES = [
  {
    name: "cold",
    figures: [
      ["cold: first contentful paint", "ms", 400],
      ["cold: interactive", "ms", 800],
    ],
    run: ({ open, base }) => opening(open, base, true),
  },
  {
    name: "warm",
    figures: [["warm: interactive", "ms", 350]],
    run: async ({ open, base }) => (await opening(open, base, false)).slice(1),
  },
  {
    name: "routes",
    figures: [["route change with cached data", "ms", 50]],
    async run({ open, base }) {
      const page = await open();
      await page.goto(`${base}/services`);
      await page.locator("main table").waitFor();
      for (const name of ["Errors", "Services", "Errors", "Services"]) {
        await page.getByRole("link", { name, exact: true }).first().click();
        await page.waitForTimeout(500);
      }
      const times = [];
      const cpu = [];
      for (let round = 0; round < 8; round++) {
        const [name, path] = round % 2 === 0 ? ["Errors", "/errors"] : ["Services", "/services"];
        const stop = await trace(page);
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
        cpu.push((await stop()).cpu);
        await page.waitForTimeout(200);
      }
      await page.close();
      return [{ wall: median(times), cpu: median(cpu) }];
    },
  },
  {
    name: "typing",
    figures: [
      ["typing, from key to paint, p95", "ms", 50],
      ["typing: longest task", "ms", 50],
    ],
    async run({ open, base }) {
      const page = await open();
      const all = [];
      let longest = { wall: 0, cpu: 0 };
      const frameCpu = [];
      const fields = [
        ["/services", () => page.getByLabel("Filter services"), "meetsmatchapi"],
        ["/logs", () => page.locator("main [role=combobox], main textarea").first(), "service:api level"],
        ["/metrics/explore?q=up", () => page.locator("main [role=combobox], main textarea").first(), " + rate(process"],
      ];
      for (const [path, field, text] of fields) {
        await page.goto(`${base}${path}`);
        await page.waitForTimeout(1200);
        await field().click();
        const stop = await trace(page);
        all.push(...(await keystrokes(page, text)));
        const traced = await stop();
        frameCpu.push(...traced.frameCpu);
        if (traced.longest.cpu > longest.cpu) longest = traced.longest;
      }
      await page.close();
      return [{ wall: quantile(all, 0.95), cpu: longest.cpu }, longest];
    },
  },
];
