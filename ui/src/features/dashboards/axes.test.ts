import { expect, test } from "vitest";
import { axesOf, mainUnit } from "./axes.ts";
import type { Panel } from "./model.ts";
import type { PanelSeries } from "./series.ts";

const panel = { unit: "s", decimals: null, stacked: false } as Panel;
const of = (unit?: string, right?: boolean) =>
  ({ expr: "x", look: { ...(unit === undefined ? {} : { unit }), ...(right ? { right } : {}) } }) as PanelSeries;
const keys = (series: PanelSeries[], of: Panel = panel) => axesOf(of, series).map((axis) => axis?.key ?? null);

test("lines of another unit have an axis of their own", () => {
  expect(keys([of(), of("bytes"), of("bytes"), of("s")])).toEqual([null, "bytes", "bytes", null]);
  expect(axesOf(panel, [of(), of("bytes")])[1]?.format(2048)).toBe("2 KiB");
});

test("an override puts a line of the same unit to the right", () => {
  expect(keys([of(), of(undefined, true)])).toEqual([null, "right s"]);
});

test("the first line's unit is the main one when no line has the panel's", () => {
  const series = [of("bytes"), of("percent")];
  expect(keys(series)).toEqual([null, "percent"]);
  expect(mainUnit(panel, series, axesOf(panel, series))).toBe("bytes");
});

test("a stack has one axis, and there are never more than four", () => {
  expect(keys([of(), of("bytes")], { ...panel, stacked: true })).toEqual([null, null]);
  expect(keys([of(), of("a"), of("b"), of("c"), of("d")])).toEqual([null, "a", "b", "c", "c"]);
});
