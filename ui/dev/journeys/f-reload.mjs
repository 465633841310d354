// (f) Every page, reloaded from its own address, looks the same. Times that pass are masked.
import { seedAlerts } from "../alert-seed.mjs";
import { openPage, settle } from "../browser.mjs";
import { pages } from "../pages.mjs";
import { seed } from "../seed.mjs";
import { samePicture } from "./pictures.mjs";
import { sendShop } from "./shop.mjs";

export const title = "every page reloaded from its address looks the same";

/** Shows what has just happened, or what the reader did without it being part of the address. */
const NOT_BY_ADDRESS = new RegExp(
  `^(${[
    "palette|shortcuts|tray|time|share|share-views|logs-live|logs-wrapped|logs-marked|logs-history|traces-marked",
    "dashboard-(edit|panel-editor|save|inspect|versions)|dashboards-import|metrics-(form|add)|slo-(file|delete)",
    "alerts-(silence|acknowledge)|rules-remove|rule-test|silences-window|channels-(yaml|new)|channel|channel-edit",
    "deliveries-open|import-files|import-text|settings-retention-tried",
  ].join("|")})$`,
);
const AT_ONCE = 4;
const TURNS = 3;
const DIFFERENT_MAX = 0.004;

export async function run({ context, expect, start, keep }) {
  const server = await start();
  const times = await sendShop(server);
  await seed({ otlp: server.otlp, big: false, logs: 2000 });
  await seedAlerts(server.api);
  const range = { from: String(times.startMilli), to: String(Date.now() + 1000) };
  const list = (await pages(server.api)).filter(({ name }) => !NOT_BY_ADDRESS.test(name));
  const different = [];
  const waiting = [...list];
  // Most of the time of each goes by while it waits for what it may still ask for.
  const turns = Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const found = await compare({ context, keep }, server, range, next);
      if (found) different.push(found);
    }
  });
  await Promise.all(turns);
  expect(list.length > 40, `all pages were seen: ${list.length}`);
  expect(different.length === 0, `pages that look different after a reload:\n    ${different.join("\n    ")}`);
}

/** What is different about a page after a reload; null when nothing is. */
async function compare({ context, keep }, server, range, { name, path, act }) {
  const url = new URL(path, server.base);
  for (const [key, value] of Object.entries(range)) url.searchParams.set(key, value);
  const page = await openPage(context, server.base, {
    theme: "dark",
    width: 1280,
    path: url.pathname + url.search,
    complain: () => {},
  });
  try {
    if (act) {
      await act(page);
      await settle(page);
    }
    let found = null;
    let [before, textBefore] = await look(page);
    // Figures that move on by themselves may do so between two looks, but not between any two.
    for (let turn = 0; turn < TURNS; turn++) {
      await page.reload();
      await settle(page);
      const [after, textAfter] = await look(page);
      const share = await samePicture(page, before, after);
      if (share > DIFFERENT_MAX) found = `${name} (${(share * 100).toFixed(1)} % of it) ${page.url()}`;
      else if (textBefore !== textAfter) found = `${name} says something else: ${difference(textBefore, textAfter)}`;
      else return null;
      keep?.(`${name}-${turn}-before`, before);
      keep?.(`${name}-${turn}-after`, after);
      [before, textBefore] = [after, textAfter];
    }
    return found;
  } catch (error) {
    return `${name}: ${error.message}`;
  } finally {
    await page.close();
  }
}

const MASK = `
  footer, [role=status], [aria-label="What arrives"], time, .u-cursor-x, .u-cursor-y { visibility: hidden !important; }
  * { caret-color: transparent !important; animation: none !important; transition: none !important; outline: none !important; }
`;

async function look(page) {
  await page.addStyleTag({ content: MASK }).catch(() => {});
  await page.mouse.move(2, 2);
  await page.waitForTimeout(150);
  return [await page.screenshot(), await words(page)];
}

/** What the page says, without passing times. */
async function words(page) {
  const said = await page.locator("main").innerText();
  return said
    .replaceAll(/(in )?\d[\d.,]* (ns|µs|ms|s|min|h|d)( ago)?/g, "T")
    .replaceAll(/\d\d:\d\d(:\d\d)?/g, "T")
    .replaceAll(/\b(now|just now|a moment ago)\b/g, "T");
}

function difference(a, b) {
  const [one, two] = [a.split("\n"), b.split("\n")];
  const at = one.findIndex((line, index) => line !== two[index]);
  return `"${one[at] ?? ""}" became "${two[at] ?? ""}"`;
}
