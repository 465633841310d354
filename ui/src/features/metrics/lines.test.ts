import { expect, test } from "vitest";
import type { QueryResult } from "../../api/prometheus.ts";
import { asFields, gridTimes, toChart } from "./lines.ts";

const result = (...series: [Record<string, string>, [number, number][]][]): QueryResult => ({
  type: "matrix",
  text: null,
  warnings: [],
  series: series.map(([labels, samples]) => ({
    labels,
    times: samples.map(([time]) => time),
    values: samples.map(([, value]) => value),
  })),
});
const range = { fromMilli: 600_000, toMilli: 780_000 };

test("all series stand on one grid, gaps stay gaps", () => {
  expect(gridTimes(range, 60)).toEqual([600, 660, 720, 780]);
  const answer = {
    name: "A",
    legend: "",
    before: null,
    result: result(
      [
        { s: "a", env: "p" },
        [
          [600, 1],
          [720, 3],
        ],
      ],
      [{ s: "b", env: "p" }, [[660, 9]]],
    ),
  };
  const chart = toChart([answer], range, 60, 0);
  expect(chart.common).toEqual({ env: "p" });
  expect(chart.lines.map((line) => [line.label, line.values])).toEqual([
    ['{s="b"}', [null, 9, null, null]],
    ['{s="a"}', [1, null, 3, null]],
  ]);
});

test("the period before is moved onto the same times and matched by labels", () => {
  const answer = {
    name: "A",
    legend: "{{s}}",
    result: result([{ s: "a" }, [[660, 5]]]),
    before: result([{ s: "a" }, [[60, 4]]], [{ s: "gone" }, [[60, 1]]]),
  };
  const chart = toChart([answer], range, 60, 600);
  expect(chart.previous).toHaveLength(1);
  expect(chart.previous[0]).toMatchObject({ id: chart.lines[0]?.id, values: [null, 4, null, null] });
  expect(chart.lines[0]?.label).toBe("a");
});

test("only the largest are drawn, and how many there are is kept", () => {
  const many = result(
    ...Array.from({ length: 60 }, (_, at): [Record<string, string>, [number, number][]] => [
      { n: `${at}` },
      [[600, at]],
    ]),
  );
  const chart = toChart([{ name: "A", legend: "", result: many, before: null }], range, 60, 0, 10);
  expect(chart.lines).toHaveLength(10);
  expect([chart.total, chart.lines[0]?.labels.n]).toEqual([60, "59"]);
});

test("labels become the fields that spans have", () => {
  expect(asFields({ service_name: "api", service: "api", route: "/x", le: "5", status_code: "500" })).toEqual([
    ["service", "api"],
    ["http.route", "/x"],
    ["http.response.status_code", "500"],
  ]);
});
