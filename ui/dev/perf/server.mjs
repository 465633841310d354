// The server under test: where it takes OTLP, and the data that the measurements put there.
import { sendGauges, sendManyLogs } from "../seed.mjs";
import { tracePieces } from "./data.mjs";

export async function otlpAddress(base) {
  const status = await (await fetch(`${base}/api/v1/status`)).json();
  return `http://${status.endpoints.otlp_http.replace("0.0.0.0", "127.0.0.1")}`;
}

async function post(url, body) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response;
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

export const sendSeries = async (base, series, seconds, end) =>
  sendGauges(await otlpAddress(base), series, seconds, end);

/** Stores a dashboard, and answers with its uid and how to remove it. */
export async function makeDashboard(base, document) {
  const url = `${base}/api/ui/v1/dashboards`;
  const { uid, version } = await (await post(url, { document, message: "measured" })).json();
  return { uid, remove: () => fetch(`${url}/${uid}?version=${version}`, { method: "DELETE" }) };
}
