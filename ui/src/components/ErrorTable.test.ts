import { expect, test } from "vitest";
import type { ErrorGroup } from "../api/errors.ts";
import { formatShort } from "../lib/number.ts";
import { inRange, isNew, isRegressed, spread, usersOf } from "./ErrorTable.tsx";

const range = { fromMilli: 0, toMilli: 60_000 };
const group = {
  first_seen_unix_milli: 5000,
  buckets: [
    { from_unix_milli: 1000, count: 2 },
    { from_unix_milli: 59_999, count: 3.4 },
    { from_unix_milli: 90_000, count: 9 },
  ],
} as ErrorGroup;

test("counts take their place in the range", () => {
  const columns = spread(group, range);
  expect(columns).toHaveLength(60);
  expect([columns[1], columns[59]]).toEqual([2, 3.4]);
  expect(inRange(group)).toBe(14);
});

test("a group is new when it was first seen inside the range", () => {
  expect(isNew(group, range)).toBe(true);
  expect(isNew(group, { fromMilli: 6000, toMilli: 60_000 })).toBe(false);
});

test("a group regressed when it came back inside the range", () => {
  const back = { ...group, regressed_unix_milli: 30_000, users: 1200, users_estimated: true };
  expect(isRegressed(back, range)).toBe(true);
  expect(isRegressed(back, { fromMilli: 31_000, toMilli: 60_000 })).toBe(false);
  expect(isRegressed({ ...back, regressed_unix_milli: null }, range)).toBe(false);
  expect(usersOf(back)).toBe(`~${formatShort(1200)}`);
  expect(usersOf({ ...back, users: null })).toBe("\u2013");
});
