// (c) A trace of ten thousand spans with nothing but the keyboard: the next error, who owns the critical path, and how
// it differs from a typical one.
import { bigTrace, seed, sendSpans, TRACES } from "../seed.mjs";

export const title = "ten thousand spans by keyboard";

export async function run({ context, expect, start }) {
  const server = await start();
  await seed({ otlp: server.otlp, big: false, logs: 0 });
  // Another of the same operation, for what is typical.
  const earlier = BigInt(Date.now() - 300_000) * 1_000_000n;
  await sendSpans(server.otlp, bigTrace(TRACES.slow, 400, earlier, 5));
  const page = await context.newPage();
  // A trace of the list is asked for with the time at which it was: the server reads what lies near that first.
  await page.goto(`${server.base}/traces`);
  const asked = page.waitForRequest((request) => /\/api\/v1\/traces\/[0-9a-f]{32}\?/.test(request.url()));
  await page.getByRole("grid", { name: "Traces" }).getByRole("row").nth(1).click();
  const around = Number(new URL((await asked).url()).searchParams.get("around"));
  expect(Math.abs(around - Date.now()) < 3_600_000, `the trace is asked for around its time: ${around}`);
  expect(new URL(page.url()).searchParams.get("around") === String(around), "the URL of the trace names the time");

  await page.goto(`${server.base}/traces/${TRACES.k10}`);
  const grid = page.locator("[role=treegrid]");
  await grid.locator("[role=row]").first().waitFor();
  const rows = Number(await grid.getAttribute("aria-rowcount"));
  expect(rows > 1000, `the tree is there: ${rows} rows`);
  await page.getByText("10,000", { exact: true }).first().waitFor();

  const panel = page.locator("aside[aria-label^=Span]");
  const seen = new Set();
  for (let at = 0; at < 3; at++) {
    const before = page.url();
    await page.keyboard.press("e");
    await page.waitForFunction((old) => location.href !== old, before);
    await panel.getByText("deadline exceeded").first().waitFor();
    seen.add(new URL(page.url()).searchParams.get("span"));
  }
  expect(seen.size === 3, `each e leads to another error: ${[...seen]}`);

  const before = page.url();
  await page.keyboard.press("c");
  await page.waitForFunction((old) => location.href !== old, before);
  await page.keyboard.press("3");
  const owners = page.getByRole("region", { name: /Who owns the/ });
  await owners.waitFor();
  const shares = await owners.locator("li").allTextContents();
  const total = shares.reduce((sum, each) => sum + Number(/^([\d.]+) %/.exec(each)?.[1] ?? 0), 0);
  expect(total > 97 && total < 103, `the owners' shares add up to the trace: ${total} % of ${shares}`);
  const first = owners.getByRole("button").first();
  for (let presses = 0; presses < 80; presses++) {
    if (await first.evaluate((element) => element === document.activeElement)) break;
    await page.keyboard.press("Tab");
  }
  expect(await first.evaluate((element) => element === document.activeElement), "Tab reaches the first owner");
  await page.keyboard.press("Enter");
  await panel.waitFor();

  await page.keyboard.press("m");
  await page.waitForURL("**/traces/compare?**");
  const why = page.getByRole("region", { name: "What explains the difference" });
  await why.waitFor();
  await page.getByText(/nearest to the median/).waitFor();
  await page.keyboard.press("j");
  await page.waitForURL(/[?&]span=/);
}
