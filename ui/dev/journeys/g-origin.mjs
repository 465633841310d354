// (g) Nothing leaves the origin: every request of every page goes to the server, and the pages say so to the browser.
import { openPage } from "../browser.mjs";
import { pages } from "../pages.mjs";
import { sendShop } from "./shop.mjs";

export const title = "the network log holds only our origin";

/** The first page of each chunk is enough: the rest of a page asks with the same client. */
const firstOfEach = (list) => {
  const areas = new Map();
  for (const each of list) {
    const area = each.path.split(/[?/]/)[1];
    if (!areas.has(area)) areas.set(area, each);
  }
  return [...areas.values()];
};

export async function run({ context, expect, start }) {
  const server = await start();
  await sendShop(server);
  const requests = [];
  context.on("request", (request) => requests.push(request.url()));
  const list = firstOfEach(await pages(server.api));
  for (const { path, act } of list) {
    const page = await openPage(context, server.base, { theme: "light", width: 1280, path, complain: () => {} });
    page.on("websocket", (socket) => requests.push(socket.url()));
    if (act) await act(page);
    await page.close();
  }
  const origin = new URL(server.base).host;
  const foreign = requests.filter((url) => !/^(data|blob):/.test(url) && new URL(url).host !== origin);
  expect(list.length >= 10, `all areas were opened: ${list.map(({ name }) => name)}`);
  expect(requests.length > 100, `the network log was kept: ${requests.length} requests`);
  expect(foreign.length === 0, `requests to elsewhere: ${[...new Set(foreign)].join(", ")}`);
}
