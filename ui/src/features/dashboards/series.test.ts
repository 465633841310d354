import { expect, test } from "vitest";
import type { BatchAnswer } from "../../api/batch.ts";
import type { Target } from "./model.ts";
import { align, colourOf, living, panelSeries, reduce } from "./series.ts";

const target: Target = { refId: "A", expr: "up", legend: "{{service}}", instant: false, hidden: false };
const answer = (series: BatchAnswer["series"]) => ({ series }) as BatchAnswer;

test("series with one name are told apart by the labels that differ", () => {
  const series = panelSeries(
    [target],
    [
      answer([
        { labels: { service: "api", instance: "a", job: "j" }, times: [1], values: [1] },
        { labels: { service: "api", instance: "b", job: "j" }, times: [1], values: [2] },
        { labels: { service: "web", instance: "c", job: "j" }, times: [1], values: [2] },
      ]),
    ],
  );
  expect(series.map(({ name }) => name)).toEqual(["api (a)", "api (b)", "web"]);
});

test("a query without an answer yet has no series", () => {
  expect(panelSeries([target, target], [null, answer([])])).toEqual([]);
});

test("series meet on one grid of times, with gaps", () => {
  const series = panelSeries(
    [target],
    [
      answer([
        { labels: { service: "a" }, times: [1, 2, 3], values: [5, null, Number.NaN] },
        { labels: { service: "b" }, times: [2], values: [7] },
      ]),
    ],
  );
  expect(align(series)).toEqual({
    times: [1, 2, 3],
    values: [
      [5, null, null],
      [null, 7, null],
    ],
  });
});

test("many values become one", () => {
  const values = [3, null, 1, 2];
  expect(["last", "mean", "min", "max", "sum"].map((how) => reduce(values, how))).toEqual([2, 2, 1, 3, 6]);
  expect(reduce([null], "last")).toBeNull();
});

test("the highest threshold that is reached gives the colour", () => {
  const thresholds = [
    { value: 0.9, colour: "error" },
    { value: null, colour: "ok" },
    { value: 0.5, colour: "#abc" },
  ];
  expect([0.1, 0.5, 2].map((value) => colourOf(value, thresholds))).toEqual(["var(--ok)", "#abc", "var(--error)"]);
  expect(colourOf(1, [])).toBeNull();
});

test("an instance that is gone is left out while others go on", () => {
  const times = [0, 10, 20, 30, 40];
  const series = panelSeries(
    [target],
    [
      answer([
        { labels: { service: "old" }, times, values: [1, 1, null, null, null] },
        { labels: { service: "new" }, times, values: [null, 1, 1, 1, 1] },
      ]),
    ],
  );
  expect(living(series).map(({ name }) => name)).toEqual(["new"]);
  expect(living(series.slice(0, 1)).map(({ name }) => name)).toEqual(["old"]);
});
