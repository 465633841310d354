import { expect, test } from "vitest";
import { clampWindow, panBy, rulerTicks, zoomAt } from "./window.ts";

test("zooming keeps the point under the cursor and stays inside the trace", () => {
  expect(zoomAt({ start: 0, end: 1000 }, 250, 0.5, 1000)).toEqual({ start: 125, end: 625 });
  expect(zoomAt({ start: 0, end: 1000 }, 250, 4, 1000)).toEqual({ start: 0, end: 1000 });
  expect(zoomAt({ start: 10, end: 12 }, 11, 0.01, 1000)).toEqual({ start: 10.5, end: 11.5 });
});

test("panning stops at the ends", () => {
  expect(panBy({ start: 0, end: 100 }, -0.5, 1000)).toEqual({ start: 0, end: 100 });
  expect(clampWindow({ start: 950, end: 1050 }, 1000)).toEqual({ start: 900, end: 1000 });
});

test("ticks are round and share a unit", () => {
  expect(rulerTicks({ start: 0, end: 842e6 }, 5).map((tick) => tick.label)).toEqual([
    "0 ms",
    "200 ms",
    "400 ms",
    "600 ms",
    "800 ms",
  ]);
  expect(rulerTicks({ start: 1.5e6, end: 1.5e6 + 4 }, 4).map((tick) => tick.label)).toEqual([
    "1.500000 ms",
    "1.500001 ms",
    "1.500002 ms",
    "1.500003 ms",
    "1.500004 ms",
  ]);
});
