import { expect, test } from "vitest";
import { incompleteBucket, inWords, type Line, measure, moveTo, stackUp, toCsv } from "./series.ts";

const line = (label: string, values: (number | null)[]): Line => ({ id: label, label, colour: "red", values });

test("a stack adds up, gaps do not break what is above", () => {
  const stacked = stackUp([line("a", [1, null, 3]), line("b", [10, 20, null]), line("c", [1, 1, 1])]);
  expect(stacked).toEqual([
    [1, null, 3],
    [11, 20, null],
    [12, 21, 4],
  ]);
});

test("the last bucket is incomplete while its end lies ahead", () => {
  expect(incompleteBucket([0, 60, 120], 60, 143_000)).toEqual({ index: 2, seconds: 23, of: 60 });
  expect(incompleteBucket([0, 60, 120], 60, 180_000)).toBeNull();
  expect(incompleteBucket([0, 60, 120], undefined, 143_000)).toBeNull();
});

test("statistics pass over gaps", () => {
  expect(measure([null, 4, 2, null, 6])).toEqual({ last: 6, min: 2, max: 6, mean: 4, sum: 12 });
  expect(measure([null]).mean).toBeNaN();
});

test("a chart is said in words", () => {
  const format = (value: number) => `${value} ms`;
  expect(inWords("p95", [line("api", [120, 840, 700]), line("bot", [1, 2, 3])], format)).toBe(
    "p95: 2 lines; the largest, api, goes from 120 ms to 700 ms, at most 840 ms",
  );
  expect(inWords("p95", [], format)).toBe("p95: no series");
});

test("CSV has a row per time and quotes labels", () => {
  expect(toCsv([0, 60], [line('a,"b"', [1, null])])).toBe(
    'time,"a,""b"""\r\n1970-01-01T00:00:00.000Z,1\r\n1970-01-01T00:01:00.000Z,',
  );
});

test("the cursor skips gaps and stays inside", () => {
  expect(moveTo([1, null, null, 4], 0, 1)).toBe(3);
  expect(moveTo([1, null, null, 4], 3, -1)).toBe(0);
  expect(moveTo([1, null], 0, 1)).toBe(0);
  expect(moveTo([1, 2, 3], 1, 10)).toBe(2);
});
