import { expect, test } from "vitest";
import { sparkPaths } from "./Sparkline.tsx";

test("gaps split the line and a lone point stays visible", () => {
  const paths = sparkPaths([0, 1, null, 1], 30, 20, 0, 1);
  expect(paths).toEqual(["M0,18.5L10,1.5", "M30,1.5h1"]);
});

test("a flat line stands at the bottom, and nothing draws nothing", () => {
  expect(sparkPaths([0, 0], 10, 20, 0, 0)).toEqual(["M0,18.5L10,18.5"]);
  expect(sparkPaths([null, null], 10, 20, 0, 0)).toEqual([]);
});
