// The server under test: where it takes OTLP, and the data that the measurements put there.
import { startServer, until } from "../journeys/server.mjs";
import { post } from "../post.mjs";
import { sendGauges, sendManyLogs } from "../seed.mjs";
import { tracePieces } from "./data.mjs";

const NEEDED_SERVICES = 3;

/** One of its own, with the demo, that takes samples as old as the charts are long. */
export async function startMeasured() {
  const server = await startServer({
    more: ["--demo"],
    config: "metrics: {out_of_order_time_window: 14d}\n",
    pages: "dist",
  });
  await until("the demo's services are there", async () => {
    const { services } = await (await fetch(`${server.api}/api/v1/services`)).json();
    return services.length >= NEEDED_SERVICES;
  });
  return server;
}

export async function otlpAddress(base) {
  const status = await (await fetch(`${base}/api/v1/status`)).json();
  return `http://${status.endpoints.otlp_http.replace("0.0.0.0", "127.0.0.1")}`;
}

/** Sends a trace of so many spans and answers with its id. */
export async function sendTrace(base, spans) {
  const url = `${await otlpAddress(base)}/v1/traces`;
  const traceId = `${spans.toString(16)}${Date.now().toString(16)}`.padStart(32, "0");
  for (const piece of tracePieces(traceId, spans, Date.now() - 60_000)) await post(url, piece);
  const found = await fetch(`${base}/api/v1/traces/${traceId}?format=columns`);
  const { columns } = await found.json();
  if (columns?.span_id.length !== spans) throw new Error(`the server has ${columns?.span_id.length} of ${spans} spans`);
  return traceId;
}

export const sendLogs = async (base, count, options) => sendManyLogs(await otlpAddress(base), count, options);

export const sendSeries = async (base, series, seconds, end, options) =>
  sendGauges(await otlpAddress(base), series, seconds, end, options);

/** Stores a dashboard, and answers with its uid and how to remove it. */
export async function makeDashboard(base, document) {
  const url = `${base}/api/ui/v1/dashboards`;
  const { uid, version } = await post(url, { document, message: "measured" });
  return { uid, remove: () => fetch(`${url}/${uid}?version=${version}`, { method: "DELETE" }) };
}
