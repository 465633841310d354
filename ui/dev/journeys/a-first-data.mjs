// (a) A fresh install opens where data is added; the three commands that stand there, run as they are, turn the three
// lights green, and each light leads to the very record that was sent.
import { execFileSync } from "node:child_process";

export const title = "fresh install to green with curl";

export async function run({ context, expect, start }) {
  const server = await start();
  const page = await context.newPage();
  await page.goto(server.base);
  await page.waitForURL("**/start");
  const lights = page.locator("aside[aria-label='What arrives'] li[data-light]");
  await page.getByText("waiting for the first one").nth(2).waitFor();
  expect((await lights.count()) === 3, "three signals are waited for");

  await page.getByRole("button", { name: "curl (OTLP JSON)" }).click();
  await page.getByLabel("Service name").fill("first-service");
  const steps = page.locator("ol li pre");
  await steps.filter({ hasText: "first-service" }).nth(2).waitFor();
  const commands = await steps.allTextContents();
  expect(commands.length === 3, "three commands, one for each signal");
  for (const command of commands) {
    expect(command.includes(server.otlp), `the command names this server (${server.otlp}): ${command}`);
    execFileSync("bash", ["-euc", command]);
  }

  await page.locator("aside li[data-light=green]").nth(2).waitFor();
  await page.waitForFunction(() => document.title.startsWith("\u2713"));
  const arrived = page.locator("aside li[data-light=green]");
  for (const at of [0, 1, 2]) {
    const said = await arrived.nth(at).textContent();
    expect(said.includes("first-service"), `the light names the service: ${said}`);
  }
  await page.getByRole("link", { name: /first span/ }).click();
  await page.waitForURL("**/traces/*");
  await page.locator("[role=treegrid] [role=row]", { hasText: "hello" }).first().waitFor();
  await page.goBack();
  await page.getByRole("link", { name: /first record/ }).click();
  await page.locator("aside[aria-label='Log record']", { hasText: "hello from curl" }).waitFor();

  // What is wrong on the wire is said, with its fix.
  await page.goto(`${server.base}/start`);
  await fetch(`${server.otlp}/`, { method: "POST", body: "{}" });
  await page.getByText("Wrong path").waitFor();
  await page.getByText("OTEL_EXPORTER_OTLP_ENDPOINT to the address alone").waitFor();
}
