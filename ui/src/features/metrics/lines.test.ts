import { expect, test } from "vitest";
import type { QueryResult } from "../../api/prometheus.ts";
import { cutOf, toChart } from "./lines.ts";

const TIMES = [600, 660, 720, 780];
const result = (...series: [Record<string, string>, (number | null)[], number[]?][]): QueryResult => ({
  type: "matrix",
  text: null,
  warnings: [],
  series: series.map(([labels, values, times]) => ({ labels, values, times: times ?? TIMES })),
});

test("all series stand on one grid, gaps stay gaps", () => {
  const answer = {
    name: "A",
    legend: "",
    before: null,
    result: result([{ s: "a", env: "p" }, [1, null, 3, null]], [{ s: "b", env: "p" }, [null, 9, null, null]]),
  };
  const chart = toChart([answer], 0);
  expect(chart.common).toEqual({ env: "p" });
  expect(chart.times).toEqual(TIMES);
  expect(chart.lines.map((line) => [line.label, line.values])).toEqual([
    ['{s="b"}', [null, 9, null, null]],
    ['{s="a"}', [1, null, 3, null]],
  ]);
});

test("a query that was cut is drawn on the times of the one that was not", () => {
  const whole = { name: "A", legend: "", before: null, result: result([{ s: "a" }, [1, 2, 3, 4]]) };
  const cut = {
    name: "B",
    legend: "",
    before: null,
    result: { ...result([{ s: "b" }, [0, 6], [600, 780]]), decimated: { from: 4, to: 2 } },
  };
  const chart = toChart([whole, cut], 0);
  expect(chart.lines.find((line) => line.query === "B")?.values).toEqual([0, 2, 4, 6]);
  expect([cutOf([whole]), cutOf([whole, cut])]).toEqual([null, { from: 4, to: 2 }]);
});

const BEFORE = [0, 60, 120, 180];

test("the period before is moved onto the same times and matched by labels", () => {
  const answer = {
    name: "A",
    legend: "{{s}}",
    result: result([{ s: "a" }, [null, 5, null, null]]),
    before: result([{ s: "a" }, [null, 4, null, null], BEFORE], [{ s: "gone" }, [1, 1, 1, 1], BEFORE]),
  };
  const chart = toChart([answer], 600);
  expect(chart.previous).toHaveLength(1);
  expect(chart.previous[0]).toMatchObject({ id: chart.lines[0]?.id, values: [null, 4, null, null] });
  expect(chart.lines[0]?.label).toBe("a");
});

test("only the largest are drawn, and how many there are is kept", () => {
  const many = result(
    ...Array.from({ length: 60 }, (_, at): [Record<string, string>, number[]] => [{ n: `${at}` }, [at, at, at, at]]),
  );
  const chart = toChart([{ name: "A", legend: "", result: many, before: null }], 0, 10);
  expect(chart.lines).toHaveLength(10);
  expect([chart.total, chart.lines[0]?.labels.n]).toEqual([60, "59"]);
});
