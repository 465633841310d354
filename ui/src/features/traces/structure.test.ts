import { expect, test } from "vitest";
import type { SpanColumns } from "../../api/trace-columns.ts";
import { flatten, mergeTraces } from "./structure.ts";

/** `parent name start-end`; the place is the line. */
function trace(...lines: string[]): SpanColumns {
  const spans = lines.map((line) => {
    const [parent = "", name = "", time = ""] = line.split(" ");
    const [start = "0", end = "0"] = time.split("-");
    return { parent: Number(parent), name, start: Number(start), end: Number(end) };
  });
  const names = [...new Set(spans.map((span) => span.name))];
  return {
    traceId: "t",
    startNanos: 0n,
    names,
    services: ["s"],
    kinds: ["INTERNAL"],
    badges: [],
    eventNames: [],
    spanIds: spans.map((_, at) => `${at}`),
    parent: Int32Array.from(spans, (span) => span.parent),
    name: Uint32Array.from(spans, (span) => names.indexOf(span.name)),
    service: new Uint32Array(spans.length),
    kind: new Uint8Array(spans.length),
    status: new Uint8Array(spans.length),
    start: Float64Array.from(spans, (span) => span.start),
    end: Float64Array.from(spans, (span) => span.end),
    badge: new Int32Array(spans.length),
    eventSpan: new Uint32Array(0),
    eventTime: new Float64Array(0),
    eventName: new Uint32Array(0),
  };
}

test("equal paths of several traces are one node; time adds up", () => {
  const a = trace("-1 root 0-100", "0 db 10-30", "0 db 40-60", "0 render 50-90");
  const b = trace("-1 root 0-50", "0 db 10-20");
  const structure = mergeTraces([a, b]);
  expect(structure).toMatchObject({ traces: 2, total: 150 });
  const nodes = flatten(structure, new Set());
  expect(nodes.map((node) => [node.name, node.depth, node.spans, node.traces, node.total, node.self])).toEqual([
    ["root", 0, 2, 2, 150, 70],
    ["db", 1, 3, 2, 50, 50],
    ["render", 1, 1, 1, 40, 40],
  ]);
  const [root] = nodes;
  expect(root && flatten(structure, new Set([root]))).toHaveLength(1);
});

test("every span is counted once, also in a circle of parents", () => {
  const circle = trace("1 a 0-10", "0 b 1-5", "-1 c 0-3");
  const count = flatten(mergeTraces([circle]), new Set()).reduce((sum, node) => sum + node.spans, 0);
  expect(count).toBeLessThanOrEqual(3);
  expect(mergeTraces([]).roots).toEqual([]);
});
