// Follows a log to its trace in the web UI: node ui.mjs <UI URL> <service> <trace id> <folder for a picture of a failure>
//
// Finds things as a person or a screen reader does, by role and by text.

import { launch } from "./chromium.mjs";

const [url, service, traceId, pictures] = process.argv.slice(2);
const DEADLINE_MS = 15_000;

const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
page.setDefaultTimeout(DEADLINE_MS);
const foreign = [];
const errors = [];
page.on("request", (request) => {
  if (!request.url().startsWith(url) && !request.url().startsWith("data:")) foreign.push(request.url());
});
page.on("pageerror", (error) => errors.push(String(error)));

const step = async (what, run) => {
  try {
    return await run();
  } catch (error) {
    await page.screenshot({ path: `${pictures}/failed.png` });
    throw new Error(`${what}, at ${page.url()}: ${error.message}`);
  }
};

try {
  await page.goto(`${url}/logs?q=${encodeURIComponent(`service:${service}`)}`);
  const row = page.getByRole("row").filter({ hasText: "payment refused" });
  await step("the log is listed", () => row.first().waitFor());
  await step("the log has a link to its trace", () => row.getByRole("link", { name: /trace/i }).first().click());
  await step("the link leads to the trace", () => page.waitForURL(`**/traces/${traceId}**`));
  const span = (name) => page.getByText(name).first();
  await step("the root span is shown", () => span("GET /checkout").waitFor());
  await step("the failing span is shown", () => span("charge card").waitFor());
  await page.reload();
  await step("the page opens from its URL", () => span("charge card").waitFor());
  await page.goBack();
  await step("back leads to the log again", () => row.first().waitFor());

  await page.goto(`${url}/traces?q=${encodeURIComponent(`service:${service}`)}`);
  await step("the trace is listed", () => span("GET /checkout").waitFor());
  console.log(JSON.stringify({ foreign, errors }));
} finally {
  await browser.close();
}
