import { expect, test } from "vitest";
import { formatDuration, formatInstant, formatNanos, formatRelative } from "./format.ts";
import { nanosBetween, parseNanos } from "./nanos.ts";
import { offsetLabel } from "./zone.ts";

test.each([
  [0, "0 ms"],
  [1, "1 ns"],
  [999, "999 ns"],
  [1_500, "1.5 \u00b5s"],
  [12_400_000, "12.4 ms"],
  [842_000_000, "842 ms"],
  [999_960_000, "1 s"],
  [1_240_000_000, "1.24 s"],
  [90_000_000_000, "1.5 min"],
  [-2_000_000, "\u22122 ms"],
])("%d ns is %s", (nanos, text) => expect(formatDuration(nanos)).toBe(text));

test("nanoseconds keep all their digits", () => {
  expect(formatNanos(1787320800123456789n, "utc")).toBe("2026-08-21 14:00:00.123456789");
  expect(nanosBetween(parseNanos("1787320800123456788"), parseNanos("1787320800123456789"))).toBe(1);
  expect(parseNanos("not a number")).toBe(0n);
});

test("zones", () => {
  expect(formatInstant(1787320800123, "Europe/Berlin")).toBe("21 Aug 16:00:00.123");
  expect(offsetLabel(1787320800123, "Asia/Kolkata")).toBe("UTC+5:30");
  expect(offsetLabel(1787320800123, "utc")).toBe("UTC");
});

test("relative", () => {
  expect(formatRelative(1000, 200_000)).toBe("3 min ago");
  expect(formatRelative(5000, 0)).toBe("in 5 s");
});
