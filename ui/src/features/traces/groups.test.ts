import { expect, test } from "vitest";
import type { AnalysisTable } from "../../api/analyse.ts";
import { groupRows } from "./groups.ts";

function table(names: string[], rows: AnalysisTable["rows"]): AnalysisTable {
  const columns = names.map((name) => ({ name, kind: "measure", unit: "", estimated: false }));
  return { columns, rows, groups: rows.length, step_nanos: null, sampled: null, adjusted: null };
}

test("errors are found by the key, whatever the order of the rows", () => {
  const all = table(
    ["service", "calls", "total", "p50", "p95", "p99"],
    [
      ["api", 100, 5000, 10, 20, 30],
      [null, 4, 8, 1, 2, 3],
    ],
  );
  const errors = table(
    ["service", "calls"],
    [
      [null, 1],
      ["api", 25],
    ],
  );
  expect(groupRows(all, errors, 1).map((row) => row.errorShare)).toEqual([0.25, 0.25]);
  expect(groupRows(all, null, 1)[0]).toMatchObject({ keys: ["api"], calls: 100, errorShare: 0, total: 5000, p99: 30 });
});
