import { expect, test } from "vitest";
import type { ErrorGroup } from "../../api/errors.ts";
import type { ServiceFigures } from "../../api/services.ts";
import { compareServices, newErrors, ranked } from "./news.ts";

const words = {
  duration: (nanos: number) => `${nanos / 1e6} ms`,
  percent: (ratio: number) => `${Math.round(ratio * 100)} %`,
  rate: (perSecond: number) => `${perSecond}/s`,
};

const service = (calls: number, errors: number, p95Milli: number): ServiceFigures => ({
  name: "api",
  calls,
  errors,
  rate_per_s: calls / 100,
  error_ratio: calls > 0 ? errors / calls : 0,
  p50_nanos: 0,
  p95_nanos: p95Milli * 1e6,
  p99_nanos: 0,
  spans: calls,
});

const kinds = (now: ServiceFigures, before: ServiceFigures) =>
  compareServices([now], [before], words).map((news) => news.kind);

test("what chance makes is no news", () => {
  expect(kinds(service(1000, 10, 100), service(1010, 12, 110))).toEqual([]);
  expect(kinds(service(3, 3, 900), service(3, 0, 100))).toEqual([]);
});

test("more errors, slower and other traffic are", () => {
  expect(kinds(service(1000, 80, 100), service(1000, 10, 100))).toEqual(["errors"]);
  expect(kinds(service(1000, 0, 400), service(1000, 0, 100))).toEqual(["latency"]);
  expect(kinds(service(4000, 0, 100), service(1000, 0, 100))).toEqual(["rate"]);
});

test("it is said in words, and what got worse comes before what got better", () => {
  const worse = compareServices([service(1000, 80, 100)], [service(1000, 10, 100)], words);
  const better = compareServices([service(1000, 10, 100)], [service(1000, 80, 100)], words);
  expect(worse[0]?.text).toBe("errors rose from 1 % to 8 %");
  expect(ranked([...better, ...worse], 9)[0]?.text).toBe("errors rose from 1 % to 8 %");
});

test("a service that was not there before is not compared", () => {
  expect(compareServices([service(1000, 10, 100)], [], words)).toEqual([]);
});

test("errors are new when they began inside the range, the most frequent first", () => {
  const group = (id: string, first: number, count: number) =>
    ({ id, first_seen_unix_milli: first, count, service: "api", exception_type: id, message: "m" }) as ErrorGroup;
  const range = { fromMilli: 100, toMilli: 200 };
  const found = newErrors([group("old", 50, 9), group("a", 150, 1), group("b", 160, 5)], range, 5);
  expect(found.map((news) => news.id)).toEqual(["b", "a"]);
});
