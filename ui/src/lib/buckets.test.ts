import { expect, test } from "vitest";
import { fillZero, toGrid } from "./buckets.ts";

const rows = [
  ["2000000000", "api", 4],
  ["3000000000", "api", 6],
  ["3000000000", "web", 1],
];
const input = { rows, time: 0, key: 1, measure: 2, stepMilli: 1000, fromMilli: 1000, toMilli: 5000 };

test("rows take their place by time and key", () => {
  const grid = toGrid(input);
  expect(grid.times).toEqual([1000, 2000, 3000, 4000]);
  expect(grid.values.get("api")).toEqual([null, 4, 6, null]);
  expect(grid.values.get("web")).toEqual([null, null, 1, null]);
});

test("counts are zero where no row is, but not before the first data", () => {
  const grid = fillZero(toGrid(input));
  expect(grid.values.get("api")).toEqual([null, 4, 6, 0]);
  expect(grid.values.get("web")).toEqual([null, 0, 1, 0]);
});

test("rows outside of the range and texts are passed over", () => {
  const grid = toGrid({
    ...input,
    rows: [
      ["9000000000", "api", 1],
      ["2000000000", "api", "x"],
    ],
  });
  expect(grid.values.size).toBe(0);
});

test("an answer that was cut is not filled with zeros", () => {
  expect(fillZero(toGrid({ ...input, whole: false })).values.get("api")).toEqual([null, 4, 6, null]);
});
