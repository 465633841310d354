// Half an hour of a small shop, the same each time: three services, a trace every few seconds, a counter of requests,
// and two minutes in which checkouts fail because the database does not answer. Sent over OTLP/HTTP.
import { post } from "../post.mjs";
import { until } from "./server.mjs";

const STEP_SECONDS = 15;
const LENGTH_SECONDS = 1800;
const TRACE_EVERY_SECONDS = 6;
const BAD_FROM_SECONDS = 1080;
const BAD_TO_SECONDS = 1260;

const text = (key, value) => ({ key, value: { stringValue: value } });
const hex = (value, digits) => value.toString(16).padStart(digits, "0");

/** Start, end, and the middle of the bad minutes, in unix milliseconds. */
export function shopTimes(endMilli) {
  const end = Math.floor(endMilli / 1000 / STEP_SECONDS) * STEP_SECONDS;
  const start = end - LENGTH_SECONDS;
  return {
    startMilli: start * 1000,
    endMilli: end * 1000,
    badMilli: (start + (BAD_FROM_SECONDS + BAD_TO_SECONDS) / 2) * 1000,
  };
}

const isBad = (second) => second >= BAD_FROM_SECONDS && second < BAD_TO_SECONDS;

function counters(startMilli) {
  const totals = new Map();
  const points = new Map();
  for (let second = 0; second <= LENGTH_SECONDS; second += STEP_SECONDS) {
    const add = (service, status, count) => {
      const key = `${service} ${status}`;
      totals.set(key, (totals.get(key) ?? 0) + count);
      const timeUnixNano = `${startMilli + second * 1000}000000`;
      const point = {
        startTimeUnixNano: `${startMilli}000000`,
        timeUnixNano,
        asInt: String(totals.get(key)),
        attributes: [text("status", status), text("route", "/checkout")],
      };
      points.set(service, [...(points.get(service) ?? []), point]);
    };
    for (const service of ["web", "checkout"]) {
      add(service, "200", isBad(second) ? 40 : 60 + (second % 7));
      add(service, "503", isBad(second) ? 24 : 0);
    }
  }
  return [...points].map(([service, dataPoints]) => ({
    resource: { attributes: [text("service.name", service)] },
    scopeMetrics: [
      {
        metrics: [{ name: "http_requests_total", sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } }],
      },
    ],
  }));
}

function tracesAndLogs(startMilli) {
  const spans = new Map();
  const logs = new Map();
  const put = (map, service, item) => map.set(service, [...(map.get(service) ?? []), item]);
  for (let second = 2; second < LENGTH_SECONDS; second += TRACE_EVERY_SECONDS) {
    const bad = isBad(second);
    const traceId = `5409${hex(second, 28)}`;
    const at = (milli) => `${startMilli + second * 1000 + milli}000000`;
    const status = bad ? { code: 2, message: "the database does not answer" } : {};
    const span = (service, id, parentSpanId, name, kind, from, to, attributes = []) =>
      put(spans, service, {
        traceId,
        spanId: hex(second * 16 + id, 16),
        parentSpanId,
        name,
        kind,
        startTimeUnixNano: at(from),
        endTimeUnixNano: at(to),
        status,
        attributes,
      });
    const id = (which) => hex(second * 16 + which, 16);
    const length = bad ? 2000 : 40 + (second % 50);
    const code = text("http.response.status_code", bad ? "503" : "200");
    span("web", 1, "", "POST /checkout", 2, 0, length + 20, [code]);
    span("checkout", 2, id(1), "POST /v1/orders", 2, 8, length + 10, [code, text("tenant", `t${second % 5}`)]);
    span("checkout", 3, id(2), "INSERT orders", 3, 12, length, [text("db.system.name", "postgresql")]);
    put(logs, "checkout", {
      timeUnixNano: at(length),
      severityNumber: bad ? 17 : 9,
      severityText: bad ? "ERROR" : "INFO",
      body: { stringValue: bad ? `order ${second} failed: the database does not answer` : `order ${second} stored` },
      traceId,
      spanId: id(3),
    });
  }
  const resource = (service) => ({ attributes: [text("service.name", service), text("service.version", "1.4.0")] });
  return {
    resourceSpans: [...spans].map(([service, list]) => ({
      resource: resource(service),
      scopeSpans: [{ scope: { name: "shop" }, spans: list }],
    })),
    resourceLogs: [...logs].map(([service, list]) => ({
      resource: resource(service),
      scopeLogs: [{ scope: { name: "shop" }, logRecords: list }],
    })),
  };
}

/** Sends it all, ending at `endMilli`, and answers with its times once the last of it can be found. */
export async function sendShop({ otlp, api }, endMilli = Date.now()) {
  const times = shopTimes(endMilli);
  const { resourceSpans, resourceLogs } = tracesAndLogs(times.startMilli);
  await post(`${otlp}/v1/metrics`, { resourceMetrics: counters(times.startMilli) });
  await post(`${otlp}/v1/traces`, { resourceSpans });
  await post(`${otlp}/v1/logs`, { resourceLogs });
  const query = `sum(http_requests_total)&time=${times.endMilli / 1000}`;
  await until("the metrics that were sent are found", async () => {
    const answer = await (await fetch(`${api}/api/v1/query?query=${query}`)).json();
    return answer.data?.result?.length > 0;
  });
  return times;
}

/** A dashboard over the counters, with an uid to open it by. */
export const SHOP_DASHBOARD = JSON.stringify({
  dashboard: {
    uid: "shop",
    title: "Shop",
    panels: [
      {
        title: "Request Rate",
        type: "graph",
        targets: [{ expr: "sum by (service) (rate(http_requests_total[1m]))", legendFormat: "{{service}}" }],
      },
      {
        title: "Failed checkouts",
        type: "graph",
        targets: [
          {
            expr: 'sum by (service) (rate(http_requests_total{status="503",service="checkout"}[1m]))',
            legendFormat: "{{service}}",
          },
        ],
      },
    ],
  },
});
