import { expect, test } from "vitest";
import { EMPTY_RESOURCE, EMPTY_SCOPE } from "../../api/otlp.ts";
import type { Span } from "../../api/traces.ts";
import { buildTree, criticalPath, findNodes, selfSegments, visibleRows } from "./model.ts";

const T0 = 1787320800123456789n;

/** `a<root 0-100` reads: span a, child of root, from 0 to 100 ns. An error ends with `!`. */
function trace(...lines: string[]): Span[] {
  return lines.map((line) => {
    const match = /^(\w+)(?:<(\w+))? (\d+)-(\d+)(!?)$/.exec(line);
    if (!match) throw new Error(line);
    const [, id = "", parent = "", start = "0", end = "0", error] = match;
    return {
      trace_id: "t",
      span_id: id,
      parent_span_id: parent,
      trace_state: "",
      flags: 0,
      name: id,
      kind: "INTERNAL",
      service: "api",
      start_unix_nano: String(T0 + BigInt(start)),
      end_unix_nano: String(T0 + BigInt(end)),
      duration_nanos: Number(end) - Number(start),
      attributes: [],
      dropped_attributes_count: 0,
      events: [],
      dropped_events_count: 0,
      links: [],
      dropped_links_count: 0,
      status: { code: error ? "ERROR" : "UNSET", message: "" },
      resource: EMPTY_RESOURCE,
      scope: EMPTY_SCOPE,
    };
  });
}

test("display order is depth first, children by start, whatever order the spans came in", () => {
  const tree = buildTree(trace("c<a 30-40", "b<root 50-90!", "a<root 10-45", "root 0-100"));
  expect(tree.nodes.map((node) => `${node.span.span_id}${node.depth}`)).toEqual(["root0", "a1", "c2", "b1"]);
  expect(tree.nodes[0]).toMatchObject({ below: 3, errorsBelow: 1, self: 25 });
  expect(tree).toMatchObject({ duration: 100, errors: 1, maxDepth: 2, startNanos: T0 });
});

test("a single nanosecond is kept", () => {
  const tree = buildTree(trace("root 0-3", "a<root 1-2"));
  expect(tree.nodes[1]).toMatchObject({ start: 1, end: 2 });
});

test("missing parents and circles lose no span", () => {
  const orphan = buildTree(trace("root 0-10", "x<gone 2-4"));
  expect(orphan.orphans).toBe(1);
  const circle = buildTree(trace("a<b 0-10", "b<a 1-5"));
  expect(circle.nodes).toHaveLength(2);
});

test("self time leaves out overlapping children once", () => {
  const tree = buildTree(trace("root 0-100", "a<root 10-50", "b<root 30-60", "late<root 90-120"));
  const root = tree.nodes[0];
  expect(root && selfSegments(tree, root)).toEqual([
    [0, 10],
    [60, 90],
  ]);
});

test("the critical path follows the child that finished last and adds up to the duration", () => {
  const tree = buildTree(trace("root 0-100", "a<root 10-40", "b<root 20-90", "c<b 30-80", "async<root 95-200"));
  const path = criticalPath(buildTree(trace("root 0-100", "a<root 10-40", "b<root 20-90", "c<b 30-80")));
  expect([...path.keys()].sort()).toEqual([0, 2, 3]);
  const total = [...path.values()].flat().reduce((sum, [start, end]) => sum + end - start, 0);
  expect(total).toBe(100);
  expect(criticalPath(tree).size).toBeGreaterThan(0);
});

test("a very deep trace does not overflow the stack", () => {
  const deep = Array.from({ length: 20_000 }, (_, i) => `s${i}${i > 0 ? `<s${i - 1}` : ""} ${i}-${60_000 - i}`);
  const tree = buildTree(trace(...deep));
  expect(tree.maxDepth).toBe(19_999);
  expect(criticalPath(tree).size).toBe(20_000);
});

test("rows: collapsed subtrees and filtered spans with their ancestors", () => {
  const tree = buildTree(trace("root 0-100", "a<root 10-40", "b<a 20-30!", "c<root 50-60"));
  const none = new Set<string>();
  expect(visibleRows(tree, { collapsed: new Set(["a"]), only: null })).toEqual([0, 1, 3]);
  expect(visibleRows(tree, { collapsed: none, only: new Set([2]) })).toEqual([0, 1, 2]);
  expect(findNodes(tree, "B")).toEqual([2]);
});
