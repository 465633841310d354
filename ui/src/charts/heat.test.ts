import { expect, test } from "vitest";
import { countIn, type HeatGrid, rectOf, rowEnd, shade } from "./heat.ts";

const grid: HeatGrid = {
  startMilli: 0,
  stepMilli: 10,
  columns: 3,
  rows: [1, 2, 4],
  cells: [
    [0, 0, 5],
    [1, 2, 7],
    [2, 1, 1],
  ],
};

test("a rectangle counts what is in it, whichever corner comes first", () => {
  expect(countIn(grid, rectOf([2, 2], [1, 1]))).toBe(8);
  expect(countIn(grid, rectOf([0, 0], [2, 2]))).toBe(13);
  expect(rowEnd(grid, 1)).toBe(4);
  expect(rowEnd(grid, 2)).toBe(Number.POSITIVE_INFINITY);
});

test("shades rise with the count, nothing is the background", () => {
  const shades = [0, 1, 2, 10, 100, 1000].map((count) => shade(count, 1000));
  expect(shades[0]).toBe(0);
  expect(shades.at(-1)).toBe(1);
  for (let i = 1; i < shades.length; i++) expect(shades[i]).toBeGreaterThan(shades[i - 1] ?? 0);
});
