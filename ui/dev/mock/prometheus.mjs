// A stand-in for the Prometheus API: smooth, deterministic series for any expression with a known metric name.
import { seeded } from "./random.mjs";

export const METRICS = {
  http_server_request_duration_seconds_bucket: ["histogram", "Duration of HTTP server requests", "seconds"],
  http_server_request_duration_seconds_count: ["histogram", "Duration of HTTP server requests", "seconds"],
  http_requests_total: ["counter", "HTTP requests served", ""],
  db_client_connections_in_use: ["gauge", "Connections of the pool that are in use", ""],
  matcher_queue_length: ["gauge", "Requests that wait for a ranking worker", ""],
  process_resident_memory_bytes: ["gauge", "Resident memory", "bytes"],
  nodejs_eventloop_lag_seconds: ["gauge", "Lag of the event loop", "seconds"],
  go_goroutines: ["gauge", "Number of goroutines that currently exist", ""],
  up: ["gauge", "Whether the last scrape succeeded", ""],
};

const SERVICES = ["api", "bot", "matcher", "notifier", "profiles"];

function check(query) {
  let depth = 0;
  for (let i = 0; i < query.length; i++) {
    if ("({[".includes(query[i])) depth++;
    if (")}]".includes(query[i])) depth--;
    if (depth < 0) return `1:${i + 1}: parse error: unexpected right parenthesis '${query[i]}'`;
  }
  if (depth > 0) return `1:${query.length + 1}: parse error: unclosed left parenthesis`;
  return query.trim() === "" ? "1:1: parse error: no expression found in input" : null;
}

function seriesOf(query) {
  const metric = Object.keys(METRICS).find((name) => query.includes(name));
  if (!metric) return [];
  const only = /service(?:_name)?="([^"]+)"/.exec(query)?.[1];
  const grouped = /\bby\s*\(([^)]*)\)/.exec(query);
  const aggregated = /\b(sum|avg|max|min|histogram_quantile)\b/.test(query);
  if (aggregated && (!grouped || !/service/.test(grouped[1]))) return [{ metric, labels: {} }];
  return SERVICES.filter((name) => !only || name === only).map((name) => ({
    metric,
    labels: aggregated
      ? { service_name: name }
      : { __name__: metric, service_name: name, env: "production", instance: `${name}-0:9464` },
  }));
}

function scaleOf(query, metric) {
  if (/histogram_quantile/.test(query)) return 0.2;
  if (/bytes/.test(metric)) return 3e8;
  if (/seconds$/.test(metric)) return 0.02;
  if (/goroutines/.test(metric)) return 240;
  if (metric === "up") return 0;
  return /rate|increase/.test(query) ? 12 : 40;
}

function valueAt(query, entry, seconds) {
  if (entry.metric === "up") return 1;
  const random = seeded(
    [...JSON.stringify(entry)].reduce((sum, char) => Math.imul(sum, 31) + char.charCodeAt(0), 7) >>> 0,
  );
  const base = scaleOf(query, entry.metric) * (0.4 + random());
  const noise = seeded((Math.floor(seconds / 15) * 2654435761 + Math.floor(random() * 1e9)) >>> 0)();
  const burst = Math.max(0, 1 - Math.abs(((seconds / 60) % 60) - 38) / 4) * (random() < 0.5 ? 1.4 : 0.2);
  return base * (1 + 0.25 * Math.sin(seconds / (300 + random() * 900)) + 0.12 * noise + burst);
}

export function prometheus(path, params, nowMilli) {
  const query = params.get("query") ?? "";
  if (path === "/api/v1/query_range" || path === "/api/v1/query") {
    const problem = check(query);
    if (problem)
      return [400, { status: "error", errorType: "bad_data", error: `invalid parameter "query": ${problem}` }];
    const entries = seriesOf(query);
    if (path === "/api/v1/query") {
      const time = Number(params.get("time") ?? nowMilli / 1000);
      if (/^\s*[\d.]+\s*$/.test(query)) return ok({ resultType: "scalar", result: [time, query.trim()] });
      return ok({
        resultType: "vector",
        result: entries.map((e) => ({ metric: e.labels, value: [time, String(valueAt(query, e, time))] })),
      });
    }
    const [start, end, step] = ["start", "end", "step"].map((name) => Number(params.get(name)));
    const result = entries.map((entry) => {
      const values = [];
      for (let at = start; at <= end; at += step) values.push([at, String(valueAt(query, entry, at))]);
      return { metric: entry.labels, values };
    });
    return ok({ resultType: "matrix", result });
  }
  if (path === "/api/v1/label/__name__/values") return ok(Object.keys(METRICS));
  if (path === "/api/v1/labels") return ok(["__name__", "env", "instance", "service_name"]);
  if (path === "/api/v1/label/service_name/values") return ok(SERVICES);
  if (path === "/api/v1/label/env/values") return ok(["production"]);
  if (path === "/api/v1/metadata") {
    return ok(
      Object.fromEntries(Object.entries(METRICS).map(([name, [type, help, unit]]) => [name, [{ type, help, unit }]])),
    );
  }
  return ok([]);
}

function ok(data) {
  return [200, { status: "success", data }];
}
