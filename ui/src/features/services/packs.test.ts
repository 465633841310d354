import { expect, test } from "vitest";
import { packsFor, serviceMatcher } from "./packs.ts";

test("only charts whose metric exists are offered", () => {
  const packs = packsFor(["go_goroutines", "process_resident_memory_bytes", "http_requests_total"]);
  expect(packs.map((pack) => [pack.title, pack.charts.map((chart) => chart.needs)])).toEqual([
    ["Process", ["process_resident_memory_bytes"]],
    ["Go", ["go_goroutines"]],
  ]);
  expect(packsFor([])).toEqual([]);
});

test("names are escaped as PromQL wants it", () => {
  expect(serviceMatcher('a"b\\c')).toBe('service="a\\"b\\\\c"');
});
