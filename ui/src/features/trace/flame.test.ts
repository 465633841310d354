import { expect, test } from "vitest";
import { mergedLayout, timeLayout } from "./flame.ts";
import { buildTree } from "./tree.ts";

function randomTree(seed: number, count: number) {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const start = [0];
  const end = [1000];
  const parent = [-1];
  for (let i = 1; i < count; i++) {
    const above = random(i);
    parent.push(above);
    start.push((start[above] ?? 0) + random(150));
    end.push((start[i] ?? 0) + random(300));
  }
  return buildTree({
    traceId: "t",
    startNanos: 0n,
    names: ["a", "b", "c"],
    services: ["s"],
    kinds: [],
    badges: [],
    eventNames: [],
    spanIds: parent.map((_, i) => `${i}`),
    parent: Int32Array.from(parent),
    name: Uint32Array.from(parent, () => random(3)),
    service: new Uint32Array(count),
    kind: new Uint8Array(count),
    status: new Uint8Array(count),
    start: Float64Array.from(start),
    end: Float64Array.from(end),
    badge: new Int32Array(count).fill(-1),
    eventSpan: new Uint32Array(0),
    eventTime: new Float64Array(0),
    eventName: new Uint32Array(0),
  });
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "in the order of time no two boxes of a lane overlap, children are below (%d)",
  (seed) => {
    const tree = randomTree(seed, 200);
    const { boxes, lanes } = timeLayout(tree);
    expect(boxes).toHaveLength(200);
    for (let lane = 0; lane < lanes; lane++) {
      const inLane = boxes.filter((box) => box.lane === lane).sort((a, b) => a.start - b.start);
      for (let i = 1; i < inLane.length; i++) expect(inLane[i]?.start).toBeGreaterThanOrEqual(inLane[i - 1]?.end ?? 0);
    }
    for (const box of boxes) {
      const parent = tree.parent[box.index] ?? -1;
      if (parent >= 0) expect(box.lane).toBeGreaterThan(boxes[parent]?.lane ?? 0);
    }
  },
);

test.each([11, 12, 13, 14])(
  "merged boxes keep every span, stay inside their parent, the heaviest first (%d)",
  (seed) => {
    const tree = randomTree(seed, 200);
    const { boxes, lanes } = mergedLayout(tree);
    expect(boxes.reduce((sum, box) => sum + box.count, 0)).toBe(200);
    for (let lane = 0; lane < lanes; lane++) {
      const inLane = boxes.filter((box) => box.lane === lane).sort((a, b) => a.start - b.start);
      for (let i = 1; i < inLane.length; i++)
        expect((inLane[i]?.start ?? 0) + 1e-12).toBeGreaterThanOrEqual(inLane[i - 1]?.end ?? 0);
    }
    expect(Math.max(...boxes.map((box) => box.end))).toBeLessThanOrEqual(1 + 1e-9);
  },
);
