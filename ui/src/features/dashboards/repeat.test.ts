import { expect, test } from "vitest";
import { overlaps } from "./grid.ts";
import type { Panel } from "./model.ts";
import { readDocument } from "./read.ts";
import { repeatPanels } from "./repeat.ts";

const panelsOf = (panels: unknown[]) =>
  readDocument(JSON.stringify({ title: "t", schemaVersion: 1, panels })).dashboard.panels;
const facts = (panels: readonly Panel[]) =>
  panels.map(({ title, scope, grid }) => [title, scope.host, grid.x, grid.y, grid.w]);

const values = new Map([["host", ["a", "b", "c", "d", "e"]]]);
const wide = { title: "cpu", type: "graph", repeat: "host", maxPerRow: 2, gridPos: { x: 0, y: 0, w: 24, h: 4 } };
const below = { title: "below", type: "graph", gridPos: { x: 0, y: 4, w: 12, h: 4 } };

test("a panel is repeated side by side, and what stands below makes room", () => {
  expect(facts(repeatPanels(panelsOf([wide, below]), values))).toEqual([
    ["cpu", "a", 0, 0, 12],
    ["cpu", "b", 12, 0, 12],
    ["cpu", "c", 0, 4, 12],
    ["cpu", "d", 12, 4, 12],
    ["cpu", "e", 0, 8, 12],
    ["below", undefined, 0, 12, 12],
  ]);
});

test("downwards it keeps its width", () => {
  const down = repeatPanels(panelsOf([{ ...wide, repeatDirection: "v" }]), new Map([["host", ["a", "b"]]]));
  expect(facts(down)).toEqual([
    ["cpu", "a", 0, 0, 24],
    ["cpu", "b", 0, 4, 24],
  ]);
});

test("a row is repeated with its panels", () => {
  const row = { title: "$host", type: "row", repeat: "host", gridPos: { x: 0, y: 0, w: 24, h: 1 } };
  const inside = { title: "in", type: "graph", gridPos: { x: 0, y: 1, w: 12, h: 4 } };
  const next = { title: "next", type: "row", gridPos: { x: 0, y: 5, w: 24, h: 1 } };
  const found = repeatPanels(panelsOf([row, inside, next]), new Map([["host", ["a", "b"]]]));
  expect(facts(found)).toEqual([
    ["$host", "a", 0, 0, 24],
    ["in", "a", 0, 1, 12],
    ["$host", "b", 0, 5, 24],
    ["in", "b", 0, 6, 12],
    ["next", undefined, 0, 10, 24],
  ]);
});

test("ids are unique, the first copy keeps its own, and nothing overlaps", () => {
  const panels = panelsOf([wide, below]);
  const found = repeatPanels(panels, values);
  expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
  expect(found[0]?.id).toBe(panels[0]?.id);
  for (const [at, panel] of found.entries()) {
    for (const other of found.slice(at + 1)) expect(overlaps(panel.grid, other.grid)).toBe(false);
  }
  expect(repeatPanels(panels, new Map())).toEqual(panels);
});
