import { expect, test } from "vitest";
import { nextMorning, parseSpan, writeSpan } from "./durations.ts";

test("the next nine o'clock", () => {
  expect(nextMorning(Date.UTC(2026, 0, 1, 3, 12, 7, 5), "utc")).toBe(Date.UTC(2026, 0, 1, 9));
  expect(nextMorning(Date.UTC(2026, 0, 1, 9), "utc")).toBe(Date.UTC(2026, 0, 2, 9));
});

test("durations are read as they are written", () => {
  for (const seconds of [0, 1, 59, 60, 90, 3600, 5400, 86_400, 90_061]) {
    expect(parseSpan(writeSpan(seconds))).toBe(seconds);
  }
  expect(parseSpan("5")).toBeNull();
  expect(parseSpan("")).toBeNull();
  expect(parseSpan("1h30m")).toBe(5400);
});
