import { expect, test } from "vitest";
import { aroundIn, aroundSearch } from "./around.ts";

test("the time of a trace goes through the URL", () => {
  expect(aroundSearch(1795357800000.7)).toEqual({ around: "1795357800000" });
  expect(aroundIn(aroundSearch(1795357800000.7))).toBe(1795357800000);
});

test("what is no time is left out", () => {
  for (const milli of [0, -5, Number.NaN, Number.POSITIVE_INFINITY]) expect(aroundSearch(milli)).toEqual({});
  for (const around of [undefined, "", "0", "now-1h", "-5", "1e3", "17953578000000000000"]) {
    expect(aroundIn({ around })).toBeUndefined();
  }
});
