// The Prometheus HTTP API, as documented at https://prometheus.io/docs/prometheus/latest/querying/api/.
import type { Range } from "../lib/time/range.ts";
import type { RangeQuery } from "./batch.ts";
import { ask } from "./batcher.ts";
import { ApiError, type Params, request, type Timed } from "./client.ts";
import { blank, list, object, record, text, withDefault } from "./decode.ts";
import { type Labels, type QueryResult, readResult } from "./prom-result.ts";

export type { Labels, QueryResult, Series } from "./prom-result.ts";
export { parseValue } from "./prom-result.ts";

async function run(path: string, params: Params, signal: AbortSignal): Promise<Timed<QueryResult>> {
  try {
    return await request({ path, params, form: true, signal, decode: readResult });
  } catch (error) {
    throw error instanceof ApiError ? withPosition(error, String(params.query ?? "")) : error;
  }
}

/** Prometheus puts the position in the message, as `line:column: parse error: ..`, both counted from 1. */
export function withPosition(error: ApiError, query: string): ApiError {
  const match = /(?:^|\D)(\d+):(\d+): /.exec(error.message);
  if (!match || error.facts.position) return error;
  const lines = query.split("\n").slice(0, Number(match[1]) - 1);
  const offset = lines.reduce((sum, line) => sum + line.length + 1, 0) + Number(match[2]) - 1;
  return new ApiError(error.kind, error.message, { ...error.facts, position: { offset, length: 1 } });
}

/** Four values for each of so many columns of pixels draw a line; more are cut by the server. */
const POINTS_MAX = 4 * 1600;
/** Of all lines of a chart together. */
export const TOTAL_POINTS_MAX = 4 * POINTS_MAX;
const SERIES_MAX = 50;
/** Steps of a query that is answered whole. */
const STEPS_MAX = 11_001;

/** Times are on multiples of the step: a refresh then asks for the same points again and the picture does not flicker. */
export function rangeQuery(query: string, range: Range, stepMilli: number, maxSeries = SERIES_MAX): RangeQuery {
  return {
    kind: "range",
    query,
    start_unix_milli: Math.floor(range.fromMilli / stepMilli) * stepMilli,
    end_unix_milli: Math.floor(range.toMilli / stepMilli) * stepMilli,
    step_milli: stepMilli,
    max_series: maxSeries,
    max_points: POINTS_MAX,
    max_total_points: TOTAL_POINTS_MAX,
    encoding: "packed",
  };
}

/** The same for what counts every value, as a heat map does: nothing is cut. */
export function wholeRange(query: RangeQuery): RangeQuery {
  const { max_total_points: _, ...asked } = query;
  return { ...asked, max_points: STEPS_MAX };
}

/** The largest series over a range, with as many values as a picture needs; together with what else is asked now. */
export async function queryRange(
  query: string,
  range: Range,
  stepSeconds: number,
  signal: AbortSignal,
  {
    maxSeries = SERIES_MAX,
    whole = false,
  }: { maxSeries?: number /** Every value, as tables of them need. */; whole?: boolean } = {},
): Promise<Timed<QueryResult>> {
  const started = performance.now();
  const asked = rangeQuery(query, range, stepSeconds * 1000, maxSeries);
  const { type, series, text, warnings, totalSeries, decimated } = await ask(whole ? wholeRange(asked) : asked, signal);
  const seconds = new Map<number[], number[]>();
  const inSeconds = (times: number[]) => {
    const known = seconds.get(times) ?? times.map((milli) => milli / 1000);
    seconds.set(times, known);
    return known;
  };
  const value: QueryResult = {
    type: type as QueryResult["type"],
    text,
    warnings,
    total: totalSeries,
    decimated,
    series: series.map(({ labels, times, values, all }) => ({
      labels,
      times: inSeconds(times),
      values,
      all: all ?? null,
    })),
  };
  return { value, elapsedMs: performance.now() - started };
}

export function queryInstant(query: string, unixMilli: number, signal: AbortSignal) {
  return run("api/v1/query", { query, time: (unixMilli / 1000).toFixed(3) }, signal);
}

const strings = withDefault(list(text), []);
const stringData = object<{ data: string[] }>({ data: list(text) });
const limitedStrings = object<{ data: string[]; warnings: string[] }>({ data: list(text), warnings: strings });

/** Names that contain a text, at most `limit`; `more` when there are others. */
export async function findMetricNames(
  part: string,
  limit: number,
  range: Range,
  signal: AbortSignal,
): Promise<{ names: string[]; more: boolean }> {
  const wanted = part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const match = part === "" ? undefined : `{__name__=~${JSON.stringify(`(?i).*${wanted}.*`)}}`;
  const params = { ...bounds(range), "match[]": match, limit };
  const { value } = await request({ path: "api/v1/label/__name__/values", params, decode: limitedStrings, signal });
  return { names: value.data, more: value.warnings.length > 0 };
}

export async function fetchMetricNames(range: Range, signal: AbortSignal): Promise<string[]> {
  return fetchLabelValues("__name__", undefined, range, signal);
}

export async function fetchLabelNames(match: string | undefined, range: Range, signal: AbortSignal): Promise<string[]> {
  const params = { ...bounds(range), "match[]": match };
  return (await request({ path: "api/v1/labels", params, decode: stringData, signal })).value.data;
}

export async function fetchLabelValues(
  label: string,
  match: string | undefined,
  range: Range,
  signal: AbortSignal,
): Promise<string[]> {
  const path = `api/v1/label/${encodeURIComponent(label)}/values`;
  const params = { ...bounds(range), "match[]": match };
  return (await request({ path, params, decode: stringData, signal })).value.data;
}

const seriesData = object<{ data: Labels[] }>({ data: list(record(text)) });

/** Label sets of the series that a selector finds, at most `limit`. */
export async function fetchSeries(match: string, limit: number, range: Range, signal: AbortSignal): Promise<Labels[]> {
  const params = { ...bounds(range), "match[]": match, limit };
  return (await request({ path: "api/v1/series", params, decode: seriesData, signal })).value.data;
}

export interface MetricMetadata {
  type: string;
  help: string;
  unit: string;
}

const metadata = object<{ data: Record<string, MetricMetadata[]> }>({
  data: record(list(object<MetricMetadata>({ type: blank, help: blank, unit: blank }))),
});

export async function fetchMetadata(signal: AbortSignal): Promise<Record<string, MetricMetadata[]>> {
  return (await request({ path: "api/v1/metadata", decode: metadata, signal })).value.data;
}

function bounds(range: Range) {
  return { start: Math.floor(range.fromMilli / 1000), end: Math.ceil(range.toMilli / 1000) };
}
