import { expect, test } from "vitest";
import { csvCell, FORMATS, rowsAs } from "./copy.ts";
import type { LogRow } from "./rows.ts";

const row: LogRow = {
  id: "1",
  nanos: 1787320800123456789n,
  milli: 1787320800123,
  level: "ERROR",
  service: "api",
  line: 'said "no", | twice',
  traceId: "4bf9",
  spanId: "",
  attributes: ["http.route", "/x,y"],
  resource: ["service.name", "api"],
};

test("every format has the text of every row", () => {
  for (const format of FORMATS) expect(rowsAs(format, [row, row], ["http.route"], "utc").split("said").length).toBe(3);
  expect(JSON.parse(rowsAs("JSON", [row], [], "utc"))).toMatchObject({
    trace_id: "4bf9",
    attributes: { "http.route": "/x,y" },
    resource: { "service.name": "api" },
  });
  expect(rowsAs("CSV", [row], ["http.route"], "utc")).toContain('"/x,y","said ""no"", | twice"');
  expect(rowsAs("Markdown", [row], [], "utc")).toContain("\\| twice |");
});

test("a cell is never a formula", () => {
  expect(["=1+1", "-2", "@x", "plain"].map(csvCell)).toEqual(["'=1+1", "'-2", "'@x", "plain"]);
});
