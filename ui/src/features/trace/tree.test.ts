import { expect, test } from "vitest";
import type { SpanColumns } from "../../api/trace-columns.ts";
import { criticalPath, criticalSegments, isCritical, owners } from "./critical.ts";
import { evaluate, FilterProblem, parseAmount, parseFilter, remoteTerms } from "./filter.ts";
import { findRuns } from "./groups.ts";
import { buildRows, LOG_ROW, RUN_ROW, rowOfSpan, SPAN_ROW } from "./rows.ts";
import { buildTree, children, selfSegments, type TraceTree } from "./tree.ts";

/** `a<root 0-100` reads: span a, child of root, from 0 to 100 ns. An error ends with `!`, a name follows `:`. */
function columns(...lines: string[]): SpanColumns {
  const parsed = lines.map((line) => {
    const match = /^(\w+)(?:<(\w+))? (\d+)-(\d+)(!?)(?::(.+))?$/.exec(line);
    if (!match) throw new Error(line);
    const [, id = "", parent, start, end, error, name] = match;
    return { id, parent, start: Number(start), end: Number(end), error: error === "!", name: name ?? id };
  });
  const ids = parsed.map((span) => span.id);
  const names = [...new Set(parsed.map((span) => span.name))];
  return {
    traceId: "t",
    startNanos: 1787320800123456789n,
    names,
    services: ["api"],
    kinds: ["UNSPECIFIED", "INTERNAL", "SERVER"],
    badges: ["503"],
    eventNames: [],
    spanIds: ids,
    parent: Int32Array.from(parsed, (span) =>
      span.parent ? (ids.indexOf(span.parent) < 0 ? -2 : ids.indexOf(span.parent)) : -1,
    ),
    name: Uint32Array.from(parsed, (span) => names.indexOf(span.name)),
    service: new Uint32Array(parsed.length),
    kind: new Uint8Array(parsed.length).fill(1),
    status: Uint8Array.from(parsed, (span) => (span.error ? 2 : 0)),
    start: Float64Array.from(parsed, (span) => span.start),
    end: Float64Array.from(parsed, (span) => span.end),
    badge: new Int32Array(parsed.length).fill(-1),
    eventSpan: new Uint32Array(0),
    eventTime: new Float64Array(0),
    eventName: new Uint32Array(0),
  };
}

const trace = (...lines: string[]): TraceTree => buildTree(columns(...lines));

/** A trace of random spans below random parents, from a seed. */
function randomTrace(seed: number, count: number): TraceTree {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const spans = [{ start: 0, end: 1000 }];
  const lines = ["s0 0-1000"];
  for (let i = 1; i < count; i++) {
    const parent = random(i);
    const start = (spans[parent]?.start ?? 0) + random(200);
    const end = start + random(300);
    spans.push({ start, end });
    lines.push(`s${i}<s${parent} ${start}-${end}${random(9) === 0 ? "!" : ""}:n${random(3)}`);
  }
  return trace(...lines);
}

const SEEDS = Array.from({ length: 60 }, (_, index) => index * 7919 + 3);

test("display order is depth first, children by start, whatever order the spans came in", () => {
  const tree = trace("c<a 30-40", "b<root 50-90!", "a<root 10-45", "root 0-100");
  expect(tree.spanIds.map((id, at) => `${id}${tree.depth[at]}`)).toEqual(["root0", "a1", "c2", "b1"]);
  expect([tree.below[0], tree.errorsBelow[0], tree.self[0]]).toEqual([3, 1, 25]);
  expect(tree).toMatchObject({ duration: 100, errors: 1, maxDepth: 2 });
  expect(children(tree, 0)).toEqual([1, 3]);
});

test("a single nanosecond is kept", () => {
  const tree = trace("root 0-3", "a<root 1-2");
  expect([tree.start[1], tree.end[1]]).toEqual([1, 2]);
});

test("missing parents and circles lose no span", () => {
  expect(trace("root 0-10", "x<gone 2-4").orphans).toBe(1);
  const circle = trace("a<b 0-10", "b<a 1-5");
  expect(circle.count).toBe(2);
  expect([...circle.spanIds].sort()).toEqual(["a", "b"]);
});

test.each(SEEDS)("laws of the tree hold for random trace %d", (seed) => {
  const tree = randomTrace(seed, 120);
  for (let i = 0; i < tree.count; i++) {
    const kids = children(tree, i);
    expect(kids.every((kid) => tree.parent[kid] === i && tree.depth[kid] === (tree.depth[i] ?? 0) + 1)).toBe(true);
    expect(tree.below[i]).toBe(kids.reduce((sum, kid) => sum + 1 + (tree.below[kid] ?? 0), 0));
    expect(kids.map((kid) => tree.start[kid])).toEqual(
      kids.map((kid) => tree.start[kid]).sort((a, b) => (a ?? 0) - (b ?? 0)),
    );
    const length = (tree.end[i] ?? 0) - (tree.start[i] ?? 0);
    expect(tree.self[i]).toBeGreaterThanOrEqual(0);
    expect(tree.self[i]).toBeLessThanOrEqual(length);
  }
});

test("self time leaves out overlapping children once", () => {
  const tree = trace("root 0-100", "a<root 10-50", "b<root 30-60", "late<root 90-120");
  expect(selfSegments(tree, 0)).toEqual([
    [0, 10],
    [60, 90],
  ]);
});

test("the critical path follows the child that finished last and adds up to the duration", () => {
  const tree = trace("root 0-100", "a<root 10-40", "b<root 20-90", "c<b 30-80");
  const path = criticalPath(tree);
  expect([0, 1, 2, 3].filter((at) => isCritical(path, at))).toEqual([0, 2, 3]);
  expect(path.own.reduce((sum, own) => sum + own, 0)).toBe(100);
  expect(criticalSegments(path, 2)).toEqual([
    [80, 90],
    [20, 30],
  ]);
  expect(owners(tree, path).map((owner) => [owner.name, owner.own])).toEqual([
    ["c", 50],
    ["root", 30],
    ["b", 20],
  ]);
});

test.each(SEEDS)(
  "critical segments of random trace %d never overlap, and with one root they are its whole time",
  (seed) => {
    const tree = randomTrace(seed, 120);
    const path = criticalPath(tree);
    const all = Array.from({ length: tree.count }, (_, at) => criticalSegments(path, at))
      .flat()
      .filter(([start, end]) => end > start)
      .sort((a, b) => a[0] - b[0]);
    for (let at = 1; at < all.length; at++) expect(all[at]?.[0]).toBeGreaterThanOrEqual(all[at - 1]?.[1] ?? 0);
    const rootEnd = tree.end[0] ?? 0;
    const total = path.own.reduce((sum, own) => sum + own, 0);
    expect(total).toBe(rootEnd - (tree.start[0] ?? 0));
  },
);

test("a child that starts before its parent is clipped to it", () => {
  const path = criticalPath(trace("root 0-100", "b<root 40-90", "early<b 10-80"));
  expect([...path.own]).toEqual([50, 10, 40]);
});

test("a very deep trace does not overflow the stack", () => {
  const deep = Array.from({ length: 20_000 }, (_, i) => `s${i}${i > 0 ? `<s${i - 1}` : ""} ${i}-${60_000 - i}`);
  const spans = columns("s0 0-1");
  const n = deep.length;
  const tree = buildTree({
    ...spans,
    spanIds: deep.map((_, i) => `s${i}`),
    parent: Int32Array.from(deep, (_, i) => i - 1),
    start: Float64Array.from(deep, (_, i) => i),
    end: Float64Array.from(deep, (_, i) => 60_000 - i),
    name: new Uint32Array(n),
    service: new Uint32Array(n),
    kind: new Uint8Array(n),
    status: new Uint8Array(n),
    badge: new Int32Array(n),
  });
  expect(tree.maxDepth).toBe(19_999);
  expect(isCritical(criticalPath(tree), n - 1)).toBe(true);
});

const nothing = { collapsed: new Set<number>(), only: null, runs: null, opened: new Set<number>(), logs: null };
const written = (rows: ReturnType<typeof buildRows>) =>
  Array.from({ length: rows.length }, (_, row) => `${"srl"[rows.kind[row] ?? 0]}${rows.ref[row]}`);

test("rows: collapsed subtrees, and kept spans with their ancestors", () => {
  const tree = trace("root 0-100", "a<root 10-40", "b<a 20-30!", "c<root 50-60");
  expect(written(buildRows(tree, { ...nothing, collapsed: new Set([1]) }))).toEqual(["s0", "s1", "s3"]);
  expect(written(buildRows(tree, { ...nothing, only: Uint8Array.of(0, 0, 1, 0) }))).toEqual(["s0", "s1", "s2"]);
});

test("five equal siblings in a row are one row until it is opened", () => {
  const tree = trace(
    "root 0-100",
    ...[1, 2, 3, 4, 5, 6].map((i) => `q${i}<root ${i * 10}-${i * 10 + i}${i === 3 ? "!" : ""}:SELECT`),
    "x<q2 21-22",
    "z<root 90-95",
  );
  const runs = findRuns(tree);
  expect([...runs.keys()]).toEqual([1]);
  expect(runs.get(1)).toMatchObject({ sum: 21, max: 6, p95: 6, errors: 1, start: 10, stop: 66, end: 8 });
  const closed = buildRows(tree, { ...nothing, runs });
  expect(written(closed)).toEqual(["s0", "r1", "s8"]);
  expect(rowOfSpan(closed, tree, 3)).toBe(1);
  const open = buildRows(tree, { ...nothing, runs, opened: new Set([1]) });
  expect(open.length).toBe(10);
  expect(rowOfSpan(open, tree, 3)).toBe(4);
  expect([open.kind[1], open.kind[2]]).toEqual([RUN_ROW, SPAN_ROW]);
});

test("log rows stand between the spans, in the order of time", () => {
  const tree = trace("root 0-100", "a<root 10-40", "b<root 50-60");
  const logs = [
    { span: 0, at: 5 },
    { span: 1, at: 20 },
    { span: 0, at: 55 },
  ];
  const rows = buildRows(tree, { ...nothing, logs });
  expect(written(rows)).toEqual(["s0", "l0", "s1", "l1", "s2", "l2"]);
  expect(rows.kind[1]).toBe(LOG_ROW);
  expect(written(buildRows(tree, { ...nothing, logs, collapsed: new Set([0]) }))).toEqual(["s0"]);
});

test("filters: fields of the columns, booleans, shares of the trace", () => {
  const tree = trace("root 0-1000", "a<root 0-400", "b<a 100-350!", "c<root 500-510");
  const context = { tree, path: criticalPath(tree), remote: new Map([["http.route:/x", Uint8Array.of(0, 1, 0, 0)]]) };
  const found = (text: string) => {
    const filter = parseFilter(text);
    return filter ? [...evaluate(filter, context)].flatMap((flag, at) => (flag ? [tree.spanIds[at]] : [])) : [];
  };
  expect(found("status:error OR name:c")).toEqual(["b", "c"]);
  expect(found("duration>2.5% -name:root")).toEqual(["a", "b"]);
  expect(found("self>=250ns service:ap*")).toEqual(["root", "b"]);
  expect(found("critical:true NOT (name:a OR root)")).toEqual(["b", "c"]);
  expect(found("duration:200ns..300ns")).toEqual(["b"]);
  expect(found("http.route:/x")).toEqual(["a"]);
  expect(found("name~^[ab]$")).toEqual(["a", "b"]);
  expect(remoteTerms(parseFilter('name:a http.route:/x "timed out" -db.system:redis'))).toEqual([
    "http.route:/x",
    '"timed out"',
    "db.system:redis",
  ]);
});

test("what is wrong with a filter is said", () => {
  const tree = trace("root 0-1000");
  const run = (text: string) => () => {
    const filter = parseFilter(text);
    if (filter) evaluate(filter, { tree, path: criticalPath(tree), remote: new Map() });
  };
  expect(run("(a")).toThrow("not closed");
  expect(run("a)")).toThrow("not opened");
  expect(run("duration>5")).toThrow("write `5ms`");
  expect(run("name~[")).toThrow(FilterProblem);
  expect(parseAmount("2.5%", 1000)).toBe(25);
});
