// Walks through dashboards and the shell with the keyboard, over the data of a running server (`BELLROCK_API`) and
// documents in memory. Ends with `N passed, N failed`.
//
//   npm run journey-dashboards
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, openPage, option, serve, settle } from "./browser.mjs";
import { fakeDocuments } from "./fake-documents.mjs";

const shipped = (name) =>
  readFileSync(fileURLToPath(new URL(`../src/features/dashboards/shipped/${name}.json`, import.meta.url)), "utf8");
const application = shipped("application");
const pictures = option("pictures", "");

const { base, stop } = await serve();
const { context, close } = await launch();
let passed = 0;
let failed = 0;

async function check(name, path, run) {
  const complaints = [];
  const fresh = await openPage({ newPage: prepared }, base, {
    theme: "dark",
    width: 1440,
    path,
    complain: (text) => complaints.push(text),
  });
  fresh.setDefaultTimeout(8000);
  try {
    await run(fresh);
    if (complaints.length > 0) throw new Error(complaints.join("; "));
    passed++;
  } catch (error) {
    failed++;
    process.stdout.write(`FAILED ${name}: ${error instanceof Error ? error.message : error}\n`);
  }
  if (pictures) await fresh.screenshot({ path: join(pictures, `journey-${name.replaceAll(/\W+/g, "-")}.png`) });
  await fresh.close();
}

let current = null;

/** A page whose requests for documents are answered from memory before anything is loaded. */
async function prepared() {
  const page = await context.newPage();
  current = await fakeDocuments(page, { app: application });
  return page;
}

function expect(condition, message) {
  if (!condition) throw new Error(message);
}

const savedText = () => current.dashboards.get("app").at(-1).document;

await check("a dashboard that is opened and exported is the same, byte for byte", "/dashboards/app", async (page) => {
  await page.getByRole("heading", { name: "Request Rate" }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download the JSON" }).click(),
  ]);
  expect(readFileSync(await download.path(), "utf8") === application, "the bytes differ");
});

await check(
  "a panel is moved and resized with the keyboard, and saved with its difference",
  "/dashboards/app",
  async (page) => {
    await page.getByRole("heading", { name: "Request Rate" }).waitFor();
    await page.keyboard.press("e");
    await page.getByRole("button", { name: "Done" }).waitFor();
    await page.locator("body").click({ position: { x: 700, y: 880 } });
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("m");
    await page.getByText("Arrow keys move the panel").waitFor();
    for (const key of ["ArrowRight", "ArrowRight", "Shift+ArrowLeft", "Enter"]) await page.keyboard.press(key);
    await page.keyboard.press("Control+s");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Why, in a few words").fill("more room");
    expect((await dialog.textContent()).includes("gridPos"), "the difference shows the places");
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    const [first] = JSON.parse(savedText()).dashboard.panels;
    expect(first.gridPos.x === 2 && first.gridPos.w === 11, `moved to ${JSON.stringify(first.gridPos)}`);
  },
);

await check("a panel is edited: title, query, unit, threshold", "/dashboards/app?edit=1", async (page) => {
  await page.getByRole("heading", { name: "Active Users" }).waitFor();
  await page.getByRole("button", { name: "Menu of Active Users" }).click();
  await page.getByRole("button", { name: "Edit", exact: false }).last().click();
  await page.getByLabel("Title", { exact: true }).fill("Users now");
  await page.getByLabel("PromQL of query 1").fill("sum(telegram_active_users)");
  await page.getByLabel("Unit").fill("short");
  await page.getByRole("button", { name: "Threshold", exact: true }).click();
  await settle(page);
  await page.getByRole("button", { name: "Back to the dashboard" }).click();
  await page.keyboard.press("Control+s");
  await page.getByRole("dialog").getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const panel = JSON.parse(savedText()).dashboard.panels[3];
  expect(panel.title === "Users now" && panel.unit === "short", JSON.stringify(panel));
  expect(
    panel.thresholds.length === 1 && panel.targets[0].expr === "sum(telegram_active_users)",
    JSON.stringify(panel),
  );
});

await check(
  "two edits at once: both differences are shown, nothing is lost",
  "/dashboards/app?edit=1",
  async (page) => {
    await page.getByLabel("Title of the dashboard").fill("Mine");
    current.dashboards
      .get("app")
      .push({ version: 2, document: application.replace("Request Rate", "Theirs"), message: "theirs" });
    await page.getByRole("button", { name: "Save", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Somebody else saved it meanwhile").waitFor();
    expect((await dialog.textContent()).includes("Theirs"), "their change is shown");
    await dialog.getByRole("button", { name: "Save mine over version 2" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(JSON.parse(savedText()).dashboard.title === "Mine", "mine was saved");
  },
);

await check("versions are compared and restored", "/dashboards/app", async (page) => {
  current.dashboards
    .get("app")
    .push({ version: 2, document: application.replace("Request Rate", "Rate"), message: "shorter" });
  await page.reload();
  await page.getByRole("heading", { name: "Rate", exact: true }).waitFor();
  await page.getByRole("button", { name: "Versions" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "1", exact: true }).click();
  await page.getByRole("region", { name: "Difference of the versions" }).waitFor();
  await page.getByRole("button", { name: "Restore version 1" }).click();
  await page.getByRole("heading", { name: "Request Rate" }).waitFor();
});

await check("import says what is shown otherwise, and keeps the text", "/dashboards", async (page) => {
  await page.getByRole("button", { name: "Import" }).click();
  const text =
    '{"title":"G","panels":[{"type":"news","title":"N"},{"type":"stat","title":"S","targets":[{"expr":"up"}]}] }';
  await page.getByLabel("Or its text").fill(text);
  await page.getByText("panels of type `news` are not shown").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Import", exact: true }).click();
  await page.getByRole("heading", { name: "S", exact: true }).waitFor();
  expect(current.dashboards.get("board-2").at(-1).document === text, "the text was changed");
});

await check("panels are walked with the arrows; full screen and back", "/dashboards/app", async (page) => {
  await page.getByRole("heading", { name: "Request Rate" }).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("v");
  await page.waitForURL(/panel=/);
  await page.keyboard.press("Escape");
  await page.waitForURL((url) => !url.search.includes("panel="));
  await page.keyboard.press("d");
  await page.keyboard.press("k");
  await page.waitForURL(/kiosk=1/);
  expect((await page.getByRole("navigation", { name: "Main" }).count()) === 0, "the rail is hidden");
});

await check("a view is saved and found in the palette", "/services?sort=p95_nanos", async (page) => {
  await page.getByRole("columnheader", { name: "p95" }).waitFor();
  await page.keyboard.press("Shift+S");
  await page.getByLabel("Name of the view").fill("slow ones");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "slow ones" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await page.waitForURL(/\/logs/);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("slow ones");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/services\?sort=p95_nanos/);
});

await check("a short link leads to what it stands for", "/services", async (page) => {
  current.links.set("abcd1234", "/errors?sort=count");
  await page.goto(`${base}/s/abcd1234`);
  await page.waitForURL(/\/errors\?sort=count/);
  await page.goto(`${base}/s/nothing0`);
  await page.getByText("This short link leads nowhere").waitFor();
});

await close();
await stop();
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
