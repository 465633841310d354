import { expect, test } from "vitest";
import { compareDays, dayByKey, moveDay, weeksOf } from "./calendar.ts";

const day = (text: string) => {
  const [year = 0, month = 0, of = 0] = text.split("-").map(Number);
  return { year, month, day: of };
};

test.each([
  ["2026-11-28", "ArrowRight", "2026-11-29"],
  ["2026-11-30", "ArrowDown", "2026-12-07"],
  ["2026-01-01", "ArrowLeft", "2025-12-31"],
  ["2026-03-31", "PageUp", "2026-02-28"],
  ["2026-12-15", "PageDown", "2027-01-15"],
  ["2026-11-28", "Home", "2026-11-23"],
  ["2026-11-28", "End", "2026-11-29"],
])("%s %s %s", (from, key, to) => expect(dayByKey(day(from), key)).toEqual(day(to)));

test("other keys are not the calendar's", () => expect(dayByKey(day("2026-11-28"), "x")).toBeNull());

test("months are whole weeks that begin on Monday", () => {
  for (let month = 1; month <= 12; month++) {
    const weeks = weeksOf({ year: 2026, month, day: 1 });
    const days = weeks.flat();
    expect(days.length % 7).toBe(0);
    expect(days.slice(1)).toEqual(days.slice(0, -1).map((each) => moveDay(each, { days: 1 })));
    expect(days.filter((each) => each.month === month)).toHaveLength(new Date(Date.UTC(2026, month, 0)).getUTCDate());
  }
});

test("days are compared", () => {
  expect(compareDays(day("2026-11-28"), day("2026-12-01"))).toBeLessThan(0);
});
