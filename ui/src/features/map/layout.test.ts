import { expect, test } from "vitest";
import { edgePath, fitView, type Layout, NODE_WIDTH, smooth, zoomAt } from "./layout.ts";

test("the whole layout is in the box, in its middle", () => {
  const view = fitView({ width: 1000, height: 100 }, { width: 548, height: 548 });
  expect(view.scale).toBe(0.5);
  expect(view.x).toBe(24);
  expect(view.y).toBe(249);
});

test("zooming keeps the point under the pointer", () => {
  const before = { x: 10, y: 20, scale: 1 };
  const after = zoomAt(before, { x: 110, y: 70 }, 2);
  const inside = (view: typeof before) => [(110 - view.x) / view.scale, (70 - view.y) / view.scale];
  expect(inside(after)).toEqual(inside(before));
  expect(zoomAt(before, { x: 0, y: 0 }, 1000).scale).toBe(3);
});

test("an edge follows the layout, and one that is newer goes straight", () => {
  const layout: Layout = {
    nodes: new Map([
      ["a", { x: 0, y: 0 }],
      ["b", { x: 400, y: 50 }],
    ]),
    edges: new Map([
      [
        "a > b",
        [
          { x: 1, y: 2 },
          { x: 3, y: 4 },
        ],
      ],
    ]),
    width: 1,
    height: 1,
  };
  expect(edgePath(layout, { id: "a > b", from: "a", to: "b" })).toBe("M1,2L3,4");
  expect(edgePath(layout, { id: "new", from: "a", to: "b" })).toMatch(`M${NODE_WIDTH / 2},0C`);
  expect(edgePath(layout, { id: "new", from: "a", to: "gone" })).toBe("");
  expect(smooth([])).toBe("");
});
