// The Prometheus HTTP API, as documented at https://prometheus.io/docs/prometheus/latest/querying/api/.
import type { Range } from "../lib/time/range.ts";
import { ApiError, type Params, request, type Timed } from "./client.ts";
import { anything, DecodeError, type Decoder, list, object, record, text, withDefault } from "./decode.ts";

export type Labels = Record<string, string>;

export interface Series {
  labels: Labels;
  /** Unix seconds, ascending. */
  times: number[];
  /** Same length as `times`. */
  values: number[];
}

export interface QueryResult {
  type: "matrix" | "vector" | "scalar" | "string";
  series: Series[];
  /** Result of a string query. */
  text: string | null;
  warnings: string[];
}

type Sample = [number, number];

const sample: Decoder<Sample> = (value) => {
  if (!Array.isArray(value) || typeof value[0] !== "number") throw new DecodeError("a [time, value] pair");
  return [value[0], parseValue(value[1])];
};

/** Sample values are strings: decimal, "NaN", "+Inf" or "-Inf". */
export function parseValue(value: unknown): number {
  if (value === "+Inf") return Number.POSITIVE_INFINITY;
  if (value === "-Inf") return Number.NEGATIVE_INFINITY;
  return Number(value);
}

interface RawSeries {
  metric: Labels;
  values: Sample[];
  value: Sample | null;
  histogram: unknown;
}

const rawSeries = object<RawSeries>({
  metric: withDefault(record(text), {}),
  values: withDefault(list(sample), []),
  value: (value) => (value === undefined ? null : sample(value)),
  histogram: anything,
});

interface Answer {
  data: { resultType: string; result: unknown };
  warnings: string[];
  infos: string[];
}

const strings = withDefault(list(text), []);

const answer = object<Answer>({
  data: object<Answer["data"]>({ resultType: text, result: anything }),
  warnings: strings,
  infos: strings,
});

function toResult({ data, warnings, infos }: Answer): QueryResult {
  const notes = [...warnings, ...infos];
  switch (data.resultType) {
    case "matrix":
    case "vector": {
      const series = list(rawSeries)(data.result).map((raw) => {
        const samples = raw.value ? [raw.value] : raw.values;
        return { labels: raw.metric, times: samples.map(([t]) => t), values: samples.map(([, v]) => v) };
      });
      return { type: data.resultType, series, text: null, warnings: notes };
    }
    case "scalar": {
      const [time, value] = sample(data.result);
      return { type: "scalar", series: [{ labels: {}, times: [time], values: [value] }], text: null, warnings: notes };
    }
    case "string": {
      const value = Array.isArray(data.result) ? String(data.result[1]) : "";
      return { type: "string", series: [], text: value, warnings: notes };
    }
    default:
      throw new DecodeError(`a known result type (${data.resultType})`);
  }
}

async function run(path: string, params: Params, signal: AbortSignal): Promise<Timed<QueryResult>> {
  try {
    return await request({ path, params, form: true, decode: (value) => toResult(answer(value)), signal });
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

export function queryRange(query: string, range: Range, stepSeconds: number, signal: AbortSignal) {
  // Both ends on multiples of the step: a refresh then asks for the same points again and the picture does not flicker.
  const start = Math.floor(range.fromMilli / 1000 / stepSeconds) * stepSeconds;
  const end = Math.floor(range.toMilli / 1000 / stepSeconds) * stepSeconds;
  return run("api/v1/query_range", { query, start, end, step: stepSeconds }, signal);
}

export function queryInstant(query: string, unixMilli: number, signal: AbortSignal) {
  return run("api/v1/query", { query, time: (unixMilli / 1000).toFixed(3) }, signal);
}

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

const blank = withDefault(text, "");
const metadata = object<{ data: Record<string, MetricMetadata[]> }>({
  data: record(list(object<MetricMetadata>({ type: blank, help: blank, unit: blank }))),
});

export async function fetchMetadata(signal: AbortSignal): Promise<Record<string, MetricMetadata[]>> {
  return (await request({ path: "api/v1/metadata", decode: metadata, signal })).value.data;
}

function bounds(range: Range) {
  return { start: Math.floor(range.fromMilli / 1000), end: Math.ceil(range.toMilli / 1000) };
}
