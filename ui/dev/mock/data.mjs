// Deterministic data of a match-making product: a bot, an API, a matcher, a profile service, a web client, with
// PostgreSQL and Redis behind them. Traces, their logs, and counts over one hour.
import { hex, pick, seeded } from "./random.mjs";

const TRACES = 900;
const WINDOW_NANOS = 3_600_000_000_000n;

const RESOURCES = {
  web: { "telemetry.sdk.language": "webjs", "service.version": "2.14.0" },
  bot: { "telemetry.sdk.language": "go", "service.version": "1.9.2", "host.name": "bot-5c7d" },
  api: { "telemetry.sdk.language": "nodejs", "service.version": "3.2.1", "host.name": "api-7f9b" },
  matcher: { "telemetry.sdk.language": "go", "service.version": "0.21.0", "host.name": "matcher-1" },
  profiles: { "telemetry.sdk.language": "java", "service.version": "5.0.3", "host.name": "profiles-0" },
  notifier: { "telemetry.sdk.language": "python", "service.version": "1.1.4", "host.name": "notifier-2" },
};

export function attributes(map) {
  return Object.entries(map).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value) {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (Number.isInteger(value)) return { intValue: String(value) };
  if (typeof value === "number") return { doubleValue: value };
  return { arrayValue: { values: value.map(anyValue) } };
}

function resourceOf(service) {
  return {
    attributes: attributes({
      "service.name": service,
      "deployment.environment.name": "production",
      ...RESOURCES[service],
    }),
    dropped_attributes_count: 0,
    schema_url: "https://opentelemetry.io/schemas/1.27.0",
  };
}

const ROUTES = [
  { name: "POST /v1/match", route: "/v1/match", method: "POST", weight: 5 },
  { name: "GET /v1/profile/{id}", route: "/v1/profile/{id}", method: "GET", weight: 6 },
  { name: "POST /v1/message", route: "/v1/message", method: "POST", weight: 3 },
  { name: "GET /v1/feed", route: "/v1/feed", method: "GET", weight: 4 },
];

function pickRoute(random) {
  let left = random() * ROUTES.reduce((sum, route) => sum + route.weight, 0);
  for (const route of ROUTES) {
    left -= route.weight;
    if (left < 0) return route;
  }
  return ROUTES[0];
}

/** Builds one trace; times are offsets in nanoseconds from its start until `finish` makes them absolute. */
function buildTrace(random, startNanos) {
  const traceId = hex(random, 32);
  const spans = [];
  const logs = [];
  const slow = random() < 0.06 ? 6 + random() * 8 : 1;
  const fails = random() < 0.07;
  const ms = (value) => Math.round(value * 1e6 * slow * (0.7 + random() * 0.6));

  const span = (parent, service, name, kind, offset, duration, extra = {}, status = "UNSET", message = "") => {
    const made = {
      trace_id: traceId,
      span_id: hex(random, 16),
      parent_span_id: parent ? parent.span_id : "",
      trace_state: "",
      flags: 257,
      name,
      kind,
      service,
      offset,
      duration_nanos: duration,
      attributes: attributes(extra),
      dropped_attributes_count: 0,
      events: [],
      dropped_events_count: 0,
      links: [],
      dropped_links_count: 0,
      status: { code: status, message },
      resource: resourceOf(service),
      scope: {
        name: `@meetsmatch/${service}`,
        version: "1.0.0",
        attributes: [],
        dropped_attributes_count: 0,
        schema_url: "",
      },
    };
    spans.push(made);
    return made;
  };
  const log = (at, offset, level, body, extra = {}) =>
    logs.push({ span: at, offset, level, body, attributes: attributes(extra) });

  const route = pickRoute(random);
  const user = `u_${1000 + Math.floor(random() * 400)}`;
  const source = random() < 0.35 ? "bot" : "web";
  const root = span(
    null,
    source,
    source === "bot" ? "telegram.update" : `HTTP ${route.method}`,
    source === "bot" ? "CONSUMER" : "CLIENT",
    0,
    0,
    source === "bot"
      ? { "messaging.system": "telegram", "messaging.operation.type": "process", "user.id": user }
      : {
          "http.request.method": route.method,
          "url.full": `https://app.meetsmatch.example${route.route}`,
          "user.id": user,
        },
  );
  const api = span(root, "api", route.name, "SERVER", ms(3), 0, {
    "http.request.method": route.method,
    "http.route": route.route,
    "user.id": user,
    "client.address": "10.2.0.17",
  });
  let at = api.offset + ms(1);
  const auth = span(api, "api", "auth.verify", "INTERNAL", at, ms(2.2), { "enduser.id": user });
  span(auth, "api", "GET session", "CLIENT", at + ms(0.3), ms(1.2), {
    "db.system.name": "redis",
    "db.operation.name": "GET",
    "db.query.text": "GET session:?",
  });
  at += auth.duration_nanos + ms(0.4);
  log(api, at, "INFO", `${route.method} ${route.route} accepted`, { "http.route": route.route, "user.id": user });

  const call = span(api, "api", "profiles.ProfileService/Get", "CLIENT", at, 0, {
    "rpc.system": "grpc",
    "rpc.service": "profiles.ProfileService",
    "rpc.method": "Get",
    "server.address": "profiles",
  });
  const profile = span(call, "profiles", "profiles.ProfileService/Get", "SERVER", at + ms(0.6), 0, {
    "rpc.system": "grpc",
    "rpc.method": "Get",
  });
  let inner = profile.offset + ms(0.5);
  const cacheHit = random() < 0.6;
  span(profile, "profiles", "MGET profile", "CLIENT", inner, ms(0.9), {
    "db.system.name": "redis",
    "db.operation.name": "MGET",
    "cache.hit": cacheHit,
  });
  inner += ms(1.1);
  if (!cacheHit) {
    const query = span(profile, "profiles", "SELECT profiles", "CLIENT", inner, ms(7), {
      "db.system.name": "postgresql",
      "db.namespace": "meetsmatch",
      "db.query.text": "SELECT * FROM profiles WHERE id = $1",
      "db.response.returned_rows": 1,
    });
    inner += query.duration_nanos + ms(0.3);
    log(profile, inner, "DEBUG", "profile cache miss", { "user.id": user });
  }
  profile.duration_nanos = inner - profile.offset + ms(0.3);
  call.duration_nanos = profile.offset + profile.duration_nanos - call.offset + ms(0.5);
  at = call.offset + call.duration_nanos + ms(0.4);

  if (route.route === "/v1/match" || route.route === "/v1/feed") {
    const rpc = span(api, "api", "matcher.Matcher/FindMatches", "CLIENT", at, 0, {
      "rpc.system": "grpc",
      "rpc.method": "FindMatches",
      "server.address": "matcher",
    });
    const matcher = span(rpc, "matcher", "matcher.Matcher/FindMatches", "SERVER", at + ms(0.7), 0, {
      "rpc.system": "grpc",
      "match.limit": 20,
      "match.radius_km": 25.5,
      "match.interests": ["climbing", "jazz"],
    });
    let cursor = matcher.offset + ms(0.8);
    const geo = span(matcher, "matcher", "geo.candidates", "INTERNAL", cursor, 0, {});
    const geoQuery = span(geo, "matcher", "SELECT candidates", "CLIENT", cursor + ms(0.3), ms(24), {
      "db.system.name": "postgresql",
      "db.namespace": "meetsmatch",
      "db.query.text": "SELECT id, score FROM candidates WHERE ST_DWithin(position, $1, $2) LIMIT 200",
      "db.response.returned_rows": 174,
    });
    geo.duration_nanos = geoQuery.duration_nanos + ms(0.8);
    cursor += geo.duration_nanos + ms(0.4);
    const rank = span(matcher, "matcher", "rank", "INTERNAL", cursor, 0, {
      "match.candidates": 174,
      "match.model": "ranker-2026-08",
    });
    let rankCursor = cursor + ms(0.2);
    const batch = 9 + Math.floor(random() * 14);
    for (let i = 0; i < batch; i++) {
      const item = span(rank, "matcher", "SELECT preferences", "CLIENT", rankCursor, ms(1.4), {
        "db.system.name": "postgresql",
        "db.query.text": "SELECT * FROM preferences WHERE user_id = $1",
        "db.operation.parameter.0": `u_${2000 + i}`,
      });
      rankCursor += item.duration_nanos + ms(0.1);
    }
    const score = span(rank, "matcher", "score.batch", "INTERNAL", rankCursor, ms(9), { "batch.size": 174 });
    for (let w = 0; w < 4; w++)
      span(score, "matcher", "score.worker", "INTERNAL", rankCursor + ms(0.2), ms(6 + w), { "worker.id": w });
    rankCursor += score.duration_nanos + ms(3.4);
    rank.duration_nanos = rankCursor - cursor;
    cursor = rankCursor + ms(0.3);
    log(matcher, cursor, "INFO", `ranked 174 candidates in ${(rank.duration_nanos / 1e6).toFixed(1)} ms`, {
      "match.candidates": 174,
    });
    if (slow > 1)
      log(matcher, cursor, "WARN", "ranking is slow: preferences are read one by one", { "db.calls": batch });
    matcher.duration_nanos = cursor - matcher.offset + ms(0.4);
    rpc.duration_nanos = matcher.offset + matcher.duration_nanos - rpc.offset + ms(0.6);
    at = rpc.offset + rpc.duration_nanos + ms(0.3);
  }
  if (route.method === "POST") {
    const insert = span(api, "api", "INSERT events", "CLIENT", at, ms(3.5), {
      "db.system.name": "postgresql",
      "db.query.text": "INSERT INTO events (user_id, kind) VALUES ($1, $2)",
    });
    at += insert.duration_nanos + ms(0.2);
    const publish = span(api, "api", "publish notifications", "PRODUCER", at, ms(1.5), {
      "messaging.system": "redis",
      "messaging.destination.name": "notifications",
    });
    const consume = span(
      publish,
      "notifier",
      "process notifications",
      "CONSUMER",
      at + ms(6),
      ms(14),
      { "messaging.system": "redis", "messaging.destination.name": "notifications" },
      fails ? "ERROR" : "UNSET",
      fails ? "push gateway timed out" : "",
    );
    consume.links.push({
      trace_id: hex(random, 32),
      span_id: hex(random, 16),
      trace_state: "",
      attributes: attributes({ "messaging.batch.index": 3 }),
      dropped_attributes_count: 0,
      flags: 1,
    });
    const push = span(
      consume,
      "notifier",
      "POST",
      "CLIENT",
      consume.offset + ms(0.6),
      ms(11),
      {
        "http.request.method": "POST",
        "server.address": "push.example",
        "http.response.status_code": fails ? 504 : 202,
      },
      fails ? "ERROR" : "UNSET",
      fails ? "push gateway timed out" : "",
    );
    if (fails) {
      push.events.push({
        offset: push.offset + push.duration_nanos - 1e5,
        name: "exception",
        attributes: attributes({
          "exception.type": "httpx.ReadTimeout",
          "exception.message": "push gateway timed out",
          "exception.stacktrace":
            'Traceback (most recent call last):\n  File "/app/notifier/push.py", line 88, in send\n    response = client.post(url, json=payload)\n  File "/usr/lib/python3.12/site-packages/httpx/_client.py", line 1144, in post\n    return self.request("POST", url, json=json)\nhttpx.ReadTimeout: push gateway timed out',
        }),
        dropped_attributes_count: 0,
      });
      log(push, push.offset + push.duration_nanos, "ERROR", "delivery failed: push gateway timed out", {
        "exception.type": "httpx.ReadTimeout",
        "user.id": user,
        retry: 2,
      });
    }
    at += publish.duration_nanos;
  }
  const serverError = fails && route.method === "GET";
  span(api, "api", "serialize", "INTERNAL", at, ms(0.9), {});
  at += ms(1.4);
  api.duration_nanos = at - api.offset;
  api.attributes.push(...attributes({ "http.response.status_code": serverError ? 500 : 200 }));
  if (serverError) {
    api.status = { code: "ERROR", message: "Cannot read properties of undefined (reading 'id')" };
    root.status = { code: "ERROR", message: "Internal Server Error" };
    api.events.push({
      offset: at - 2e5,
      name: "exception",
      attributes: attributes({
        "exception.type": "TypeError",
        "exception.message": "Cannot read properties of undefined (reading 'id')",
        "exception.stacktrace":
          "TypeError: Cannot read properties of undefined (reading 'id')\n    at toFeedItem (/srv/api/feed.js:61:22)\n    at Array.map (<anonymous>)\n    at getFeed (/srv/api/feed.js:40:18)",
      }),
      dropped_attributes_count: 0,
    });
    log(api, at, "ERROR", `${route.method} ${route.route} failed: Cannot read properties of undefined (reading 'id')`, {
      "exception.type": "TypeError",
      "http.response.status_code": 500,
    });
  } else {
    log(
      api,
      at,
      "INFO",
      JSON.stringify({
        msg: "request completed",
        route: route.route,
        status: 200,
        ms: Math.round(api.duration_nanos / 1e6),
      }),
      { "http.route": route.route },
    );
  }
  root.duration_nanos = api.offset + api.duration_nanos + ms(4);
  return finish(traceId, spans, logs, startNanos);
}

function finish(traceId, spans, logs, startNanos) {
  const absolute = (offset) => String(startNanos + BigInt(Math.round(offset)));
  for (const made of spans) {
    made.start_unix_nano = absolute(made.offset);
    made.end_unix_nano = absolute(made.offset + made.duration_nanos);
    for (const event of made.events) {
      event.time_unix_nano = absolute(event.offset);
      delete event.offset;
    }
  }
  const root = spans[0];
  const byService = new Map();
  for (const made of spans) byService.set(made.service, (byService.get(made.service) ?? 0) + 1);
  const end = Math.max(...spans.map((made) => made.offset + made.duration_nanos));
  return {
    start: startNanos,
    spans,
    logs: logs.map((entry) => logRecord(entry, absolute(entry.offset), traceId)),
    summary: {
      trace_id: traceId,
      root_service: root.service,
      root_name: root.name,
      start_unix_nano: root.start_unix_nano,
      duration_nanos: Math.round(end),
      span_count: spans.length,
      error_count: spans.filter((made) => made.status.code === "ERROR").length,
      services: [...byService].map(([name, count]) => ({ name, spans: count })),
    },
  };
}

const SEVERITY = { TRACE: 1, DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17, FATAL: 21 };
let nextLogId = 1;

function logRecord(entry, time, traceId) {
  return {
    id: `l${nextLogId++}`,
    time_unix_nano: time,
    observed_time_unix_nano: time,
    severity_number: SEVERITY[entry.level],
    severity_text: entry.level,
    level: entry.level,
    service: entry.span ? entry.span.service : entry.service,
    body: { stringValue: entry.body },
    event_name: "",
    trace_id: traceId,
    span_id: entry.span ? entry.span.span_id : "",
    flags: 1,
    attributes: entry.attributes,
    dropped_attributes_count: 0,
    resource: resourceOf(entry.span ? entry.span.service : entry.service),
    scope: { name: "logger", version: "", attributes: [], dropped_attributes_count: 0, schema_url: "" },
  };
}

const BACKGROUND = [
  ["DEBUG", "matcher", "cache refreshed"],
  ["INFO", "notifier", "queue depth 3"],
  ["WARN", "profiles", "connection pool is 82 % busy"],
  ["TRACE", "matcher", "gc pause 310 us"],
  ["INFO", "bot", "long poll returned 0 updates"],
];

/** A trace of `count` spans, for measuring the waterfall. */
export function bigTrace(traceId, count, nowMilli) {
  const random = seeded(7);
  const start = BigInt(nowMilli) * 1_000_000n - 60_000_000_000n;
  const base = buildTrace(random, start).spans[0];
  const spans = [];
  for (let i = 0; i < count; i++) {
    const parent = i === 0 ? null : spans[Math.floor(i * (0.5 + random() * 0.5))];
    const offset = parent ? parent.offset + Math.round(parent.duration_nanos * random() * 0.5) : 0;
    const duration = parent ? Math.max(1000, Math.round(parent.duration_nanos * random() * 0.5)) : 8_000_000_000;
    const service = pick(random, Object.keys(RESOURCES));
    const id = i.toString(16).padStart(16, "0");
    const span = {
      ...base,
      trace_id: traceId,
      span_id: id,
      parent_span_id: parent ? parent.span_id : "",
      name: `operation ${i % 40}`,
      service,
      offset,
      duration_nanos: duration,
      kind: "INTERNAL",
      events: [],
      attributes: attributes({ "item.index": i }),
      resource: resourceOf(service),
      status: { code: random() < 0.01 ? "ERROR" : "UNSET", message: "" },
    };
    span.start_unix_nano = String(start + BigInt(offset));
    span.end_unix_nano = String(start + BigInt(offset + duration));
    spans.push(span);
  }
  return { spans };
}

/** Everything the mock serves; the newest record is a second old. */
export function buildData(nowMilli) {
  const random = seeded(20260821);
  const end = BigInt(nowMilli) * 1_000_000n - 1_000_000_000n;
  const traces = [];
  for (let i = 0; i < TRACES; i++) {
    const share = ((i + random()) / TRACES) ** 0.9;
    const back = BigInt(Math.round(Number(WINDOW_NANOS) * share));
    traces.push(buildTrace(random, end - back - 2_000_000_000n));
  }
  const logs = traces.flatMap((trace) => trace.logs);
  for (let i = 0; i < 600; i++) {
    const [level, service, body] = pick(random, BACKGROUND);
    const back = BigInt(Math.round(Number(WINDOW_NANOS) * random()));
    logs.push(
      logRecord({ level, service, body, attributes: attributes({ "thread.id": i % 16 }) }, String(end - back), ""),
    );
  }
  traces.sort((a, b) => (a.start < b.start ? 1 : -1));
  logs.sort((a, b) => (BigInt(a.time_unix_nano) < BigInt(b.time_unix_nano) ? 1 : -1));
  return { traces, logs, byId: new Map(traces.map((trace) => [trace.summary.trace_id, trace])) };
}
