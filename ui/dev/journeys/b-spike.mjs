// (b) A spike on a dashboard, clicked: traces of that minute, one of them, its failing span, its log record; and Back
// leads the whole way to the dashboard as it was.
import { samePicture } from "./pictures.mjs";
import { SHOP_DASHBOARD, sendShop } from "./shop.mjs";

export const title = "spike to trace to log and back";

export async function run({ context, expect, start }) {
  const server = await start();
  const times = await sendShop(server);
  const made = await fetch(`${server.api}/api/ui/v1/dashboards`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ document: SHOP_DASHBOARD }),
  });
  expect(made.status === 201, `the dashboard is kept: ${made.status}`);
  const page = await context.newPage();
  await page.goto(`${server.base}/dashboards/shop?from=${times.startMilli}&to=${times.endMilli}`);
  const panel = page.locator("section", { has: page.getByRole("heading", { name: "Failed checkouts" }) }).last();
  const plot = panel.locator(".u-over");
  await plot.waitFor();
  await page.waitForLoadState("networkidle");
  // Another range, and a refresh, put new data into what stands; a panel that was made anew would flash.
  await plot.evaluate((element) => {
    element.kept = true;
  });
  for (const act of [() => page.getByRole("button", { name: "Zoom out" }).click(), () => page.keyboard.press("r")]) {
    const asked = page.waitForResponse((response) => response.url().includes("/api/ui/v1/batch"));
    await act();
    await (await asked).finished();
    await page.waitForLoadState("networkidle");
  }
  expect(await plot.evaluate((element) => element.kept === true), "a panel stands while it gets other data");
  await page.goto(`${server.base}/dashboards/shop?from=${times.startMilli}&to=${times.endMilli}`);
  await plot.waitFor();
  await page.waitForLoadState("networkidle");
  const dashboard = page.url();
  await page.mouse.move(5, 5);
  const before = await panel.screenshot();

  const box = await plot.boundingBox();
  const share = (times.badMilli - times.startMilli) / (times.endMilli - times.startMilli);
  await page.mouse.move(box.x + box.width * share, box.y + box.height * 0.2);
  await page.mouse.click(box.x + box.width * share, box.y + box.height * 0.2);
  await page.getByRole("link", { name: "View traces" }).last().click();
  await page.waitForURL("**/traces?**");
  expect(page.url().includes("service:checkout"), `the traces are those of the series: ${page.url()}`);
  // By the name of its list: rows of the page before still stand while the next one is loaded, and would take the keys.
  const rowsOf = (list) => page.getByRole("grid", { name: list, exact: true }).locator("[role=row][aria-rowindex]");
  await rowsOf("Traces").first().waitFor();

  await page.locator("h1").focus();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/traces\/5409/);
  await page.locator("[role=treegrid] [role=row]").first().waitFor();
  await page.keyboard.press("e");
  const span = page.locator("aside[aria-label^=Span]");
  await span.getByText("the database does not answer").first().waitFor();

  await page.keyboard.press("5");
  await page
    .getByText(/order \d+ failed/)
    .first()
    .waitFor();
  await page.getByRole("link", { name: "Open in Logs" }).click();
  await page.waitForURL("**/logs?**");
  await rowsOf("Log records").first().waitFor();
  await page.locator("h1").focus();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator("aside[aria-label='Log record']", { hasText: "the database does not answer" }).waitFor();

  for (let step = 0; page.url() !== dashboard; step++) {
    expect(step < 10, `Back leads to the dashboard; after ten times it is ${page.url()}`);
    const here = page.url();
    await page.goBack();
    await page.waitForFunction((old) => location.href !== old, here);
  }
  await plot.waitFor();
  await page.waitForLoadState("networkidle");
  await page.mouse.move(5, 5);
  const after = await panel.screenshot();
  const different = await samePicture(page, before, after);
  expect(different < 0.005, `the panel looks as before; ${(different * 100).toFixed(2)} % of it differ`);
}
