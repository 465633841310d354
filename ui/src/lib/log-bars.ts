// Counts by magnitude as a few bars on a logarithmic axis.
import type { HistogramCell } from "../api/analyse.ts";

export interface Bar {
  low: number;
  high: number;
  count: number;
}

/** Every cell is counted in the bar that has its middle; bars are evenly wide on the axis. */
export function logBars(cells: readonly HistogramCell[], bars: number): Bar[] {
  const first = cells[0];
  const last = cells.at(-1);
  if (!first || !last) return [];
  const from = Math.log(Math.max(1, first[0]));
  const to = Math.max(from + 0.01, Math.log(Math.max(2, last[1])));
  const step = (to - from) / bars;
  const out = Array.from(
    { length: bars },
    (_, at): Bar => ({
      low: Math.exp(from + at * step),
      high: Math.exp(from + (at + 1) * step),
      count: 0,
    }),
  );
  for (const [low, high, count] of cells) {
    const middle = (Math.log(Math.max(1, low)) + Math.log(Math.max(1, high))) / 2;
    const bar = out[Math.min(bars - 1, Math.max(0, Math.floor((middle - from) / step)))];
    if (bar) bar.count += count;
  }
  return out;
}
