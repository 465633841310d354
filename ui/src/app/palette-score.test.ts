import { expect, test } from "vitest";
import { score } from "./palette-score.ts";

test("the beginning of a word comes first, letters in order last, others not at all", () => {
  const order = ["xapix", "meetsmatch-api", "api", "a-p-i", "bot"];
  const ranked = order.filter((value) => score(value, "api") > 0).sort((a, b) => score(b, "api") - score(a, "api"));
  expect(ranked).toEqual(["api", "meetsmatch-api", "xapix", "a-p-i"]);
  expect(score("anything", "")).toBe(1);
});
