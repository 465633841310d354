import { expect, test } from "vitest";
import {
  absoluteRange,
  compactIso,
  describeRange,
  resolveInstant,
  resolveRange,
  shiftRange,
  zoomOut,
} from "./range.ts";

const NOW = Date.UTC(2026, 7, 21, 14, 30, 0);

test("instants of the URL grammar", () => {
  expect(resolveInstant("now", NOW)).toBe(NOW);
  expect(resolveInstant("now-15m", NOW)).toBe(NOW - 900_000);
  expect(resolveInstant("1787320800000", NOW)).toBe(1787320800000);
  expect(resolveInstant("20260821T1403Z", NOW)).toBe(Date.UTC(2026, 7, 21, 14, 3));
  expect(resolveInstant("2026-08-21T14:03:00+02:00", NOW)).toBe(Date.UTC(2026, 7, 21, 12, 3));
  expect(resolveInstant("tomorrow", NOW)).toBeNull();
});

test("an absolute range survives the round trip through the URL", () => {
  const range = { fromMilli: NOW - 12_345, toMilli: NOW };
  expect(resolveRange(absoluteRange(range), 0)).toEqual(range);
  expect(compactIso(NOW)).toBe("20260821T143000Z");
});

test("empty and reversed ranges are refused", () => {
  expect(resolveRange({ from: "now", to: "now" }, NOW)).toBeNull();
  expect(resolveRange({ from: "now", to: "now-1h" }, NOW)).toBeNull();
});

test("labels", () => {
  const label = (from: string, to: string) =>
    describeRange({ from, to }, resolveRange({ from, to }, NOW) ?? { fromMilli: 0, toMilli: 0 }, "utc");
  expect(label("now-1h", "now")).toBe("Last 1 h");
  expect(label("now-3h", "now-1h")).toBe("3 h ago to 1 h ago");
  expect(label("20260821T1400Z", "20260821T1530Z")).toBe("21 Aug 14:00 \u2013 15:30");
  expect(label("20260820T1400Z", "20260821T1530Z")).toBe("20 Aug 14:00 \u2013 21 Aug 15:30");
  expect(label("20260821T140000Z", "20260821T140230Z")).toBe("21 Aug 14:00:00 \u2013 14:02:30");
});

test("shift and zoom", () => {
  const range = { fromMilli: NOW - 3_600_000, toMilli: NOW };
  expect(shiftRange(range, -0.5)).toEqual({ fromMilli: NOW - 5_400_000, toMilli: NOW - 1_800_000 });
  expect(zoomOut(range, NOW)).toEqual({ fromMilli: NOW - 7_200_000, toMilli: NOW });
});
