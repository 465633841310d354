import { expect, test } from "vitest";
import { recognise } from "./recognise.ts";

const NOW = Date.UTC(2026, 7, 21, 14, 30, 0);
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const check = (text: string) => recognise(text, NOW, "utc", "http://localhost:3301/");

test("ids", () => {
  expect(check(TRACE.toUpperCase())).toEqual([{ kind: "trace", traceId: TRACE }]);
  expect(check(`00-${TRACE}-00f067aa0ba902b7-01`)).toEqual([
    { kind: "trace", traceId: TRACE, spanId: "00f067aa0ba902b7" },
  ]);
  expect(check("00f067aa0ba902b7")).toEqual([{ kind: "span", spanId: "00f067aa0ba902b7" }]);
});

test("sixteen digits are microseconds, not a span", () => {
  expect(check("1787320800000000")).toEqual([
    { kind: "time", range: { from: "20260821T135500Z", to: "20260821T140500Z" } },
  ]);
});

test("PromQL, time and addresses", () => {
  const query = "sum by (service) (rate(http_requests_total[5m]))";
  expect(check(query)).toEqual([{ kind: "promql", query }]);
  expect(check("t: last 4h")).toEqual([{ kind: "time", range: { from: "now-4h", to: "now" } }]);
  expect(check("http://localhost:3301/logs?q=x")).toEqual([{ kind: "url", href: "logs?q=x" }]);
  expect(check("checkout")).toEqual([]);
});
