// Buckets of a classic histogram as a heat map: one series per `le`, each counts what is not longer.
import type { Series } from "../api/prometheus.ts";
import type { Range } from "../lib/time/range.ts";
import type { HeatGrid } from "./heat.ts";

/** Null when these are not the buckets of one histogram. */
export function bucketGrid(series: readonly Series[], range: Range, stepSeconds: number): HeatGrid | null {
  const buckets = series
    .map((each) => ({ series: each, le: bound(each.labels.le) }))
    .filter((each) => !Number.isNaN(each.le))
    .sort((a, b) => a.le - b.le);
  const bounds = buckets.map((each) => each.le);
  if (buckets.length < 2 || buckets.length !== series.length || new Set(bounds).size !== bounds.length) return null;
  const start = Math.floor(range.fromMilli / 1000 / stepSeconds) * stepSeconds;
  const columns = Math.max(1, Math.floor(range.toMilli / 1000 / stepSeconds - start / stepSeconds) + 1);
  const counts = buckets.map(() => new Float64Array(columns));
  buckets.forEach(({ series: { times, values } }, row) => {
    times.forEach((time, at) => {
      const column = Math.round((time - start) / stepSeconds);
      const value = values[at] ?? 0;
      const list = counts[row];
      if (list && column >= 0 && column < columns && Number.isFinite(value)) list[column] = value;
    });
  });
  const cells: [number, number, number][] = [];
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < buckets.length; row++) {
      const own = (counts[row]?.[column] ?? 0) - (row > 0 ? (counts[row - 1]?.[column] ?? 0) : 0);
      if (own > 0) cells.push([column, row, own]);
    }
  }
  // A row begins where the bucket before it ends.
  const rows = bounds.map((_, row) => (row === 0 ? 0 : (bounds[row - 1] ?? 0)));
  return { startMilli: start * 1000, stepMilli: stepSeconds * 1000, columns, rows, cells };
}

function bound(le: string | undefined): number {
  if (le === undefined) return Number.NaN;
  return le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
}
