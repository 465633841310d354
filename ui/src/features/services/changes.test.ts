import { expect, test } from "vitest";
import type { OperationFigures } from "../../api/services.ts";
import { changes, describeDelta } from "./changes.ts";

const operation = (name: string, calls: number, p50: number): OperationFigures => ({
  name,
  kind: "SERVER",
  calls,
  errors: 0,
  rate_per_s: 0,
  error_ratio: 0,
  p50_nanos: p50,
  p95_nanos: p50 * 2,
  p99_nanos: p50 * 3,
});

test("the operation whose work changed most comes first, in either direction", () => {
  const now = [operation("steady", 100, 10), operation("slower", 100, 50), operation("new", 1, 10)];
  const before = [operation("steady", 100, 10), operation("slower", 100, 10), operation("gone", 10, 10)];
  expect(changes(now, before, 3).map((change) => [change.name, change.workNanos])).toEqual([
    ["slower", 4000],
    ["gone", -100],
    ["new", 10],
  ]);
});

test("changes are written as people say them", () => {
  expect(describeDelta(112, 100)).toBe("+12 %");
  expect(describeDelta(97, 100)).toBe("\u22123 %");
  expect(describeDelta(1, 0)).toBe("new");
  expect(describeDelta(0, 1)).toBe("gone");
  expect(describeDelta(100, 100)).toBe("");
});
