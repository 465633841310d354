import { expect, test } from "vitest";
import type { ErrorGroup } from "../api/errors.ts";
import { rangeBefore, regressedOf } from "./regressions.ts";

const group = (id: string, first: number, ...at: number[]): ErrorGroup => ({
  id,
  service: "",
  exception_type: "",
  message: "",
  normalised_message: "",
  frame: "",
  span_name: "",
  first_seen_unix_milli: first,
  last_seen_unix_milli: 0,
  count: 1,
  trace_ids: [],
  buckets: at.map((from_unix_milli) => ({ from_unix_milli, count: 1 })),
});

test("an error regressed when it is old, was silent for a whole range, and is back", () => {
  const range = { fromMilli: 1000, toMilli: 1100 };
  expect(rangeBefore(range)).toEqual({ fromMilli: 900, toMilli: 1000 });
  const now = [group("back", 100, 1050), group("always", 100, 1050), group("new", 1020, 1050), group("gone", 100)];
  const before = [group("always", 100, 950), group("back", 100), group("gone", 100, 960)];
  expect([...regressedOf(now, before, range)]).toEqual(["back"]);
});
