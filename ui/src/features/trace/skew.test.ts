import { expect, test } from "vitest";
import { criticalPath } from "./critical.ts";
import { applyShifts, findShifts } from "./skew.ts";
import { serviceGraph, statsRows } from "./stats.ts";
import { buildTree } from "./tree.ts";

/** `service parent start-end` in milliseconds; the place is the line. */
function trace(...lines: string[]) {
  const spans = lines.map((line) => {
    const [service = "", parent = "", time = ""] = line.split(" ");
    const [start = "0", end = "0"] = time.split("..");
    return { service, parent: Number(parent), start: Number(start) * 1e6, end: Number(end) * 1e6 };
  });
  const services = [...new Set(spans.map((span) => span.service))];
  const n = spans.length;
  return buildTree({
    traceId: "t",
    startNanos: 1_000_000_000_000n,
    names: ["op"],
    services,
    kinds: [],
    badges: [],
    eventNames: [],
    spanIds: spans.map((_, at) => `${at}`),
    parent: Int32Array.from(spans, (span) => span.parent),
    name: new Uint32Array(n),
    service: Uint32Array.from(spans, (span) => services.indexOf(span.service)),
    kind: new Uint8Array(n),
    status: new Uint8Array(n),
    start: Float64Array.from(spans, (span) => span.start),
    end: Float64Array.from(spans, (span) => span.end),
    badge: new Int32Array(n).fill(-1),
    eventSpan: new Uint32Array(0),
    eventTime: new Float64Array(0),
    eventName: new Uint32Array(0),
  });
}

test("a service whose clock is behind is moved into its callers, and nothing else", () => {
  const tree = trace("api -1 100..200", "db 0 40..60", "db 0 50..70", "api 0 150..160");
  expect(tree.skews).toBe(2);
  const shifts = findShifts(tree);
  expect(shifts.map((shift) => [shift.service, shift.spans])).toEqual([["db", 2]]);
  const corrected = applyShifts(tree, shifts);
  expect(corrected.skews).toBe(0);
  expect(corrected.startNanos).toBe(tree.startNanos + 100_000_000n);
  expect(corrected.duration).toBe(100e6);
});

test("clocks that agree ask for nothing", () => {
  expect(findShifts(trace("api -1 0..10", "db 0 2..4"))).toEqual([]);
});

test("statistics and calls of a trace add up", () => {
  const tree = trace("web -1 0..100", "api 0 10..90", "db 1 20..30", "db 1 40..80");
  const rows = statsRows(tree, criticalPath(tree));
  expect(rows.reduce((sum, row) => sum + row.count, 0)).toBe(4);
  expect(rows.reduce((sum, row) => sum + row.critical, 0)).toBe(100e6);
  expect(rows.find((row) => row.service === "db")).toMatchObject({ count: 2, total: 50e6, max: 40e6, avg: 25e6 });
  const graph = serviceGraph(tree);
  expect(graph.layers).toHaveLength(3);
  expect(graph.calls.map((call) => [tree.services[call.from], tree.services[call.to], call.calls])).toEqual([
    ["web", "api", 1],
    ["api", "db", 2],
  ]);
});
