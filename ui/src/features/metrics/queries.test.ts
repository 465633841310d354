import { expect, test } from "vitest";
import { expand, isFormula, legendText, nextName, type Query, readQueries, writeQueries } from "./queries.ts";

const query = (name: string, text: string, more: Partial<Query> = {}): Query => ({
  name,
  text,
  legend: "",
  shown: true,
  ...more,
});

test("queries survive the URL", () => {
  const all = [query("A", "rate(x[5m])", { legend: "{{service}}" }), query("C", "A / 2", { shown: false })];
  expect(readQueries(writeQueries(all))).toEqual(all);
  expect(readQueries({})).toEqual([query("A", "")]);
  expect(nextName(all)).toBe("B");
});

test("formulae are names and arithmetic", () => {
  expect(["A / B", "(A - B) * 100", "A"].every(isFormula)).toBe(true);
  expect(["up", "A / up", "rate(A[5m])", "100"].some(isFormula)).toBe(false);
});

test("a formula is put together from its queries, a circle is refused", () => {
  const all = [
    query("A", "sum(x)"),
    query("B", "sum(y)"),
    query("C", "A / B"),
    query("D", "C * 100"),
    query("E", "F"),
    query("F", "E + 1"),
  ];
  const text = (name: string) => expand(all.find((each) => each.name === name) ?? query("A", ""), all);
  expect(text("D")).toBe("((sum(x)) / (sum(y))) * 100");
  expect(text("E")).toBeNull();
  expect(expand(query("A", "G + 1"), all)).toBeNull();
});

test("a legend is never empty", () => {
  expect(legendText("{{ service }} p{{q}}", { service: "api", q: "95" })).toBe("api p95");
  expect(legendText("{{service}}", {})).toBe("(no service)");
});
