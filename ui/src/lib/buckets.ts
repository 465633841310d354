// Rows of an analysis by time, put on one grid: `time`, keys and measures become one list of values per key.

export interface Grid {
  /** Unix milliseconds of the beginning of each bucket, ascending and evenly spaced. */
  times: number[];
  stepMilli: number;
  /** By key: one value per time; null where the answer has no row. */
  values: Map<string, (number | null)[]>;
  /** False when the answer was cut at its limit of rows: what is missing then is unknown, not zero. */
  whole: boolean;
}

export interface GridInput {
  rows: readonly (readonly unknown[])[];
  /** Indices of columns. */
  time: number;
  key: number | null;
  measure: number;
  stepMilli: number;
  fromMilli: number;
  toMilli: number;
  whole?: boolean;
}

const MAX_BUCKETS = 10_000;

/** The most rows that an analysis gives; without it they are 1,000, which 20 names over an hour exceed. */
export const ALL_ROWS = "| limit 10000";

export function toGrid({ rows, time, key, measure, stepMilli, fromMilli, toMilli, whole = true }: GridInput): Grid {
  const step = Math.max(1, stepMilli);
  const start = Math.floor(fromMilli / step) * step;
  const count = Math.min(MAX_BUCKETS, Math.max(1, Math.ceil((toMilli - start) / step)));
  const times = Array.from({ length: count }, (_, index) => start + index * step);
  const values = new Map<string, (number | null)[]>();
  for (const row of rows) {
    const name = key === null ? "" : String(row[key] ?? "");
    const slot = Math.round((Number(row[time]) / 1e6 - start) / step);
    const value = row[measure];
    if (slot < 0 || slot >= count || typeof value !== "number") continue;
    let list = values.get(name);
    if (!list) {
      list = new Array<number | null>(count).fill(null);
      values.set(name, list);
    }
    list[slot] = value;
  }
  return { times, stepMilli: step, values, whole };
}

/** Counts have no gaps: a bucket without a row had none. Nothing is said about time before the first row of any key. */
export function fillZero(grid: Grid): Grid {
  if (!grid.whole) return grid;
  let first = Number.POSITIVE_INFINITY;
  for (const list of grid.values.values()) {
    const at = list.findIndex((value) => value !== null);
    if (at >= 0) first = Math.min(first, at);
  }
  const values = new Map(
    [...grid.values].map(([key, list]) => [key, list.map((value, index) => (index >= first ? (value ?? 0) : value))]),
  );
  return { ...grid, values };
}
