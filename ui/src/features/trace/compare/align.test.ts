import { expect, test } from "vitest";
import { criticalPath } from "../critical.ts";
import { buildTree, type TraceTree } from "../tree.ts";
import { alignTraces, explainDifference } from "./align.ts";

/** `name start-end` with the depth as leading spaces. */
function trace(...lines: string[]): TraceTree {
  const parents: number[] = [];
  const spans = lines.map((line, at) => {
    const match = /^( *)(.+) (\d+)-(\d+)$/.exec(line);
    const depth = (match?.[1] ?? "").length;
    parents[depth] = at;
    return {
      name: match?.[2] ?? "",
      start: Number(match?.[3]),
      end: Number(match?.[4]),
      parent: depth > 0 ? (parents[depth - 1] ?? -1) : -1,
    };
  });
  const names = [...new Set(spans.map((span) => span.name))];
  const n = spans.length;
  return buildTree({
    traceId: "t",
    startNanos: 0n,
    names,
    services: ["s"],
    kinds: [],
    badges: [],
    eventNames: [],
    spanIds: spans.map((_, i) => `${i}`),
    parent: Int32Array.from(spans, (span) => span.parent),
    name: Uint32Array.from(spans, (span) => names.indexOf(span.name)),
    service: new Uint32Array(n),
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

const label = (tree: TraceTree, at: number) => (at < 0 ? "-" : (tree.names[tree.name[at] ?? 0] ?? ""));
const written = (a: TraceTree, b: TraceTree) =>
  alignTraces(a, b).map((row) => `${" ".repeat(row.depth)}${label(a, row.a)}|${label(b, row.b)}`);

test("equal spans are one row, others stand where their trace has them", () => {
  const a = trace("root 0-100", " auth 0-10", " db 20-40", "  io 21-22", " render 50-90");
  const b = trace("root 0-60", " auth 0-10", " cache 12-14", " db 20-25", " send 30-40");
  expect(written(a, b)).toEqual(["root|root", " auth|auth", " -|cache", " db|db", "  io|-", " -|send", " render|-"]);
});

test("what is out of order is matched by the closest duration", () => {
  const a = trace("root 0-100", " x 0-10", " y 20-30", " q 40-50");
  const b = trace("root 0-100", " q 0-90", " q 1-12", " x 20-30", " y 40-50");
  expect(written(a, b)).toEqual(["root|root", " -|q", " x|x", " y|y", " q|q"]);
  expect(alignTraces(a, b).at(-1)?.b).toBe(2);
});

test("every span is in exactly one row, and a trace is equal to itself", () => {
  let state = 5;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const make = () => {
    let depth = 0;
    return trace(
      "root 0-100",
      ...Array.from({ length: 60 }, (_, i) => {
        depth = 1 + random(Math.min(4, depth + 1));
        return `${" ".repeat(depth)}n${random(4)} ${i}-${i + random(30)}`;
      }),
    );
  };
  for (let round = 0; round < 40; round++) {
    const [a, b] = [make(), make()];
    const rows = alignTraces(a, b);
    const sorted = (list: number[]) => list.filter((at) => at >= 0).sort((x, y) => x - y);
    expect(sorted(rows.map((row) => row.a))).toEqual(Array.from({ length: a.count }, (_, i) => i));
    expect(sorted(rows.map((row) => row.b))).toEqual(Array.from({ length: b.count }, (_, i) => i));
    expect(alignTraces(a, a).every((row) => row.a === row.b)).toBe(true);
    const shares = explainDifference(a, criticalPath(a), b, criticalPath(b));
    const total = shares.reduce((sum, share) => sum + share.a - share.b, 0);
    expect(total).toBe(a.duration - b.duration);
  }
});
