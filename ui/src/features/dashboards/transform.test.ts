import { expect, test } from "vitest";
import { applyOverrides } from "./overrides.ts";
import type { PanelSeries } from "./series.ts";
import { needsHistory, tableOf } from "./table.ts";
import { transformSeries } from "./transform-series.ts";
import { readTransformations } from "./transformations.ts";

function series(name: string, values: (number | null)[], more: Partial<PanelSeries> = {}): PanelSeries {
  const times = values.map((_, at) => at * 1000);
  return { id: name, name, labels: { host: name }, refId: "A", expr: "up", times, values, ...more };
}

const read = (...list: unknown[]) => {
  const notes: string[] = [];
  return { list: readTransformations(list, (what) => notes.push(what)), notes };
};

const two = [series("a", [1, 2]), series("b", [10, null])];

test("lines are renamed, left out and put in order", () => {
  const { list } = read(
    { id: "renameByRegex", options: { regex: "^(.)$", renamePattern: "host $1" } },
    {
      id: "organize",
      options: {
        excludeByName: { "host c": true },
        indexByName: { "host b": 0, "host a": 1 },
        renameByName: { "host a": "first" },
      },
    },
  );
  const found = transformSeries([...two, series("c", [0])], list);
  expect(found.map((each) => each.name)).toEqual(["host b", "first"]);
});

test("lines are kept by name, by pattern and by query", () => {
  const names = (...steps: unknown[]) => transformSeries(two, read(...steps).list).map((each) => each.name);
  expect(names({ id: "filterFieldsByName", options: { include: { names: ["a"] } } })).toEqual(["a"]);
  expect(names({ id: "filterFieldsByName", options: { exclude: { pattern: "/^a/" } } })).toEqual(["b"]);
  expect(names({ id: "filterByRefId", options: { include: "B" } })).toEqual([]);
  expect(names({ id: "filterByRefId", disabled: true, options: { include: "B" } })).toEqual(["a", "b"]);
});

test("a line is calculated from two, or from all; where one has no value there is none", () => {
  const binary = read({
    id: "calculateField",
    options: { mode: "binary", binary: { left: "a", operator: "/", right: "b" } },
  });
  expect(transformSeries(two, binary.list).at(-1)).toMatchObject({ name: "a / b", values: [0.1, null] });
  const total = read({
    id: "calculateField",
    options: { mode: "reduceRow", reduce: { reducer: "sum" }, replaceFields: true },
  });
  expect(transformSeries(two, total.list)).toMatchObject([{ name: "Total", values: [11, 2] }]);
  const half = read({
    id: "calculateField",
    options: { mode: "binary", alias: "half", binary: { left: "a", operator: "*", right: "0.5" } },
  });
  expect(transformSeries(two, half.list).at(-1)).toMatchObject({ name: "half", values: [0.5, 1] });
});

test("what is not understood is said", () => {
  expect(read({ id: "groupBy" }, { id: "calculateField", options: { mode: "unary" } }).notes).toEqual([
    "the transformation `groupBy` is not applied",
    "the transformation `calculateField` is not applied",
  ]);
});

test("a table has a row for each set of labels and a column for each query", () => {
  const both = [series("a", [1]), series("b", [3]), series("a", [7], { id: "x", refId: "B" })];
  expect(tableOf(both, [], "last")).toEqual({
    rows: 2,
    columns: [
      { name: "host", refId: "", cells: ["a", "b"] },
      { name: "Value #A", refId: "A", cells: [1, 3] },
      { name: "Value #B", refId: "B", cells: [7, null] },
    ],
  });
});

test("a table is organized, calculated and sorted", () => {
  const { list } = read(
    { id: "merge" },
    {
      id: "calculateField",
      options: { mode: "binary", alias: "sum", binary: { left: "Value #A", operator: "+", right: "Value #B" } },
    },
    { id: "sortBy", options: { sort: [{ field: "sum", desc: true }] } },
    {
      id: "organize",
      options: {
        excludeByName: { "Value #A": true, Time: true },
        renameByName: { host: "Host" },
        indexByName: { sum: 0 },
      },
    },
    { id: "limit", options: { limitField: 2 } },
  );
  const all = [
    series("a", [1]),
    series("b", [30]),
    series("c", [2]),
    series("a", [1], { id: "x", refId: "B" }),
    series("b", [2], { id: "y", refId: "B" }),
  ];
  expect(tableOf(all, list, "last")).toEqual({
    rows: 2,
    columns: [
      { name: "sum", refId: "A", cells: [32, 2] },
      { name: "Host", refId: "", cells: ["b", "a"] },
      { name: "Value #B", refId: "B", cells: [2, 1] },
    ],
  });
});

test("a table of calculations has a row for each series and asks for values over time", () => {
  const { list } = read({ id: "reduce", options: { reducers: ["min", "max", "lastNotNull", "mean"] } });
  expect(needsHistory(list)).toBe(true);
  const { columns } = tableOf(two, list, "last");
  expect(columns.map(({ name, cells }) => [name, ...cells])).toEqual([
    ["Field", "a", "b"],
    ["Min", 1, 10],
    ["Max", 2, 10],
    ["Last", 2, 10],
    ["Mean", 1.5, 10],
  ]);
});

test("overrides are for a name, a pattern, a query or all; the later one wins", () => {
  const found = applyOverrides(two, [
    { match: { by: "all", text: "" }, look: { unit: "s" } },
    { match: { by: "regex", text: "^a" }, look: { unit: "bytes", name: "first" } },
    { match: { by: "name", text: "b" }, look: { hidden: true } },
    { match: { by: "query", text: "B" }, look: { unit: "ms" } },
  ]);
  expect(found.map(({ name, look }) => [name, look?.unit])).toEqual([["first", "bytes"]]);
});
