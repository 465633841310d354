import { expect, test } from "vitest";
import { compareFacets, keysIn, pValue, sentenceOf, without } from "./compare.ts";

const facet = (field: string, values: Record<string, number>) => ({
  field,
  values: Object.entries(values).map(([value, count]) => ({ value, count })),
});

const selection = { count: 100, facets: [facet("region", { eu: 94, us: 6 }), facet("host", { a: 50, b: 50 })] };
const baseline = { count: 1000, facets: [facet("region", { eu: 30, us: 970 }), facet("host", { a: 505, b: 495 })] };

test("the attribute that differs comes first, what is alike is not significant", () => {
  const found = compareFacets(selection, baseline);
  expect(found.map((attribute) => [attribute.key, attribute.significant])).toEqual([
    ["region", true],
    ["host", false],
  ]);
  expect(found[0]?.score).toBeCloseTo(0.91);
  expect(found[0]?.values[0]?.term).toBe("region:eu");
  expect(sentenceOf(found, 100, 1000)).toBe("94 % of the selection have `region=eu` (baseline 3 %)");
});

test("few records prove nothing, and ids are no reasons", () => {
  const few = { count: 5, facets: [facet("region", { eu: 5 })] };
  expect(compareFacets(few, baseline)[0]?.significant).toBe(false);
  const ids = compareFacets({ count: 100, facets: [facet("user.id", { x: 100 })] }, { count: 100, facets: [] });
  expect(ids[0]).toMatchObject({ demoted: "id", significant: false });
  expect(sentenceOf(ids, 100, 100)).toBe("");
});

test("the rest is the whole without the selection", () => {
  const whole = { count: 10, facets: [facet("a", { x: 7, y: 3 })] };
  expect(without(whole, { count: 4, facets: [facet("a", { x: 4 })] })).toEqual({
    count: 6,
    facets: [facet("a", { x: 3, y: 3 })],
  });
});

test("p values agree with the tables", () => {
  expect(pValue(50, 100, 50, 100)).toBeCloseTo(1, 5);
  // z = 1.96 for 50 of 100 against 36.2 of 100.
  expect(pValue(500, 1000, 456, 1000)).toBeCloseTo(0.0488, 3);
  expect(pValue(1, 0, 1, 5)).toBe(1);
});

test("the fields of a filter are found, texts in quotes are none", () => {
  expect([...keysIn('status:error -http.route:"/a:b" duration > 5ms x!~"y" word')]).toEqual([
    "status",
    "http.route",
    "duration",
    "x",
  ]);
});
