// GET /api/v1/analyse: the pipe form of the query language, as a table, as patterns, or as records.
import type { Range } from "../lib/time/range.ts";
import { request, type Timed } from "./client.ts";
import { type Decoder, isObject, list, nullable, number, object, text, withDefault } from "./decode.ts";
import type { FieldSignal } from "./fields.ts";
import { anyValue, type Envelope, envelope, valueText } from "./otlp.ts";
import { type Span, span } from "./traces.ts";

/** `[low, high, count]`. */
export type HistogramCell = [number, number, number];
export type TableCell = string | number | null | HistogramCell[];

export interface AnalysisColumn {
  name: string;
  /** `time`, `key` or `measure`. */
  kind: string;
  /** `count`, `per_second`, `ns`, `us`, `ms`, `s`, or empty. */
  unit: string;
  estimated: boolean;
}

export interface AnalysisTable {
  columns: AnalysisColumn[];
  rows: TableCell[][];
  groups: number;
  step_nanos: number | null;
  sampled: number | null;
  /** With `count_adjusted` and the like: how much of what was sent a sampler has kept. */
  adjusted: Adjusted | null;
}

export interface Adjusted {
  stored: number;
  stands_for: number;
  /** 1 when nothing was left out. */
  rate: number;
}

export interface Pattern {
  template: string;
  count: number;
  counts: number[];
  level: string;
  newest_unix_nano: string;
  newest_id: string;
}

export interface Patterns {
  patterns: Pattern[];
  distinct: number;
  records: number;
  start_unix_nano: string;
  step_nanos: number;
}

export interface Analysis extends Envelope {
  table: AnalysisTable | null;
  patterns: Patterns | null;
  /** Values of the fields that were asked for, as text; null where a record has none. */
  fields: { names: string[]; rows: (string | null)[][] } | null;
  /** Whole spans, where no fields were asked for. */
  spans: Span[];
}

const cell: Decoder<TableCell> = (value) =>
  typeof value === "string" || typeof value === "number" || Array.isArray(value) ? (value as TableCell) : null;

const table = object<AnalysisTable>({
  columns: list(
    object<AnalysisColumn>({
      name: text,
      kind: text,
      unit: withDefault(text, ""),
      estimated: (value) => value === true,
    }),
  ),
  rows: list(list(cell)),
  groups: withDefault(number, 0),
  step_nanos: nullable(number),
  sampled: nullable(number),
  adjusted: nullable(object<Adjusted>({ stored: number, stands_for: number, rate: number })),
});

const patternFields = {
  patterns: list(
    object<Pattern>({
      template: text,
      count: number,
      counts: withDefault(list(number), []),
      level: withDefault(text, ""),
      newest_unix_nano: withDefault(text, "0"),
      newest_id: withDefault(text, ""),
    }),
  ),
  distinct: withDefault(number, 0),
  records: withDefault(number, 0),
  start_unix_nano: withDefault(text, "0"),
  step_nanos: withDefault(number, 0),
};

const records: Decoder<Analysis["fields"]> = (value) => {
  if (!isObject(value) || !Array.isArray(value.fields)) return null;
  const rows = Array.isArray(value.rows) ? (value.rows as unknown[][]) : [];
  return {
    names: list(text)(value.fields),
    rows: rows.map((row) => row.map((entry) => (entry === null ? null : valueText(anyValue(entry))))),
  };
};

const spans = (value: unknown): Span[] =>
  isObject(value) && Array.isArray(value.spans) ? list(span)(value.spans) : [];

const analysis: Decoder<Analysis> = (value) => ({
  table: nullable(table)(isObject(value) ? value.table : null),
  patterns: nullable(object<Patterns>(patternFields))(isObject(value) ? value.patterns : null),
  fields: records(isObject(value) ? value.records : null),
  spans: spans(isObject(value) ? value.records : null),
  ...object<Envelope>(envelope)(value),
});

export interface AnalysisQuery {
  signal: FieldSignal;
  range: Range;
  q: string;
}

export function fetchAnalysis(query: AnalysisQuery, abort: AbortSignal): Promise<Timed<Analysis>> {
  return request({
    path: "api/v1/analyse",
    params: {
      signal: query.signal,
      from: Math.floor(query.range.fromMilli),
      to: Math.ceil(query.range.toMilli),
      q: query.q,
    },
    decode: analysis,
    signal: abort,
  });
}

const patternAnswer = object<Patterns & Envelope>({ ...patternFields, ...envelope });

export function fetchPatterns(range: Range, q: string, limit: number, abort: AbortSignal) {
  return request({
    path: "api/v1/logs/patterns",
    params: { from: Math.floor(range.fromMilli), to: Math.ceil(range.toMilli), q, limit },
    decode: patternAnswer,
    signal: abort,
  });
}
