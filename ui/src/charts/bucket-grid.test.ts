import { expect, test } from "vitest";
import { bucketGrid } from "./bucket-grid.ts";

const bucket = (le: string, values: number[]) => ({ labels: { le }, times: values.map((_, at) => at * 60), values });

test("cumulative buckets become counts of their own", () => {
  const range = { fromMilli: 0, toMilli: 60_000 };
  const grid = bucketGrid([bucket("+Inf", [10, 12]), bucket("0.1", [4, 4]), bucket("0.5", [9, 12])], range, 60);
  expect(grid).toMatchObject({ columns: 2, rows: [0, 0.1, 0.5] });
  expect(grid?.cells).toEqual([
    [0, 0, 4],
    [0, 1, 5],
    [0, 2, 1],
    [1, 0, 4],
    [1, 1, 8],
  ]);
});

test("other series are no heat map", () => {
  expect(bucketGrid([{ labels: {}, times: [], values: [] }], { fromMilli: 0, toMilli: 1 }, 60)).toBeNull();
  expect(bucketGrid([bucket("1", []), bucket("1", [])], { fromMilli: 0, toMilli: 1 }, 60)).toBeNull();
});
