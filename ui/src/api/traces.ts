// GET /api/v1/traces and /api/v1/traces/{trace_id}.
import type { Range } from "../lib/time/range.ts";
import { request, type Timed } from "./client.ts";
import { blank, type Decoder, list, nullable, number, object, text, withDefault, zero } from "./decode.ts";
import {
  EMPTY_RESOURCE,
  EMPTY_SCOPE,
  type Envelope,
  envelope,
  type KeyValue,
  keyValues,
  type Resource,
  resource,
  type Scope,
  scope,
} from "./otlp.ts";

export interface TraceSummary {
  trace_id: string;
  root_service: string;
  root_name: string;
  start_unix_nano: string;
  duration_nanos: number;
  span_count: number;
  error_count: number;
  services: { name: string; spans: number }[];
}

export interface TracePage extends Envelope {
  traces: TraceSummary[];
  next_cursor: string | null;
}

export interface SpanEvent {
  time_unix_nano: string;
  name: string;
  attributes: KeyValue[];
  dropped_attributes_count: number;
}

export interface SpanLink {
  trace_id: string;
  span_id: string;
  trace_state: string;
  attributes: KeyValue[];
  dropped_attributes_count: number;
  flags: number;
}

export interface Span {
  trace_id: string;
  span_id: string;
  /** Empty for a root span. */
  parent_span_id: string;
  trace_state: string;
  /** How many spans it stands for, where a sampler left others out. */
  adjusted_count: number;
  flags: number;
  name: string;
  kind: string;
  service: string;
  start_unix_nano: string;
  end_unix_nano: string;
  duration_nanos: number;
  attributes: KeyValue[];
  dropped_attributes_count: number;
  events: SpanEvent[];
  dropped_events_count: number;
  links: SpanLink[];
  dropped_links_count: number;
  status: { code: string; message: string };
  resource: Resource;
  scope: Scope;
}

export interface Trace extends Envelope {
  trace_id: string;
  spans: Span[];
}

const tracePage = object<TracePage>({
  traces: list(
    object<TraceSummary>({
      trace_id: text,
      root_service: blank,
      root_name: blank,
      start_unix_nano: text,
      duration_nanos: number,
      span_count: number,
      error_count: zero,
      services: withDefault(list(object<{ name: string; spans: number }>({ name: text, spans: zero })), []),
    }),
  ),
  next_cursor: nullable(text),
  ...envelope,
});

const spanEvent = object<SpanEvent>({
  time_unix_nano: text,
  name: blank,
  attributes: keyValues,
  dropped_attributes_count: zero,
});

const spanLink = object<SpanLink>({
  trace_id: text,
  span_id: blank,
  trace_state: blank,
  attributes: keyValues,
  dropped_attributes_count: zero,
  flags: zero,
});

const spanStatus: Decoder<Span["status"]> = withDefault(
  object<Span["status"]>({ code: withDefault(text, "UNSET"), message: blank }),
  { code: "UNSET", message: "" },
);

export const span = object<Span>({
  trace_id: blank,
  span_id: text,
  parent_span_id: blank,
  trace_state: blank,
  adjusted_count: withDefault(number, 1),
  flags: zero,
  name: blank,
  kind: withDefault(text, "INTERNAL"),
  service: blank,
  start_unix_nano: text,
  end_unix_nano: blank,
  duration_nanos: number,
  attributes: keyValues,
  dropped_attributes_count: zero,
  events: withDefault(list(spanEvent), []),
  dropped_events_count: zero,
  links: withDefault(list(spanLink), []),
  dropped_links_count: zero,
  status: spanStatus,
  resource: withDefault(resource, EMPTY_RESOURCE),
  scope: withDefault(scope, EMPTY_SCOPE),
});

const trace = object<Trace>({ trace_id: text, spans: list(span), ...envelope });

export interface TraceQuery {
  range: Range;
  q: string;
  limit?: number;
  cursor?: string;
}

export function fetchTraces(query: TraceQuery, signal: AbortSignal): Promise<Timed<TracePage>> {
  return request({
    path: "api/v1/traces",
    params: {
      from: Math.floor(query.range.fromMilli),
      to: Math.ceil(query.range.toMilli),
      q: query.q,
      limit: query.limit ?? 50,
      cursor: query.cursor,
    },
    decode: tracePage,
    signal,
  });
}

/** `around`, in Unix milliseconds, is when the trace is thought to have been. */
export function fetchTrace(traceId: string, around: number | undefined, signal: AbortSignal): Promise<Timed<Trace>> {
  return request({ path: `api/v1/traces/${encodeURIComponent(traceId)}`, params: { around }, decode: trace, signal });
}

export interface HeatMap extends Envelope {
  start_unix_nano: string;
  step_nanos: number;
  columns: number;
  /** Where the rows begin, in nanoseconds, rising. */
  rows: number[];
  /** `[column, row, count]`; cells without spans are left out. */
  cells: [number, number, number][];
}

const heatMap = object<HeatMap>({
  start_unix_nano: text,
  step_nanos: number,
  columns: number,
  rows: list(number),
  cells: (value) => list(list(number))(value) as [number, number, number][],
  ...envelope,
});

/** Matching spans by start and duration. */
export function fetchHeatMap(range: Range, q: string, buckets: number, signal: AbortSignal): Promise<Timed<HeatMap>> {
  return request({
    path: "api/v1/traces/heatmap",
    params: { from: Math.floor(range.fromMilli), to: Math.ceil(range.toMilli), q, buckets },
    decode: heatMap,
    signal,
  });
}
