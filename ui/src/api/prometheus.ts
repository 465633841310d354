// The Prometheus HTTP API, as documented at https://prometheus.io/docs/prometheus/latest/querying/api/.
import type { Range } from "../lib/time/range.ts";
import { ApiError, type Params, request, requestBytes, type Timed } from "./client.ts";
import { DecodeError, list, object, record, text, withDefault } from "./decode.ts";
import { type LargeAnswer, unpack } from "./prom-packed.ts";
import { type Labels, type QueryResult, readResult } from "./prom-result.ts";

export type { Labels, QueryResult, Series } from "./prom-result.ts";
export { parseValue } from "./prom-result.ts";

/** Answers from this size on are read in a worker: parsing them would hold the page. */
const LARGE_BYTES = 400_000;

async function run(path: string, params: Params, signal: AbortSignal): Promise<Timed<QueryResult>> {
  try {
    const { value: bytes, elapsedMs } = await requestBytes({ path, params, form: true, signal });
    if (bytes.byteLength > LARGE_BYTES) return { value: await readLarge(bytes), elapsedMs };
    return { value: readResult(JSON.parse(new TextDecoder().decode(bytes))), elapsedMs };
  } catch (error) {
    if (error instanceof DecodeError) throw new ApiError("unexpected", error.message);
    throw error instanceof ApiError ? withPosition(error, String(params.query ?? "")) : error;
  }
}

async function readLarge(bytes: ArrayBuffer): Promise<QueryResult> {
  const worker = new Worker(new URL("./prom-result.worker.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise<QueryResult>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<LargeAnswer>) =>
        data.ok ? resolve(unpack(data)) : reject(new ApiError("unexpected", data.message));
      worker.onerror = () => reject(new ApiError("unexpected", "the answer could not be read"));
      worker.postMessage(bytes, [bytes]);
    });
  } finally {
    worker.terminate();
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
