// A real server for a journey: its own data folder, free ports, stopped at the end. The binary is `BELLROCK_BIN`, or
// what cargo built last. One that was built without the pages gets them from `dist`.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const READY_MS = 60_000;
const STOP_MS = 20_000;

function binary() {
  const found = [process.env.BELLROCK_BIN, join(ROOT, "target/release/bellrock"), join(ROOT, "target/debug/bellrock")];
  const path = found.find((each) => each && existsSync(each));
  if (!path) throw new Error("no server: build one (`cargo build -p bellrock`) or name it in BELLROCK_BIN");
  return path;
}

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((done, fail) => {
          const server = createServer();
          server.on("error", fail);
          server.listen(0, "127.0.0.1", () => done(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** Asks again until the answer is truthy, and answers with it; what the server does by itself takes its time. */
export async function until(what, ask, limitMs = 20_000) {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`not after ${limitMs / 1000} s: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/**
 * `base`: address of the pages; `api`, `otlp`: of the API and of OTLP/HTTP. `config`: text of a configuration file.
 * `pages: "dist"`: those that were just built, whatever the binary brings.
 */
export async function startServer({ more = [], config = "", pages: wanted = process.env.BELLROCK_PAGES } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "bellrock-journey-"));
  const [grpc, http, api, ui, health, metrics, alertmanager] = await freePorts(7);
  const args = ["serve", "--data-dir", join(folder, "data"), "--listen", "127.0.0.1"];
  const ports = { "otlp-grpc": grpc, "otlp-http": http, api, ui, health, metrics, alertmanager };
  for (const [name, port] of Object.entries(ports)) args.push(`--${name}-listen`, `127.0.0.1:${port}`);
  if (config) {
    writeFileSync(join(folder, "bellrock.yaml"), config);
    args.push("--config", join(folder, "bellrock.yaml"));
  }
  const child = spawn(binary(), [...args, ...more], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      said = (said + text).slice(-4000);
    });
  }
  let ended = null;
  const exit = new Promise((done) => {
    child.on("exit", (code) => {
      ended = code ?? "a signal";
      done();
    });
  });
  const address = (port) => `http://127.0.0.1:${port}`;
  const isReady = async () => {
    if (ended !== null) throw new Error(`the server ended with ${ended}`);
    return (await fetch(`${address(api)}/-/ready`).catch(() => null))?.ok;
  };
  await until("the server is ready", isReady, READY_MS).catch((error) => {
    throw new Error(`${error.message}:\n${said}`);
  });
  const pages = await pagesOf(address(ui), address(api), wanted);
  return {
    base: pages.base,
    api: address(api),
    otlp: address(http),
    grpc: `127.0.0.1:${grpc}`,
    alertmanager: address(alertmanager),
    folder,
    stop: async () => {
      await pages.stop();
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await exit;
      clearTimeout(timer);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function pagesOf(ui, api, wanted) {
  const text = await (await fetch(ui)).text();
  if (wanted !== "dist" && text.includes("<base href")) return { base: ui, stop: async () => {} };
  const { preview } = await import("vite");
  const server = await preview({
    root: join(ROOT, "ui"),
    preview: { port: 0, host: "127.0.0.1", proxy: { "/api": api } },
    logLevel: "error",
  });
  return { base: `http://127.0.0.1:${server.httpServer.address().port}`, stop: () => server.close() };
}
