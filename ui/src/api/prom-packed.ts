// An answer with all its numbers in one buffer, as it goes from the worker to the page.
import type { QueryResult } from "./prom-result.ts";

export interface Packed {
  ok: true;
  result: Omit<QueryResult, "series">;
  labels: Record<string, string>[];
  lengths: number[];
  /** Times and then values of each series, one series after the other. */
  numbers: Float64Array;
}

export type LargeAnswer = Packed | { ok: false; message: string };

export function pack({ series, ...result }: QueryResult): Packed {
  const lengths = series.map((each) => each.times.length);
  const numbers = new Float64Array(2 * lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const { times, values } of series) {
    numbers.set(times, at);
    numbers.set(values, at + times.length);
    at += 2 * times.length;
  }
  return { ok: true, result, labels: series.map((each) => each.labels), lengths, numbers };
}

export function unpack({ result, labels, lengths, numbers }: Packed): QueryResult {
  let at = 0;
  const series = labels.map((each, index) => {
    const length = lengths[index] ?? 0;
    const times = Array.from(numbers.subarray(at, at + length));
    const values = Array.from(numbers.subarray(at + length, at + 2 * length));
    at += 2 * length;
    return { labels: each, times, values };
  });
  return { ...result, series };
}
