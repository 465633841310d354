// Data that the measurements send or answer with: traces of a given size, a map of a given size, a dashboard.

const hex = (value, length) => value.toString(16).padStart(length, "0");

/** OTLP JSON of one trace in pieces; every span has a parent among the spans before it. */
export function tracePieces(traceId, spans, startMilli, piece = 5000) {
  const services = ["gateway", "api", "auth", "search", "db-proxy", "mailer"];
  const base = BigInt(startMilli) * 1_000_000n;
  const out = [];
  for (let from = 0; from < spans; from += piece) {
    const byService = new Map();
    for (let index = from; index < Math.min(spans, from + piece); index++) {
      const depth = index === 0 ? 0 : 1 + (index % 7);
      const start = base + BigInt(index) * 20_000n;
      const span = {
        traceId,
        spanId: hex(index + 1, 16),
        parentSpanId: index === 0 ? "" : hex(Math.floor((index - 1) / 8) + 1, 16),
        name: index === 0 ? "GET /checkout" : `${["SELECT", "GET", "render", "cache"][index % 4]} ${depth}`,
        kind: index % 3 === 0 ? 2 : 3,
        startTimeUnixNano: String(start),
        endTimeUnixNano: String(
          index === 0 ? base + BigInt(spans) * 20_000n + 5_000_000n : start + BigInt(15_000 + (index % 50) * 4000),
        ),
        attributes: [{ key: "http.route", value: { stringValue: `/r/${index % 20}` } }],
        status: index % 997 === 0 && index > 0 ? { code: 2 } : {},
      };
      const service = services[index % services.length];
      byService.set(service, [...(byService.get(service) ?? []), span]);
    }
    out.push({
      resourceSpans: [...byService].map(([service, list]) => ({
        resource: { attributes: [{ key: "service.name", value: { stringValue: `perf-${service}` } }] },
        scopeSpans: [{ spans: list }],
      })),
    });
  }
  return out;
}

export function mapAnswer(nodes) {
  const edges = [];
  for (let index = 1; index < nodes; index++) {
    const parents = index % 5 === 0 ? 2 : 1;
    for (let parent = 0; parent < parents; parent++) {
      edges.push({
        client: `service-${Math.floor((index - 1) / (3 + parent))}`,
        server: `service-${index}`,
        peer: "service",
        calls: 1000 + index,
        errors: index % 17 === 0 ? 90 : 0,
        p50_nanos: 1e6,
        p95_nanos: 5e6,
        p99_nanos: 9e6,
      });
    }
  }
  return { edges, unresolved: 0, partial: null, stats: null, hints: [] };
}

/** So many panels, each with at most so many series. */
export function dashboard(panels, series, metric) {
  return JSON.stringify({
    dashboard: {
      title: "Many panels",
      panels: Array.from({ length: panels }, (_, index) => ({
        title: `Panel ${index}`,
        type: "graph",
        gridPos: { x: (index % 4) * 6, y: Math.floor(index / 4) * 6, w: 6, h: 6 },
        targets: [{ expr: `topk(${series}, ${metric}) + ${index} * 0`, legendFormat: "{{shard}}" }],
      })),
    },
  });
}
