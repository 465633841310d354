// Sends what no demo has to a running server over OTLP/HTTP: traces of 10,000 and 100,000 spans, a trace with every
// problem, a hundred thousand log records. Ids are fixed, so a page can be opened by name.
//
//   node dev/seed.mjs [--otlp http://127.0.0.1:4318] [--big] [--logs 100000] [--alerts http://127.0.0.1:8080]
import { pathToFileURL } from "node:url";
import { seedAlerts } from "./alert-seed.mjs";
import { post } from "./post.mjs";

export const TRACES = {
  odd: "0ddba11000000000000000000000c0de",
  slow: "510e".padEnd(32, "5"),
  k10: "10000".padEnd(32, "a"),
  k100: "100000".padEnd(32, "b"),
};

const option = (name, fallback) => {
  const index = process.argv.indexOf(`--${name}`);
  return index < 0 ? fallback : process.argv[index + 1];
};

/** The same numbers each time. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
}

const attributes = (values) =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: String(value) },
  }));

const hex = (value, digits) => value.toString(16).padStart(digits, "0");

/** Spans as `[service, span]`, sent in batches. */
export async function sendSpans(base, spans) {
  for (let at = 0; at < spans.length; at += 4000) {
    const byService = new Map();
    for (const [service, span] of spans.slice(at, at + 4000)) {
      byService.set(service, [...(byService.get(service) ?? []), span].flat());
    }
    const resourceSpans = [...byService].map(([service, list]) => ({
      resource: { attributes: attributes({ "service.name": service, "service.instance.id": `${service}-1` }) },
      scopeSpans: [{ scope: { name: "seed" }, spans: list }],
    }));
    await post(`${base}/v1/traces`, { resourceSpans });
  }
}

function span(traceId, id, parent, name, startNanos, lengthNanos, more = {}) {
  return {
    traceId,
    spanId: hex(id, 16),
    parentSpanId: parent ? hex(parent, 16) : "",
    name,
    kind: 1,
    startTimeUnixNano: String(startNanos),
    endTimeUnixNano: String(startNanos + BigInt(Math.max(0, Math.round(lengthNanos)))),
    attributes: [],
    ...more,
  };
}

const SERVICES = [
  "gateway",
  "checkout",
  "payments",
  "inventory",
  "postgres",
  "redis",
  "notification-dispatcher-with-a-long-name",
];
const NAMES = [
  "POST /v1/checkout/sessions/{session_id}/confirm",
  "reserve",
  "SELECT stock",
  "GET price",
  "authorize card",
  "publish order.created",
  "render",
];

/** A trace of `count` spans: random parents near the last spans, some errors, runs of equal siblings. */
export function bigTrace(traceId, count, startNanos, seed) {
  const random = numbers(seed);
  const spans = [];
  const times = [[0, 4_200_000_000]];
  spans.push(["gateway", span(traceId, 1, 0, NAMES[0], startNanos, 4_200_000_000, { kind: 2 })]);
  let run = 0;
  let parent = 0;
  for (let i = 1; i < count; i++) {
    if (run === 0) {
      parent = random(4) === 0 ? random(Math.min(i, 40)) : Math.max(0, i - 1 - random(Math.min(i, 400)));
      run = random(40) === 0 ? 12 + random(30) : 1;
    }
    run--;
    const [from, to] = times[parent];
    const room = Math.max(1000, to - from);
    const start = from + random(Math.max(1, Math.floor(room * 0.8)));
    const length = Math.min(to - start, 200 + random(Math.max(400, Math.floor(room * 0.7))));
    times.push([start, start + Math.max(0, length)]);
    const service = run > 0 ? "postgres" : SERVICES[random(SERVICES.length)];
    const more =
      random(300) === 0
        ? {
            status: { code: 2, message: "deadline exceeded" },
            attributes: attributes({ "http.response.status_code": 504 }),
          }
        : service === "postgres"
          ? {
              kind: 3,
              attributes: attributes({ "db.system.name": "postgresql", "db.query.text": "SELECT * FROM stock" }),
            }
          : {};
    const name = run > 0 ? "SELECT stock" : NAMES[1 + random(NAMES.length - 1)];
    spans.push([service, span(traceId, i + 1, parent + 1, name, startNanos + BigInt(start), length, more)]);
  }
  return spans;
}

/** Missing parents, a clock that is wrong, an exception with a stack, links, long names, nanoseconds. */
export function oddTrace(traceId, startNanos) {
  const at = (ms) => startNanos + BigInt(Math.round(ms * 1e6));
  const ms = 1e6;
  const stack = [
    "TimeoutError: pool exhausted after 250ms",
    "    at acquire (/app/src/db/pool.ts:88:13)",
    "    at node:internal/process/task_queues:95:5",
    "    at run (/app/node_modules/pg-pool/index.js:45:11)",
    "    at next (/app/node_modules/express/lib/router/layer.js:95:5)",
    "    at confirm (/app/src/checkout/confirm.ts:41:20)",
  ].join("\n");
  const out = [
    ["web", span(traceId, 1, 0, "click: confirm the order", at(0), 842 * ms, { kind: 3 })],
    [
      "gateway",
      span(traceId, 2, 1, NAMES[0], at(20), 790 * ms, {
        kind: 2,
        attributes: attributes({
          "http.response.status_code": 500,
          "http.route": "/v1/checkout/sessions/{session_id}/confirm",
          "user.id": "u-4711",
        }),
        status: { code: 2, message: "upstream failed" },
      }),
    ],
    [
      "checkout",
      span(traceId, 3, 2, "confirm", at(31), 740 * ms, {
        kind: 2,
        status: { code: 2, message: "pool exhausted after 250ms" },
        attributes: attributes({
          "code.function.name": "confirm",
          "order.items": 312,
          "order.note":
            "A rather long note that a customer wrote, with more words in it than any table cell was made for, so that somebody has to decide where it ends",
        }),
        events: [
          {
            timeUnixNano: String(at(420)),
            name: "exception",
            attributes: attributes({
              "exception.type": "TimeoutError",
              "exception.message": "pool exhausted after 250ms",
              "exception.stacktrace": stack,
            }),
          },
          { timeUnixNano: String(at(300)), name: "retry", attributes: attributes({ attempt: 2 }) },
        ],
      }),
    ],
    [
      "payments",
      span(traceId, 4, 3, "authorize card", at(18), 120 * ms, {
        kind: 2,
        links: [{ traceId: TRACES.slow, spanId: hex(1, 16), attributes: attributes({ reason: "retry of" }) }],
      }),
    ],
    ["payments", span(traceId, 5, 4, "POST api.example-psp.com/v2/authorizations", at(25), 90 * ms, { kind: 3 })],
    [
      "inventory",
      span(traceId, 900, 899, "late consumer of order.created", at(700), 60 * ms, {
        kind: 5,
        attributes: attributes({ "messaging.system": "kafka" }),
      }),
    ],
    ["inventory", span(traceId, 901, 900, "nanosecond work", at(710), 3)],
  ];
  for (let i = 0; i < 312; i++) {
    const length = (i === 77 ? 9 : 0.6 + ((i * 37) % 90) / 100) * ms;
    out.push([
      "postgres",
      span(traceId, 100 + i, 3, "SELECT users", at(150 + i * 1.9), length, {
        kind: 3,
        attributes: attributes({
          "db.system.name": "postgresql",
          "db.query.text": "SELECT * FROM users WHERE id = $1",
        }),
        ...(i === 200 ? { status: { code: 2, message: "canceling statement" } } : {}),
      }),
    ]);
  }
  return out;
}

function oddLogs(traceId, startNanos) {
  const at = (ms) => String(startNanos + BigInt(Math.round(ms * 1e6)));
  const log = (service, ms, severityNumber, severityText, body, spanId) => ({
    service,
    record: {
      timeUnixNano: at(ms),
      severityNumber,
      severityText,
      body: { stringValue: body },
      traceId,
      spanId: hex(spanId, 16),
      flags: 1,
      attributes: attributes({ "thread.name": "worker-3" }),
    },
  });
  return [
    log("gateway", 22, 9, "INFO", "POST /v1/checkout/sessions/cs_9f2/confirm accepted", 2),
    log("checkout", 140, 5, "DEBUG", '{"msg":"loading users one by one","count":312,"cart":"c-881"}', 3),
    log("checkout", 300, 13, "WARN", "pool is full, retrying (attempt 2 of 3)", 3),
    log(
      "checkout",
      420,
      17,
      "ERROR",
      "TimeoutError: pool exhausted after 250ms\n    at acquire (/app/src/db/pool.ts:88:13)",
      3,
    ),
    log("payments", 60, 9, "INFO", "card authorized", 4),
  ];
}

async function sendLogs(base, logs) {
  const byService = new Map();
  for (const { service, record } of logs) byService.set(service, [...(byService.get(service) ?? []), record]);
  await post(`${base}/v1/logs`, {
    resourceLogs: [...byService].map(([service, logRecords]) => ({
      resource: { attributes: attributes({ "service.name": service, "service.instance.id": `${service}-1` }) },
      scopeLogs: [{ scope: { name: "seed" }, logRecords }],
    })),
  });
}

const LINES = [
  [9, "INFO", (n) => `order ${n} shipped to warehouse ${n % 7} in ${n % 900} ms`],
  [9, "INFO", (n) => `{"msg":"cache refreshed","keys":${n % 400},"region":"eu-${n % 3}"}`],
  [5, "DEBUG", (n) => `poll of queue orders.${n % 4} took ${n % 50} ms`],
  [13, "WARN", (n) => `retrying request ${hex(n, 8)} after ${n % 5} s`],
  [17, "ERROR", (n) => `payment ${hex(n, 8)} refused: card expired`],
];

/** `count` records of one service over the last half hour, or all of this moment. */
export async function sendManyLogs(base, count, { now = false } = {}) {
  const nowNanos = BigInt(Date.now()) * 1_000_000n;
  const spanMillis = now ? 400 : 1_800_000;
  const random = numbers(99);
  for (let at = 0; at < count; at += 5000) {
    const size = Math.min(5000, count - at);
    const logs = Array.from({ length: size }, (_, i) => {
      const n = at + i;
      const [severityNumber, severityText, text] =
        LINES[[0, 0, 0, 1, 1, 2, 2, 2, 3, random(6) === 0 ? 4 : 0][random(10)]];
      const timeUnixNano = String(nowNanos - BigInt(Math.round(((count - n) / count) * spanMillis * 1e6)));
      return {
        service: "seed-warehouse",
        record: {
          timeUnixNano,
          severityNumber,
          severityText,
          body: { stringValue: text(n) },
          attributes: attributes({ "order.id": n, shard: n % 8 }),
        },
      };
    });
    await sendLogs(base, logs);
  }
}

/** Gauges `seed_level` (or `name`) with a value each minute (or every `step` seconds) over the last `seconds` before `end` (unix seconds). */
export async function sendGauges(base, series, seconds, end, { name = "seed_level", step = 60 } = {}) {
  const points = [];
  for (let at = 0; at < series; at++) {
    const random = numbers(at + 1);
    for (let time = end - seconds; time <= end; time += step) {
      points.push({
        timeUnixNano: `${time}000000000`,
        asDouble: 50 + 40 * Math.sin(time / (600 + at * 20)) + random(100) / 10,
        attributes: attributes({ shard: `s${at}` }),
      });
    }
  }
  points.sort((a, b) => (a.timeUnixNano < b.timeUnixNano ? -1 : 1));
  const resource = { attributes: attributes({ "service.name": "seed" }) };
  for (let at = 0; at < points.length; at += 20_000) {
    const metrics = [{ name, gauge: { dataPoints: points.slice(at, at + 20_000) } }];
    await post(`${base}/v1/metrics`, {
      resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: "seed" }, metrics }] }],
    });
  }
}

export async function seed({ otlp, big, logs }) {
  const now = BigInt(Date.now()) * 1_000_000n;
  const start = now - 120_000_000_000n;
  await sendSpans(otlp, oddTrace(TRACES.odd, start + 123_456_789n));
  await sendLogs(otlp, oddLogs(TRACES.odd, start + 123_456_789n));
  await sendSpans(otlp, bigTrace(TRACES.k10, 10_000, start, 7));
  if (big) await sendSpans(otlp, bigTrace(TRACES.k100, 100_000, start, 11));
  if (logs > 0) await sendManyLogs(otlp, logs);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await seed({
    otlp: option("otlp", "http://127.0.0.1:4318"),
    big: process.argv.includes("--big"),
    logs: Number(option("logs", "0")),
  });
  const api = option("alerts", "");
  if (api) await seedAlerts(api);
  process.stdout.write(`${JSON.stringify(TRACES)}\n`);
}
