// M4 (Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014): of each pixel column the
// first, least, greatest and last value are enough to draw the same picture.

export interface Grid {
  times: number[];
  values: (number | null)[][];
}

const PER_COLUMN = 4;

/** Series on one grid of times, brought to four values per column. Fewer values than that are left as they are. */
export function decimate(
  times: readonly number[],
  series: readonly (readonly (number | null)[])[],
  columns: number,
): Grid | null {
  const n = times.length;
  if (columns < 1 || n <= columns * PER_COLUMN) return null;
  const outTimes = new Array<number>(columns * PER_COLUMN);
  const starts = Int32Array.from({ length: columns + 1 }, (_, at) => Math.floor((at * n) / columns));
  for (let column = 0; column < columns; column++) {
    const from = starts[column] ?? 0;
    const to = (starts[column + 1] ?? n) - 1;
    for (let slot = 0; slot < PER_COLUMN; slot++) {
      // The times inside of a column are within its pixel; the first and the last are exact.
      outTimes[column * PER_COLUMN + slot] = times[from + Math.round(((to - from) * slot) / (PER_COLUMN - 1))] ?? 0;
    }
  }
  const values = series.map((list) => {
    const out = new Array<number | null>(columns * PER_COLUMN).fill(null);
    for (let column = 0; column < columns; column++) {
      const four = extremes(list, starts[column] ?? 0, starts[column + 1] ?? n);
      for (let slot = 0; slot < PER_COLUMN; slot++) out[column * PER_COLUMN + slot] = four[slot] ?? null;
    }
    return out;
  });
  return { times: outTimes, values };
}

/** First, the two extremes in their order, last; a column without values is a gap. */
function extremes(list: readonly (number | null)[], from: number, to: number): (number | null)[] {
  let least = -1;
  let greatest = -1;
  let first = -1;
  let last = -1;
  for (let at = from; at < to; at++) {
    const value = list[at];
    if (value === null || value === undefined) continue;
    if (first < 0) first = at;
    last = at;
    if (least < 0 || value < (list[least] ?? 0)) least = at;
    if (greatest < 0 || value > (list[greatest] ?? 0)) greatest = at;
  }
  if (first < 0) return [null, null, null, null];
  const [a, b] = least <= greatest ? [least, greatest] : [greatest, least];
  return [list[first] ?? null, list[a] ?? null, list[b] ?? null, list[last] ?? null];
}
