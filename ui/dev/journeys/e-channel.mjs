// (e) A channel is tested against a real receiver and every step is seen, also where it fails; then an alert fires, is
// acknowledged and silenced with the keyboard and on a phone, and its page says who was told what, and why not.
import { createServer } from "node:http";
import { until } from "./server.mjs";

export const title = "channel test with every step, acknowledge and silence";

async function sink() {
  const bodies = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      bodies.push({ path: request.url, body });
      if (request.url.startsWith("/broken")) response.writeHead(503).end("the chat is down for maintenance");
      else response.writeHead(200).end("thank you");
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () =>
    new Promise((done) => {
      server.close(done);
      // One over which nothing was asked yet is not idle to `close`, which would wait for its timeout.
      server.closeAllConnections();
    });
  return { port: server.address().port, bodies, stop };
}

const config = (port) => `route:
  receiver: chat
  group_by: [alertname, service]
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 1h
  routes:
    - matchers: [severity="info"]
      receiver: broken
receivers:
  - name: chat
    webhook_configs:
      - url: http://127.0.0.1:${port}/chat
  - name: broken
    webhook_configs:
      - url: http://127.0.0.1:${port}/broken
  - name: nobody
    webhook_configs:
      - url: http://127.0.0.1:9/
`;

const RULES = `groups:
  - name: journey
    interval: 1s
    rules:
      - alert: QueueGrows
        expr: vector(7) > 5
        labels: {severity: critical, service: worker, queue: a_queue_with_a_very_long_name_that_nobody_can_remember}
        annotations: {summary: "The queue has {{ $value }} entries", runbook_url: "/runbooks/queue"}
      - alert: DiskFills
        expr: vector(0.81) > 0.8
        labels: {severity: warning, service: database}
        annotations: {summary: "The disk is {{ $value | humanizePercentage }} full"}
      - alert: SlowToFire
        expr: vector(1) > 0
        for: 1h
        labels: {severity: info}
      - alert: BackupRuns
        expr: vector(1) > 0
        labels: {severity: info, service: database}
      - alert: NotDivisible
        expr: vector(1) * on() group_left() (label_replace(vector(1), "a", "b", "", "") or label_replace(vector(1), "a", "c", "", "")) > 0
        labels: {severity: warning}
`;

export async function run({ context, expect, start }) {
  const [server, receiver] = [await start(), await sink()];
  try {
    await walk({ context, expect, server, receiver });
  } finally {
    await receiver.stop();
  }
}

async function walk({ context, expect, server, receiver }) {
  const page = await context.newPage();

  // A fresh install: the first receiver is made with the form; what is secret is not shown again.
  await page.goto(`${server.base}/alerts/channels`);
  await page.getByText("Nobody can be told yet").waitFor();
  await page.locator("h1").focus();
  await page.keyboard.press("n");
  await page.getByLabel("Name", { exact: true }).fill("first");
  await page.getByLabel("Address").fill(`http://127.0.0.1:${receiver.port}/token-4711`);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("link", { name: "first", exact: true }).waitFor();
  const shown = await page.locator("main").textContent();
  expect(!shown.includes("token-4711"), `the secret part of the address is not shown: ${shown}`);

  // The configuration of a whole team is pasted, looked at and taken.
  await page.goto(`${server.base}/import`);
  await page.getByText("Or paste a text").click();
  await page.getByLabel("Text of a file").fill(config(receiver.port));
  await page.getByRole("button", { name: "Look at it" }).click();
  const card = page.locator('section[aria-label="pasted text"]');
  await card.getByText("Would take 3 receivers").waitFor();
  await card.getByRole("button", { name: "Import pasted text" }).click();
  await card.getByText("Alerts are routed by it now").waitFor();

  // A test that arrives: every step, the answer, and the message at the receiver.
  await page.goto(`${server.base}/alerts/channels`);
  await page.getByRole("link", { name: "chat", exact: true }).click();
  await page.getByRole("button", { name: "Send a test" }).click();
  const tested = page.locator('section[aria-label="Test of webhook[0]"]');
  for (const step of ["Write the message", "Find the address", "Connect", "Answer"]) {
    await tested.locator("li[data-ok=true]", { hasText: step }).waitFor();
  }
  await tested.getByText("thank you").waitFor();
  await tested.getByText("delivered").waitFor();
  expect(
    receiver.bodies.some(({ path, body }) => path === "/chat" && body.includes('"alerts"')),
    "the receiver got a message",
  );
  await page.getByRole("timer").waitFor();

  // One that is refused shows the code and the words of the answer; one where nobody listens shows where it ends.
  await page.goto(`${server.base}/alerts/channels/broken`);
  await page.getByRole("button", { name: "Send a test" }).click();
  await tested.locator("li[data-ok=false]", { hasText: "Answer" }).getByText("503").waitFor();
  await tested.getByText("the chat is down for maintenance").first().waitFor();
  await page.goto(`${server.base}/alerts/channels/nobody`);
  await page.getByRole("button", { name: "Send a test" }).click();
  await tested.locator("li[data-ok=false]", { hasText: "Connect" }).waitFor();

  // Rules: a form with the message it would send, then the file with all of them.
  const expr = encodeURIComponent("vector(0.2) > 0.1");
  await page.goto(`${server.base}/alerts/rules/new?expr=${expr}`);
  await page.getByLabel("Name", { exact: true }).fill("MadeHere");
  await page.getByRole("textbox", { name: "summary" }).fill("It is {{ $value | humanizePercentage }} now");
  await page.locator('section[aria-label="The message now"]').getByText("It is 20% now").waitFor();
  await page.getByRole("textbox", { name: "summary" }).fill("It is {{ $value | nonsense }}");
  await page.locator('section[aria-label="The message now"]').getByText("nonsense").first().waitFor();
  await page.getByRole("textbox", { name: "summary" }).fill("It is {{ $value }} now");
  await page.getByRole("button", { name: "Create the rule" }).click();
  await page.waitForURL("**/alerts/rules/ui%2FMadeHere");
  await page.getByRole("heading", { name: "MadeHere", exact: true }).waitFor();
  const made = await fetch(`${server.api}/api/v1/rules`, { method: "POST", body: RULES });
  expect(made.ok, `the rules are taken: ${made.status}`);
  // The pages look again every quarter of a minute: they are opened when all that is looked at has happened.
  const ask = async (path) => (await fetch(`${server.api}/api/v1/${path}`)).json();
  await until("every rule was evaluated", async () => {
    const { rules } = (await ask("rules")).data.groups.find(({ name }) => name === "journey");
    return rules.every(({ health }) => health !== "unknown");
  });
  await until("both alerts were told", async () => {
    const told = JSON.stringify((await ask("notifications?outcome=delivered")).notifications);
    return ["QueueGrows", "DiskFills"].every((name) => told.includes(name));
  });

  // Triage: the worst first, errors and pending apart, and by keyboard acknowledged and silenced.
  await page.goto(`${server.base}/alerts`);
  const row = (name) => page.locator("[role=row][data-state]", { hasText: name });
  await row("QueueGrows").getByText("chat").waitFor();
  await row("NotDivisible").getByText("error", { exact: true }).waitFor();
  await row("SlowToFire").getByText("pending", { exact: true }).waitFor();
  const names = await page.locator("[role=row][data-state]").allTextContents();
  expect(names[0].includes("QueueGrows"), `critical stands first: ${names[0]}`);
  await row("DiskFills").getByText("81 %").waitFor();
  await page.locator("h1").focus();
  await page.keyboard.press("j");
  await page.keyboard.press("a");
  await page.getByLabel("Who takes care").fill("Ada");
  await page.getByLabel("Comment").fill("looking at it");
  await page.keyboard.press("Enter");
  await row("QueueGrows").getByText("Ada").waitFor();
  await page.locator("h1").focus();
  await page.keyboard.press("Shift+S");
  await page.getByText("Hides 1 alert that fires now").waitFor();
  expect(
    (await page.getByLabel("Value of matcher 1").inputValue()) === "QueueGrows",
    "the matchers are those of the alert",
  );
  await page.getByRole("button", { name: "1 h", exact: true }).click();
  await page.getByLabel("Why").fill("the queue is being moved");
  await page.keyboard.press("Enter");
  await page.getByText("Silenced until").waitFor();
  await row("QueueGrows").getByText("silenced", { exact: true }).first().waitFor();

  // The page of the alert has the proof.
  await page.locator("h1").focus();
  await page.keyboard.press("/");
  await page.keyboard.type("QueueGrows");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  const peek = page.locator("aside[aria-label^=Alert]");
  await peek.getByText("the queue is being moved").waitFor();
  await page.keyboard.press("o");
  await page.waitForURL("**/alerts/instances/*");
  await page.getByText("Silenced by").waitFor();
  await page.locator('section[aria-label="Messages"]').getByText("thank you").waitFor();
  await page.locator('section[aria-label="What happened"]').getByText("was told").first().waitFor();
  await page.getByRole("link", { name: "Rule", exact: true }).click();
  await page.getByText("Would have fired").waitFor();

  // On a phone: acknowledge and silence stay in reach.
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${server.base}/alerts`);
  await page.getByRole("button", { name: "Ack DiskFills" }).click();
  await page.getByRole("button", { name: "Acknowledge", exact: true }).click();
  await row("DiskFills").getByText("Ada").waitFor();
  await page.getByRole("button", { name: "Silence DiskFills" }).click();
  await page.getByRole("button", { name: "Silence 1 alert" }).click();
  await row("DiskFills").getByText("silenced", { exact: true }).first().waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide <= 390, `nothing is wider than the phone: ${wide}`);
  await page.setViewportSize({ width: 1440, height: 900 });

  // A silence is taken back.
  await page.goto(`${server.base}/alerts/silences`);
  await page.getByText("the queue is being moved").waitFor();
  await page.getByRole("button", { name: "Expire now" }).first().click();
  await page.getByText("Expired: what it hid is told again").waitFor();

  // Everything that was sent is found again.
  await page.goto(`${server.base}/alerts/deliveries?q=QueueGrows`);
  await page.locator("tbody tr", { hasText: "delivered" }).first().waitFor();

  // And so is what nobody has taken yet.
  await page.goto(`${server.base}/alerts/deliveries`);
  const moving = page.locator('section[aria-label="On the way"] li', { hasText: "broken" });
  await moving.getByText("1 alert since").waitFor();
}
