// Collects the queries that the panels of a page ask within a moment, and sends them as one batch. A server without
// the batch is asked query by query.
import { type BatchAnswer, type BatchQuery, runBatch } from "./batch.ts";
import { ApiError } from "./client.ts";
import { type QueryResult, queryInstant, queryRange } from "./prometheus.ts";

const COLLECT_MS = 15;
const BATCH_MAX = 100;

interface Waiting {
  query: BatchQuery;
  signal: AbortSignal;
  resolve: (answer: BatchAnswer) => void;
  reject: (error: Error) => void;
}

let waiting: Waiting[] = [];
let collecting = false;
/** False once the server has said that it has no batch. */
let offered = true;

export function ask(query: BatchQuery, signal: AbortSignal): Promise<BatchAnswer> {
  if (!offered) return alone(query, signal);
  return new Promise((resolve, reject) => {
    waiting.push({ query, signal, resolve, reject });
    if (!collecting) setTimeout(flush, COLLECT_MS);
    collecting = true;
  });
}

function flush(): void {
  collecting = false;
  const wanted = waiting.filter((each) => !each.signal.aborted);
  waiting = [];
  for (let at = 0; at < wanted.length; at += BATCH_MAX) void send(wanted.slice(at, at + BATCH_MAX));
}

async function send(batch: readonly Waiting[]): Promise<void> {
  const byId = new Map(batch.map((each, index) => [String(index), each]));
  const control = new AbortController();
  let left = batch.length;
  // The connection is given up when nobody waits for any of its answers.
  for (const each of batch) {
    each.signal.addEventListener("abort", () => {
      each.reject(new DOMException("aborted", "AbortError"));
      if (--left === 0) control.abort();
    });
  }
  const settle = (id: string, result: BatchAnswer | ApiError) => {
    const each = byId.get(id);
    if (!each) return;
    if (!(result instanceof ApiError)) each.resolve(result);
    else if (result.facts.status === 404 || result.facts.status === 405) {
      offered = false;
      alone(each.query, each.signal).then(each.resolve, each.reject);
    } else each.reject(result);
  };
  await runBatch(new Map([...byId].map(([id, each]) => [id, each.query])), settle, control.signal).catch(() => {});
}

async function alone(query: BatchQuery, signal: AbortSignal): Promise<BatchAnswer> {
  const answer =
    query.kind === "range"
      ? await queryRange(
          query.query,
          { fromMilli: query.start_unix_milli, toMilli: query.end_unix_milli },
          query.step_milli / 1000,
          signal,
        )
      : await queryInstant(query.query, query.time_unix_milli, signal);
  return fromPrometheus(answer.value, answer.elapsedMs, query);
}

function fromPrometheus(result: QueryResult, elapsedMs: number, query: BatchQuery): BatchAnswer {
  const step = query.kind === "range" ? query.step_milli : 0;
  const largest = [...result.series]
    .map((series) => ({ series, max: Math.max(...series.values.filter(Number.isFinite), Number.NEGATIVE_INFINITY) }))
    .sort((a, b) => b.max - a.max)
    .slice(0, query.max_series);
  return {
    type: result.type,
    text: result.text,
    totalSeries: result.series.length,
    decimated: null,
    warnings: result.warnings,
    partial: null,
    elapsedMs,
    series: largest.map(({ series }) => withGaps(series.labels, series.times, series.values, step)),
  };
}

/** Puts a null where a step has no sample. */
function withGaps(
  labels: Record<string, string>,
  seconds: readonly number[],
  values: readonly number[],
  stepMilli: number,
) {
  const times: number[] = [];
  const out: (number | null)[] = [];
  seconds.forEach((second, index) => {
    const milli = Math.round(second * 1000);
    const before = times.at(-1);
    if (stepMilli > 0 && before !== undefined && milli - before > stepMilli * 1.5) {
      times.push(before + stepMilli);
      out.push(null);
    }
    times.push(milli);
    out.push(values[index] ?? null);
  });
  return { labels, times, values: out };
}
