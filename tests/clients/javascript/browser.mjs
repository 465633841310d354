// Exports one story from a page in Chromium and prints its facts: node browser.mjs <OTLP/HTTP URL> <service>

import { createServer } from "node:http";
import { build } from "esbuild";
import { launch } from "./chromium.mjs";

const [url, service] = process.argv.slice(2);
const bundle = await build({
  entryPoints: [new URL("./web-sdk.mjs", import.meta.url).pathname],
  bundle: true,
  write: false,
  format: "iife",
  platform: "browser",
});
const script = bundle.outputFiles[0].text;

const site = createServer((request, response) => {
  const isScript = request.url === "/story.js";
  response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html; charset=utf-8");
  response.end(isScript ? script : '<!doctype html><title>shop</title><script src="/story.js"></script>');
});
await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));

const browser = await launch();
try {
  const page = await browser.newPage();
  const preflights = [];
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.requestWillBeSent", ({ request }) => {
    if (request.method === "OPTIONS") preflights.push(request.url);
  });
  page.on("console", (message) => console.error(message.text()));
  page.on("pageerror", (error) => console.error(error));
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
  const story = await page.evaluate(([to, name]) => window.sendStory(to, name), [url, service]);
  console.log(JSON.stringify({ ...story, preflights }));
} finally {
  await browser.close();
  site.close();
}
