import { expect, test } from "vitest";
import { percentileText, rankIn } from "./percentile.ts";

test("the rank of a value is the share of what is not longer", () => {
  const cells: [number, number, number][] = [
    [10, 20, 50],
    [20, 40, 30],
    [100, 200, 20],
  ];
  expect(rankIn(cells, 5)?.percentile).toBe(0);
  expect(rankIn(cells, 15)?.percentile).toBe(0.25);
  expect(rankIn(cells, 50)?.percentile).toBe(0.8);
  expect(rankIn(cells, 200)).toMatchObject({ percentile: 1, median: 20, count: 100 });
  expect(rankIn([], 5)).toBeNull();
});

test("a longer span never has a lower rank", () => {
  const cells = Array.from({ length: 40 }, (_, i): [number, number, number] => [2 ** i, 2 ** (i + 1), (i * 7) % 13]);
  let last = -1;
  for (let value = 1; value < 2 ** 41; value *= 1.3) {
    const rank = rankIn(cells, value)?.percentile ?? 0;
    expect(rank).toBeGreaterThanOrEqual(last);
    last = rank;
  }
});

test("percentiles are written as people say them", () => {
  expect([0.001, 0.5, 0.972, 0.995, 0.9999].map(percentileText)).toEqual([
    "among the fastest",
    "p50",
    "p97",
    "p99.5",
    "the slowest",
  ]);
});
