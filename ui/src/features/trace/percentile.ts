// Where a duration stands among the spans of its operation, from the counts by magnitude that the server has.
import type { HistogramCell } from "../../api/analyse.ts";

export interface Rank {
  /** 0 to 1: the share of the spans that were not longer. */
  percentile: number;
  median: number;
  count: number;
  cells: readonly HistogramCell[];
}

/** Inside a cell counts are taken as evenly spread. Null without data. */
export function rankIn(cells: readonly HistogramCell[], value: number): Rank | null {
  const count = cells.reduce((sum, [, , n]) => sum + n, 0);
  if (count === 0) return null;
  let below = 0;
  for (const [low, high, n] of cells) {
    if (value >= high) below += n;
    else if (value > low) below += (n * (value - low)) / (high - low);
  }
  return { percentile: below / count, median: quantile(cells, count, 0.5), count, cells };
}

function quantile(cells: readonly HistogramCell[], count: number, share: number): number {
  let seen = 0;
  for (const [low, high, n] of cells) {
    if (seen + n >= share * count) return low + ((high - low) * (share * count - seen)) / Math.max(1, n);
    seen += n;
  }
  return cells.at(-1)?.[1] ?? 0;
}

/** "p97", "p99.5", "the fastest", "the slowest". */
export function percentileText(percentile: number): string {
  if (percentile < 0.01) return "among the fastest";
  if (percentile >= 0.9995) return "the slowest";
  const percent = percentile * 100;
  return `p${percent >= 99 ? percent.toFixed(1).replace(/\.0$/, "") : Math.floor(percent)}`;
}
