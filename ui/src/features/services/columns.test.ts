import { expect, test } from "vitest";
import { chosenColumns, columnsParam } from "./columns.ts";

test("the usual columns leave no trace in the URL, others stand there in the order of the table", () => {
  expect(columnsParam(chosenColumns(undefined))).toBeUndefined();
  expect(chosenColumns("p95_nanos,version")).toEqual(["version", "p95_nanos"]);
  expect(columnsParam(["version", "p95_nanos"])).toBe("version,p95_nanos");
});

test("unknown names and none at all give the usual columns", () => {
  expect(chosenColumns("nonsense")).toEqual(chosenColumns(""));
  expect(columnsParam([])).toBeUndefined();
});
