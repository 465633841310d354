// Traces from a file: the JSON of Jaeger's UI and API, and OTLP/JSON as the collector's file exporter writes it.
import { isObject } from "../../../api/decode.ts";
import type { SpanColumns } from "../../../api/trace-columns.ts";
import type { Span } from "../../../api/traces.ts";
import { readJaeger } from "./jaeger.ts";
import { readOtlp } from "./otlp.ts";

export interface ReadTrace {
  columns: SpanColumns;
  spans: Span[];
}

/** Throws when the file is none of both. Traces come in the order of the file. */
export function readTraceFile(json: unknown): ReadTrace[] {
  const spans = spansOf(json);
  if (spans.length === 0) throw new Error("there is no span in this file");
  const byTrace = new Map<string, Span[]>();
  for (const span of spans) {
    const known = byTrace.get(span.trace_id);
    if (known) known.push(span);
    else byTrace.set(span.trace_id, [span]);
  }
  return [...byTrace.values()].map((list) => ({ columns: toColumns(list), spans: list }));
}

function spansOf(json: unknown): Span[] {
  if (isObject(json)) {
    if (Array.isArray(json.data)) return json.data.flatMap(readJaeger);
    if (Array.isArray(json.spans) && isObject(json.processes)) return readJaeger(json);
    if (Array.isArray(json.resourceSpans)) return readOtlp(json);
    // Jaeger's v3 API wraps OTLP.
    if (isObject(json.result)) return spansOf(json.result);
  }
  if (Array.isArray(json)) return json.flatMap(spansOf);
  throw new Error("this is neither a trace of Jaeger (`data`) nor of OTLP (`resourceSpans`)");
}

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS = ["UNSET", "OK", "ERROR"];

class Dictionary {
  readonly texts: string[] = [];
  private readonly places = new Map<string, number>();

  place(text: string): number {
    const known = this.places.get(text);
    if (known !== undefined) return known;
    this.places.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }
}

const BADGE_KEYS = ["http.response.status_code", "http.status_code", "db.system.name", "db.system", "messaging.system"];

function badgeOf({ attributes }: Span): string | null {
  for (const key of BADGE_KEYS) {
    const value = attributes.find((entry) => entry.key === key)?.value;
    if (!value) continue;
    if ("stringValue" in value) return value.stringValue;
    if ("intValue" in value) return value.intValue;
  }
  return null;
}

/** The form in which the server sends traces. */
export function toColumns(spans: readonly Span[]): SpanColumns {
  const starts = spans.map((span) => BigInt(span.start_unix_nano || "0"));
  const startNanos = starts.reduce((least, at) => (at < least ? at : least), starts[0] ?? 0n);
  const places = new Map(spans.map((span, index) => [span.span_id, index]));
  const [names, services, badges, eventNames] = [
    new Dictionary(),
    new Dictionary(),
    new Dictionary(),
    new Dictionary(),
  ];
  const start = Float64Array.from(starts, (at) => Number(at - startNanos));
  const events = spans.flatMap((span, place) => span.events.map((event) => ({ place, event })));
  return {
    traceId: spans[0]?.trace_id ?? "",
    startNanos,
    kinds: KINDS,
    spanIds: spans.map((span) => span.span_id),
    parent: Int32Array.from(spans, (span) =>
      span.parent_span_id === "" ? -1 : (places.get(span.parent_span_id) ?? -2),
    ),
    name: Uint32Array.from(spans, (span) => names.place(span.name)),
    service: Uint32Array.from(spans, (span) => services.place(span.service)),
    kind: Uint8Array.from(spans, (span) => Math.max(0, KINDS.indexOf(span.kind))),
    status: Uint8Array.from(spans, (span) => Math.max(0, STATUS.indexOf(span.status.code))),
    start,
    end: Float64Array.from(spans, (span, at) => (start[at] ?? 0) + Math.max(0, span.duration_nanos)),
    badge: Int32Array.from(spans, (span) => {
      const badge = badgeOf(span);
      return badge === null ? -1 : badges.place(badge);
    }),
    eventSpan: Uint32Array.from(events, ({ place }) => place),
    eventTime: Float64Array.from(events, ({ event }) => Number(BigInt(event.time_unix_nano || "0") - startNanos)),
    eventName: Uint32Array.from(events, ({ event }) => eventNames.place(event.name)),
    names: names.texts,
    services: services.texts,
    badges: badges.texts,
    eventNames: eventNames.texts,
  };
}
