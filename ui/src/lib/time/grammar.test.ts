import { describe, expect, test } from "vitest";
import { parseRangeText } from "./grammar.ts";

// Friday 21 August 2026 14:30:00 UTC, 16:30 in Berlin.
const NOW = Date.UTC(2026, 7, 21, 14, 30, 0);

function check(text: string, from: string, to: string, zone = "utc") {
  expect(parseRangeText(text, NOW, zone)).toEqual({ ok: true, range: { from, to } });
}

describe("relative ranges", () => {
  test.each([
    ["15m", "now-15m"],
    ["last 4 h", "now-4h"],
    ["past 2 days", "now-2d"],
    ["90 s", "now-90s"],
    ["1w", "now-1w"],
    ["Last 30 Minutes", "now-30m"],
  ])("%s", (text, from) => check(text, from, "now"));
  test("pair", () => check("-3h to -1h", "now-3h", "now-1h"));
  test("pair with now", () => check("now-3h .. now", "now-3h", "now"));
});

describe("named days", () => {
  test("today", () => check("today", "20260821T000000Z", "now"));
  test("yesterday", () => check("yesterday", "20260820T000000Z", "20260821T000000Z"));
  test("yesterday with hours", () => check("yesterday 9-17", "20260820T090000Z", "20260820T170000Z"));
  test("in a zone", () => check("yesterday 9-17", "20260820T070000Z", "20260820T150000Z", "Europe/Berlin"));
  test("this week starts on Monday", () => check("this week", "20260817T000000Z", "now"));
});

describe("absolute ranges", () => {
  test("since a clock time", () => check("since 14:00", "20260821T140000Z", "now"));
  test("second end on the day of the first", () =>
    check("2026-08-19 14:00 .. 15:30", "20260819T140000Z", "20260819T153000Z"));
  test("both ends complete", () =>
    check("2026-08-19T14:00:00Z to 2026-08-20T01:00:00+02:00", "20260819T140000Z", "20260819T230000Z"));
  test.each([
    ["s", "1787320800"],
    ["ms", "1787320800000"],
    ["us", "1787320800000000"],
    ["ns", "1787320800000000000"],
  ])("epoch in %s", (_unit, text) => check(text, "20260821T135500Z", "20260821T140500Z"));
  test("a pasted log line", () =>
    check(
      'level=error ts=2026-08-21T12:00:00.500+00:00 msg="payment timed out"',
      "20260821T115500.500Z",
      "20260821T120500.500Z",
    ));
  test("across the end of daylight saving time", () =>
    check("2026-10-25 00:00 .. 2026-10-26 00:00", "20261024T220000Z", "20261025T230000Z", "Europe/Berlin"));
});

describe("refusals", () => {
  test.each(["", "soon", "12 parsecs", "2026-99-01", "last h"])("%j", (text) =>
    expect(parseRangeText(text, NOW, "utc").ok).toBe(false),
  );
  test("ends before it starts", () =>
    expect(parseRangeText("2026-08-21 15:00 .. 14:00", NOW, "utc")).toEqual({
      ok: false,
      message: "the range ends before it starts",
    }));
});
