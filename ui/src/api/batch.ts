// POST /api/ui/v1/batch: many PromQL queries over one connection, answers in the order in which they are ready.
import { ApiError, request, streamLines } from "./client.ts";
import {
  anything,
  DecodeError,
  type Decoder,
  isObject,
  list,
  nullable,
  number,
  object,
  record,
  text,
  withDefault,
  zero,
} from "./decode.ts";
import { gridTimes, unpackValues } from "./packed-values.ts";
import { type Labels, parseValue } from "./prom-result.ts";

export interface RangeQuery {
  kind: "range";
  query: string;
  start_unix_milli: number;
  end_unix_milli: number;
  step_milli: number;
  max_series: number;
  /** Of each series; more are cut to what a picture needs. */
  max_points: number;
  /** Of all series together. */
  max_total_points?: number;
  encoding?: "packed";
}

export interface InstantQuery {
  kind: "instant";
  query: string;
  time_unix_milli: number;
  max_series: number;
}

export type BatchQuery = RangeQuery | InstantQuery;

export interface BatchSeries {
  labels: Labels;
  /** Unix milliseconds, ascending; of a range one list for all its series. */
  times: number[];
  /** Same length as `times`. */
  values: (number | null)[];
  /** Of all values, where not all of them are here. */
  all?: { count: number; mean: number } | null;
}

export interface BatchAnswer {
  /** "matrix", "vector", "scalar" or "string". */
  type: string;
  series: BatchSeries[];
  text: string | null;
  /** Before the limit of series. */
  totalSeries: number;
  decimated: { from: number; to: number } | null;
  warnings: string[];
  partial: string | null;
  elapsedMs: number;
}

const value: Decoder<number | null> = (raw) => {
  if (raw === null) return null;
  return typeof raw === "number" ? raw : parseValue(raw);
};

interface RawSeries {
  labels: Labels;
  start_unix_milli: number | null;
  values: (number | null)[];
  data: string | null;
  base: number | null;
  count: number | null;
  mean: number | null;
}

const rawSeries = object<RawSeries>({
  labels: withDefault(record(text), {}),
  start_unix_milli: nullable(number),
  values: withDefault(list(value), []),
  data: nullable(text),
  base: nullable(number),
  count: nullable(number),
  mean: nullable(number),
});

interface RawAnswer {
  type: string;
  series: RawSeries[];
  text: string | null;
  start_unix_milli: number | null;
  step_milli: number;
  steps: number;
  columns: number | null;
  total_series: number;
  decimated: { from: number; to: number } | null;
  elapsed_ms: number;
  warnings: string[];
  partial: unknown;
}

const rawAnswer = object<RawAnswer>({
  type: text,
  series: withDefault(list(rawSeries), []),
  text: nullable(text),
  start_unix_milli: nullable(number),
  step_milli: zero,
  steps: zero,
  columns: nullable(number),
  total_series: zero,
  decimated: nullable(object<{ from: number; to: number }>({ from: number, to: number })),
  elapsed_ms: zero,
  warnings: withDefault(list(text), []),
  partial: anything,
});

export function readAnswer(json: unknown): BatchAnswer {
  const raw = rawAnswer(json);
  const { start_unix_milli: startMilli, step_milli: stepMilli, steps, columns } = raw;
  const shared = raw.type === "matrix" ? gridTimes({ startMilli: startMilli ?? 0, stepMilli, steps, columns }) : null;
  return {
    type: raw.type,
    text: raw.text,
    totalSeries: Math.max(raw.total_series, raw.series.length),
    decimated: raw.decimated,
    warnings: raw.warnings,
    partial: typeof raw.partial === "string" ? raw.partial : isObject(raw.partial) ? String(raw.partial.reason) : null,
    elapsedMs: raw.elapsed_ms,
    series: raw.series.map((series): BatchSeries => {
      const { labels, data, base, count, mean } = series;
      const values = data === null ? series.values : unpackValues(data, base);
      const times = shared ?? values.map((_, index) => (series.start_unix_milli ?? 0) + index * stepMilli);
      // Steps after the last value of a series that is written as text are left out.
      while (shared && values.length < shared.length) values.push(null);
      return { labels, values, times, all: count !== null && mean !== null ? { count, mean } : null };
    }),
  };
}

export type Settle = (id: string, result: BatchAnswer | ApiError) => void;

/** Runs the queries; each is settled once, an answer that never comes as an error. */
export async function runBatch(
  queries: ReadonlyMap<string, BatchQuery>,
  settle: Settle,
  signal: AbortSignal,
): Promise<void> {
  const open = new Set(queries.keys());
  const finish: Settle = (id, result) => {
    if (open.delete(id)) settle(id, result);
  };
  const body = { queries: [...queries].map(([id, query]) => ({ id, ...query })) };
  try {
    await streamLines("api/ui/v1/batch", body, (line) => readLine(line, finish), signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const failure = error instanceof ApiError ? error : new ApiError("unexpected", String(error));
    for (const id of [...open]) finish(id, failure);
  }
  for (const id of [...open]) finish(id, new ApiError("unexpected", "the answer ended before this query"));
}

function readLine(line: unknown, finish: Settle): void {
  if (!isObject(line) || typeof line.id !== "string") return;
  if (line.ok !== true) {
    const error = isObject(line.error) ? line.error : {};
    const position = isObject(error.position) ? error.position : null;
    const facts =
      position && typeof position.offset === "number"
        ? { position: { offset: position.offset, length: Number(position.length ?? 1) } }
        : {};
    finish(line.id, new ApiError(String(error.kind ?? "server"), String(error.message ?? "the query failed"), facts));
    return;
  }
  try {
    finish(line.id, readAnswer(line));
  } catch (error) {
    finish(line.id, new ApiError("unexpected", error instanceof DecodeError ? error.message : String(error)));
  }
}

const names = object<{ data: string[] }>({ data: list(text) });

/** Values of a label, for the variables of dashboards. */
export async function fetchValues(
  label: string,
  match: string | null,
  range: { fromMilli: number; toMilli: number },
  signal: AbortSignal,
): Promise<string[]> {
  const params = {
    "match[]": match ?? undefined,
    start: Math.floor(range.fromMilli / 1000),
    end: Math.ceil(range.toMilli / 1000),
  };
  const path = `api/v1/label/${encodeURIComponent(label)}/values`;
  return (await request({ path, params, decode: names, signal })).value.data;
}
