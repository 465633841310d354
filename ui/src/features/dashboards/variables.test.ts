import { expect, test } from "vitest";
import type { Variable } from "./model.ts";
import { ALL, applyRegex, chosenOf, readChosen, valuesOf, writeChosen } from "./variables.ts";

const variable: Variable = {
  name: "host",
  label: "Host",
  kind: "query",
  query: "label_values(up, instance)",
  options: [],
  current: [],
  multi: true,
  includeAll: true,
  allValue: null,
  hidden: false,
  regex: "",
};

test("values go into the URL and come back", () => {
  const values = ["a", "b,c", "50%", "%2C"];
  expect(readChosen(writeChosen(values))).toEqual(values);
  expect(writeChosen([])).toBeUndefined();
  expect(readChosen(undefined)).toBeNull();
});

test("the URL comes before the document, the document before all", () => {
  expect(chosenOf({ ...variable, current: ["b"] }, { "var-host": "a" })).toEqual(["a"]);
  expect(chosenOf({ ...variable, current: ["b"] }, {})).toEqual(["b"]);
  expect(chosenOf(variable, {})).toEqual([ALL]);
  expect(chosenOf({ ...variable, kind: "textbox", query: "x" }, {})).toEqual(["x"]);
});

test("all is any value, or the pattern that the document gives it", () => {
  expect(valuesOf(variable, [ALL])).toEqual([".*"]);
  expect(valuesOf({ ...variable, allValue: "prod-.*" }, [ALL])).toEqual(["prod-.*"]);
  expect(valuesOf(variable, ["a", "b"])).toEqual(["a", "b"]);
});

test("the document's regex keeps values, or a part of them", () => {
  expect(applyRegex(["a1", "b2"], "/a.*/")).toEqual(["a1"]);
  expect(applyRegex(["host:1", "x"], "/(.*):\\d/")).toEqual(["host"]);
  expect(applyRegex(["a"], "(?<!")).toEqual(["a"]);
});
