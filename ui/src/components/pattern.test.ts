import { expect, test } from "vitest";
import { changeOf, literalParts, patternFilter } from "./pattern.ts";

test("a pattern becomes the phrases between its wildcards", () => {
  const template = 'payment <*> refused: "card" expired after <*> ms';
  expect(literalParts(template)).toEqual(['refused: "card" expired after', "payment"]);
  expect(patternFilter(template, false)).toBe('"refused: \\"card\\" expired after" "payment"');
  expect(patternFilter("order <*>", true)).toBe('-"order"');
  expect(patternFilter("a <*> lot of <*> here", true)).toBe('-("lot of" "here")');
  expect(patternFilter("<*> <*>", false)).toBeNull();
});

test("changes that say something get a badge", () => {
  expect(changeOf(5, undefined)).toEqual({ kind: "new" });
  expect(changeOf(0, 40)).toEqual({ kind: "gone" });
  expect(changeOf(42, 10)).toEqual({ kind: "ratio", ratio: 4.2 });
  expect(changeOf(12, 10)).toBeNull();
  expect(changeOf(3, 1)).toBeNull();
});
