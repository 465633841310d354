// Takes a picture of every page in both themes and at two widths, and fails on console errors and on requests that
// left the origin. Needs Chromium and a server: a running one (`BELLROCK_API`) or `npm run mock`.
//
//   npm run screenshots -- [--only logs,trace] [--quick] [--theme light] [--phone] [--base http://127.0.0.1:3301] [--out screenshots]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { flag, launch, openPage, option, serve, settle } from "./browser.mjs";
import { pages, THEMES } from "./pages.mjs";

const out = option("out", fileURLToPath(new URL("../screenshots", import.meta.url)));
const WIDTHS = flag("phone") ? [390] : flag("quick") ? [1440] : [1440, 1100];

mkdirSync(out, { recursive: true });
const { base, stop } = await serve();
const { context, close } = await launch();
let problems = 0;
let taken = 0;
try {
  const list = await pages(base);
  for (const theme of THEMES) {
    for (const width of WIDTHS) {
      for (const { name, path, act, prepare } of list) {
        const complain = (text) => {
          problems++;
          process.stdout.write(`${name} ${theme} ${width}: ${text}\n`);
        };
        const page = await openPage(context, base, { theme, width, path, complain, prepare });
        if (act) {
          await act(page).catch((error) => complain(error.message));
          await settle(page);
        }
        await page.screenshot({ path: join(out, `${name}-${theme}-${width}.png`) });
        taken++;
        await page.close();
      }
    }
  }
} finally {
  await close();
  await stop();
}
process.stdout.write(`${taken} pictures in ${out}, ${problems} problems\n`);
process.exitCode = problems > 0 ? 1 : 0;
