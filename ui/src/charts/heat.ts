// The arithmetic of a heat map: cells and rectangles of columns of time and rows of a rising scale.

export interface HeatGrid {
  startMilli: number;
  stepMilli: number;
  columns: number;
  /** Where the rows begin, rising. */
  rows: readonly number[];
  cells: readonly (readonly [column: number, row: number, count: number])[];
}

/** Inclusive places of the corners. */
export interface CellRect {
  left: number;
  right: number;
  low: number;
  high: number;
}

export function rectOf(a: readonly [number, number], b: readonly [number, number]): CellRect {
  return {
    left: Math.min(a[0], b[0]),
    right: Math.max(a[0], b[0]),
    low: Math.min(a[1], b[1]),
    high: Math.max(a[1], b[1]),
  };
}

/** How many are counted in a rectangle. */
export function countIn(grid: HeatGrid, { left, right, low, high }: CellRect): number {
  let count = 0;
  for (const [column, row, n] of grid.cells) {
    if (column >= left && column <= right && row >= low && row <= high) count += n;
  }
  return count;
}

/** Where row `row` ends; the last one has no end. */
export function rowEnd(grid: HeatGrid, row: number): number {
  return grid.rows[row + 1] ?? Number.POSITIVE_INFINITY;
}

/** The shade of a count, 0 to 1: logarithmic, so that a single one among thousands can be seen. */
export function shade(count: number, most: number): number {
  if (count <= 0) return 0;
  return 0.14 + 0.86 * (Math.log1p(count) / Math.log1p(Math.max(1, most)));
}
