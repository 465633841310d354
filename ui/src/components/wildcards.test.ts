import { expect, test } from "vitest";
import { valuesOf } from "./wildcards.ts";

test("the values behind a wildcard are counted, the most frequent first", () => {
  const bodies = ["GET /a in 3 ms", "GET /b in 4 ms", "GET /a in 5 ms", "something else"];
  expect(valuesOf("GET <*> in <*> ms", 0, bodies)).toEqual({
    matched: 3,
    values: [
      { value: "/a", count: 2 },
      { value: "/b", count: 1 },
    ],
  });
  expect(valuesOf("GET <*> in <*> ms", 1, bodies).values.map(({ value }) => value)).toEqual(["3", "4", "5"]);
});

test("characters of regular expressions are only characters", () => {
  expect(valuesOf("a (x) [<*>]?", 0, ["a (x) [7]?", "a x 7"])).toEqual({
    matched: 1,
    values: [{ value: "7", count: 1 }],
  });
});
