import { expect, test } from "vitest";
import { firingMilli, onOneGrid, selectorOf, stepFor, stretchesOf, stretchesOfTrial } from "./lanes.ts";

const series = (alertstate: string, times: number[], values?: (number | null)[]) => ({
  labels: { alertstate },
  times,
  values: values ?? times.map(() => 1),
});

test("samples that follow each other are one stretch", () => {
  const found = stretchesOf([series("firing", [60, 75, 90, 150, 165]), series("pending", [30, 45])], 15, 180);
  expect(found).toEqual([
    { fromMilli: 30, toMilli: 60, state: "pending", open: false },
    { fromMilli: 60, toMilli: 105, state: "firing", open: false },
    { fromMilli: 150, toMilli: 180, state: "firing", open: true },
  ]);
  expect(firingMilli(found)).toBe(75);
});

test("missing values end a stretch", () => {
  expect(stretchesOf([series("firing", [0, 10, 20, 30], [1, null, null, 1])], 10, 100)).toHaveLength(2);
});

test("a back-test", () => {
  const alert = { labels: {}, annotations: {}, pendingAt: 10, firedAt: 20, endedAt: null, value: 1 };
  expect(stretchesOfTrial(alert, 50).map((each) => [each.state, each.fromMilli, each.toMilli])).toEqual([
    ["pending", 10, 20],
    ["firing", 20, 50],
  ]);
  expect(stretchesOfTrial({ ...alert, firedAt: null, endedAt: 15 }, 50)).toHaveLength(1);
});

test("one grid, steps, selectors", () => {
  expect(onOneGrid([{ labels: {}, times: [20, 40], values: [1, 2] }], 0, 40, 20).values).toEqual([[null, 1, 2]]);
  expect(stepFor(3_600_000, 240)).toBe(15_000);
  expect(stepFor(3_600_000, 240, 60)).toBe(60_000);
  expect(selectorOf("ALERTS", { a: 'x"y', "b.c": "d" })).toBe('ALERTS{a="x\\"y","b.c"="d"}');
});
