// GET /api/v1/histogram: how many records match, per bucket of time and value of a field.
import type { Range } from "../lib/time/range.ts";
import { request, type Timed } from "./client.ts";
import { list, number, object, text, withDefault } from "./decode.ts";
import type { FieldSignal } from "./fields.ts";
import { type Envelope, envelope } from "./otlp.ts";

export interface Histogram extends Envelope {
  start_unix_nano: string;
  step_nanos: number;
  /** The largest groups first; without a field there is one. */
  groups: { value: string; counts: number[] }[];
  distinct: number;
}

const histogram = object<Histogram>({
  start_unix_nano: text,
  step_nanos: number,
  groups: list(object<{ value: string; counts: number[] }>({ value: withDefault(text, ""), counts: list(number) })),
  distinct: withDefault(number, 0),
  ...envelope,
});

export interface HistogramQuery {
  signal: FieldSignal;
  range: Range;
  q: string;
  buckets: number;
  by?: string;
}

export function fetchHistogram(query: HistogramQuery, abort: AbortSignal): Promise<Timed<Histogram>> {
  return request({
    path: "api/v1/histogram",
    params: {
      signal: query.signal,
      from: Math.floor(query.range.fromMilli),
      to: Math.ceil(query.range.toMilli),
      q: query.q,
      buckets: query.buckets,
      by: query.by,
    },
    decode: histogram,
    signal: abort,
  });
}
