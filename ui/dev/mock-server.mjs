// A stand-in for the server during UI work: the HTTP API over deterministic data, and the built `dist`.
//
//   node dev/mock-server.mjs [--port 3301] [--empty]
//
// `--empty` answers as a fresh install, with refusals, for the start page and the empty states.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { toColumns } from "./mock/columns.mjs";
import { bigTrace, buildData } from "./mock/data.mjs";
import { compile, FilterError, flatten } from "./mock/filter.mjs";
import { prometheus } from "./mock/prometheus.mjs";

const args = process.argv.slice(2);
const port = Number(args[args.indexOf("--port") + 1] || 3301);
const empty = args.includes("--empty");
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const started = Date.now();
const data = empty ? { traces: [], logs: [], byId: new Map() } : buildData(started);

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
const POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'";

function instant(text, fallback) {
  if (!text) return BigInt(fallback) * 1_000_000n;
  if (/^\d{16,}$/.test(text)) return BigInt(text);
  return /^\d+$/.test(text) ? BigInt(text) * 1_000_000n : BigInt(Date.parse(text)) * 1_000_000n;
}

function range(params) {
  return [instant(params.get("from"), Date.now() - 3_600_000), instant(params.get("to"), Date.now())];
}

function stats(rows, startedAt) {
  return {
    partial: null,
    stats: { rows_scanned: rows, blocks_scanned: 12, blocks_skipped: 31, elapsed_ms: performance.now() - startedAt },
  };
}

function page(list, params, limit) {
  const offset = Number(params.get("cursor") ?? 0);
  const size = Number(params.get("limit") ?? limit);
  const next = offset + size < list.length ? String(offset + size) : null;
  return [list.slice(offset, offset + size), next];
}

function matchingLogs(params) {
  const [from, to] = range(params);
  const test = compile(params.get("q") ?? "");
  return data.logs.filter((log) => {
    const at = BigInt(log.time_unix_nano);
    return at >= from && at < to && test(flatten(log));
  });
}

function matchingTraces(params) {
  const [from, to] = range(params);
  const test = compile(params.get("q") ?? "");
  return data.traces.filter(
    (trace) => trace.start >= from && trace.start < to && trace.spans.some((span) => test(flatten(span))),
  );
}

function volume(params) {
  const [from, to] = range(params);
  const buckets = Number(params.get("buckets") ?? 60);
  const levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "UNSPECIFIED"];
  const step = (to - from) / BigInt(buckets);
  const counts = Array.from({ length: buckets }, () => levels.map(() => 0));
  for (const log of matchingLogs(params)) {
    const row = counts[Math.min(buckets - 1, Number((BigInt(log.time_unix_nano) - from) / step))];
    if (row) row[levels.indexOf(log.level)]++;
  }
  return { step_nanos: Number(step), start_unix_nano: String(from), levels, counts };
}

function figures(spans, seconds) {
  const durations = spans.map((span) => span.duration_nanos).sort((a, b) => a - b);
  const at = (share) => durations[Math.min(durations.length - 1, Math.floor(share * durations.length))] ?? 0;
  const errors = spans.filter((span) => span.status.code === "ERROR").length;
  return {
    calls: spans.length,
    errors,
    rate_per_s: spans.length / seconds,
    error_ratio: spans.length ? errors / spans.length : 0,
    p50_nanos: at(0.5),
    p95_nanos: at(0.95),
    p99_nanos: at(0.99),
  };
}

function groups(spans, key) {
  const out = new Map();
  for (const span of spans) out.set(key(span), [...(out.get(key(span)) ?? []), span]);
  return out;
}

function spansIn(params) {
  return matchingTraces(params).flatMap((trace) => trace.spans);
}

function seconds(params) {
  const [from, to] = range(params);
  return Number(to - from) / 1e9;
}

function services(params) {
  const list = [...groups(spansIn(params), (span) => span.service)].map(([name, spans]) => {
    const calls = spans.filter(
      (span) => span.kind === "SERVER" || span.kind === "CONSUMER" || span.parent_span_id === "",
    );
    return { name, spans: spans.length, ...figures(calls, seconds(params)) };
  });
  return { services: list.sort((a, b) => b.calls - a.calls) };
}

function operations(name, params) {
  const own = spansIn(params).filter((span) => span.service === name);
  const list = [...groups(own, (span) => `${span.kind} ${span.name}`)].map(([, spans]) => ({
    name: spans[0].name,
    kind: spans[0].kind,
    ...figures(spans, seconds(params)),
  }));
  return { operations: list.sort((a, b) => b.calls - a.calls) };
}

function records(params) {
  return params.get("signal") === "traces" ? spansIn(params) : matchingLogs(params);
}

function fields(params) {
  const counts = new Map();
  for (const record of records(params))
    for (const { key } of record.attributes) counts.set(key, (counts.get(key) ?? 0) + 1);
  const found = [...counts].map(([name, count]) => ({ name, scope: "record", type: "string", count }));
  for (const name of ["service.version", "host.name", "deployment.environment.name"])
    found.push({ name, scope: "resource", type: "string", count: records(params).length });
  return { fields: found.sort((a, b) => b.count - a.count) };
}

function values(field, params) {
  const counts = new Map();
  for (const record of records(params)) {
    const value = flatten(record).fields[field];
    if (value !== undefined) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  }
  const list = [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
  return { values: list.slice(0, Number(params.get("limit") ?? 20)) };
}

function facets(params) {
  const names = (params.get("fields") ?? "").split(",").filter(Boolean);
  return { facets: names.map((field) => ({ field, ...values(field, params) })) };
}

/** Fields at the beginning of a word, values behind `field:`; nothing of stages. */
function complete(params) {
  const text = (params.get("q") ?? "").slice(0, Number(params.get("position") ?? 1e9));
  const [, field, part = ""] = /(?:([\w.]+):)?([\w.]*)$/.exec(text) ?? [];
  const all = new URLSearchParams(params);
  all.set("q", "");
  const found = field
    ? values(field, all).values.map(({ value, count }) => ({ text: value, kind: "value", count }))
    : ["service", "level", "name", "status", ...fields(all).fields.map(({ name }) => name)].map((name) => ({
        text: name,
        kind: "field",
        count: 0,
      }));
  return { from: text.length - part.length, items: found.filter((item) => item.text.startsWith(part)).slice(0, 50) };
}

function context(id) {
  const at = data.logs.findIndex((log) => log.id === id);
  if (at < 0) return null;
  const record = data.logs[at];
  const near = data.logs.filter((log) => log.service === record.service);
  const place = near.indexOf(record);
  // The newest stands first in the data.
  return {
    record,
    before: near.slice(place + 1, place + 51).reverse(),
    after: near.slice(Math.max(0, place - 50), place).reverse(),
    stream: [{ name: "service", value: record.service }],
  };
}

function status() {
  const now = Date.now();
  const names = ["api", "bot", "matcher", "notifier", "profiles", "web"];
  const signal = (accepted, refused, last) => ({
    accepted,
    refused,
    last_received_unix_milli: last,
    services: empty ? [] : names,
  });
  const none = { accepted: 0, refused: 0, last_received_unix_milli: null, services: [] };
  return {
    version: "0.1.0",
    now_unix_milli: now,
    started_unix_milli: started,
    demo: !empty,
    endpoints: {
      otlp_grpc: "127.0.0.1:4317",
      otlp_http: "127.0.0.1:4318",
      api: "127.0.0.1:8080",
      ui: "127.0.0.1:3301",
    },
    signals: empty
      ? { traces: { ...none, refused: 14 }, logs: none, metrics: none }
      : {
          traces: signal(21340, 0, now - 1200),
          logs: signal(4210, 0, now - 900),
          metrics: signal(88211, 3, now - 7000),
        },
    refusals: empty
      ? [
          {
            time_unix_milli: now - 4000,
            signal: "traces",
            code: "http_on_grpc_port",
            message: "an HTTP/1.1 request arrived on the gRPC port 4317; use port 4318 or the gRPC exporter",
            count: 12,
          },
          {
            time_unix_milli: now - 65000,
            signal: "traces",
            code: "unsupported_content_type",
            message: "content type text/plain is not accepted; send application/x-protobuf or application/json",
            count: 2,
          },
        ]
      : [],
  };
}

/** `b16` and zeros, then eight decimal digits: a trace with that many spans. */
const BIG = /^b160{21}\d{8}$/;

const NOT_FOUND = [404, { error: { kind: "not_found", message: "there is nothing at this path" } }];

function answer(path, params) {
  const startedAt = performance.now();
  const wrap = (body, rows = 48_213) => [200, { ...body, ...stats(rows, startedAt) }];
  if (path === "/api/v1/status") return [200, status()];
  if (path === "/api/v1/health") return [200, { status: "ok" }];
  if (path === "/api/v1/logs") {
    const found = matchingLogs(params);
    if (params.get("order") === "asc") found.reverse();
    const [logs, next_cursor] = page(found, params, 100);
    return wrap({ logs, next_cursor });
  }
  if (path === "/api/v1/logs/volume") return wrap(volume(params));
  if (path === "/api/v1/facets") return wrap(facets(params));
  if (path === "/api/v1/complete") return wrap(complete(params));
  const around = /^\/api\/v1\/logs\/([^/]+)\/context$/.exec(path);
  if (around) {
    const found = context(decodeURIComponent(around[1]));
    return found ? wrap(found) : NOT_FOUND;
  }
  if (path === "/api/v1/traces") {
    const [found, next_cursor] = page(matchingTraces(params), params, 20);
    return wrap({ traces: found.map((trace) => trace.summary), next_cursor });
  }
  if (path.startsWith("/api/v1/traces/")) {
    const [id, , spanId] = path.slice("/api/v1/traces/".length).split("/");
    const trace = BIG.test(id) ? bigTrace(id, Number.parseInt(id.slice(-8), 10), started) : data.byId.get(id);
    if (!trace) return [404, { error: { kind: "not_found", message: `no spans with trace id ${id}` } }];
    if (params.get("format") === "columns")
      return wrap({ trace_id: id, spans: [], columns: toColumns(trace.spans) }, trace.spans.length);
    const spans = trace.spans.filter((span) => !spanId || span.span_id === spanId);
    return wrap({ trace_id: id, spans: spans.map(({ offset: _offset, ...span }) => span) }, trace.spans.length);
  }
  if (path === "/api/v1/services") return wrap(services(params));
  const service = /^\/api\/v1\/services\/([^/]+)\/operations$/.exec(path);
  if (service) return wrap(operations(decodeURIComponent(service[1]), params));
  if (path === "/api/v1/fields") return wrap(fields(params));
  const field = /^\/api\/v1\/fields\/([^/]+)\/values$/.exec(path);
  if (field) return wrap(values(decodeURIComponent(field[1]), params));
  if (path.startsWith("/api/v1/"))
    return empty
      ? [200, { status: "success", data: path.includes("query") ? { resultType: "matrix", result: [] } : [] }]
      : prometheus(path, params, Date.now());
  return NOT_FOUND;
}

async function readForm(request) {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (!url.pathname.startsWith("/api/")) return serveFile(url.pathname, response);
  const params = request.method === "POST" ? new URLSearchParams(await readForm(request)) : url.searchParams;
  let result;
  try {
    result = answer(url.pathname, params);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    result = [400, { error: error.detail }];
  }
  response.writeHead(result[0], {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-request-id": "01J5MOCK",
  });
  response.end(JSON.stringify(result[1]));
});

function serveFile(pathname, response) {
  const wanted = normalize(join(dist, pathname));
  const found =
    wanted.startsWith(dist) && existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(dist, "index.html");
  response.writeHead(200, {
    "content-type": TYPES[extname(found)] ?? "application/octet-stream",
    "content-security-policy": POLICY,
  });
  createReadStream(found).pipe(response);
}

server.listen(port, "127.0.0.1", () => process.stdout.write(`mock server on http://127.0.0.1:${port}\n`));
