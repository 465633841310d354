import { expect, test } from "vitest";
import { splitComparison } from "./comparison.ts";

const parts = (query: string) => {
  const found = splitComparison(query);
  return found && [found.left, found.operator, found.threshold];
};

test("the outermost comparison with a number", () => {
  expect(parts("db_connections_active > 80")).toEqual(["db_connections_active", ">", 80]);
  expect(parts('(\n  sum(rate(a{status=~"5.."}[5m])) / sum(rate(a[5m]))\n) > 0.05')).toEqual([
    'sum(rate(a{status=~"5.."}[5m])) / sum(rate(a[5m]))',
    ">",
    0.05,
  ]);
  expect(parts("a > 512 * 1024 * 1024  # 512MB")).toEqual(["a", ">", 536870912]);
  expect(parts("(a < bool 1e-3)")).toEqual(["a", "<", 0.001]);
  expect(parts("a - b >= -(2 + 1)")).toEqual(["a - b", ">=", -3]);
});

test("comparisons inside of brackets and quotes do not count", () => {
  expect(parts("sum(a > 3)")).toBeNull();
  expect(parts('a{b="x > 3"}')).toBeNull();
  expect(parts("count(a > 3) by (b) > 2 # > 9")).toEqual(["count(a > 3) by (b)", ">", 2]);
});

test("what is no comparison with a number", () => {
  expect(parts("a > b")).toBeNull();
  expect(parts("a > 3 and b > 4")).toBeNull();
  expect(parts("absent(up)")).toBeNull();
  expect(parts("> 3")).toBeNull();
  expect(parts("a > 3 3")).toBeNull();
  expect(parts("orders > 3")).toEqual(["orders", ">", 3]);
});
