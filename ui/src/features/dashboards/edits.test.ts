import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { addPanel, duplicatePanel, movePanel, newDocument, removePanel, setPanel, setTitle } from "./edits.ts";
import { readDocument } from "./read.ts";

const application = readFileSync(fileURLToPath(new URL("./shipped/application.json", import.meta.url)), "utf8");
const panelsOf = (text: string) => readDocument(text).dashboard.panels;
const first = (text: string) => {
  const panel = panelsOf(text)[0];
  if (!panel) throw new Error("no panel");
  return panel;
};

test("a document that nobody edits is the same, byte for byte", () => {
  const { dashboard } = readDocument(application);
  expect(setTitle(application, dashboard.title)).toBe(application);
});

test("moving writes places and nothing else", () => {
  const panels = panelsOf(application);
  const moved = movePanel(application, panels, panels[3]?.id ?? "", { x: 0, y: 0, w: 6, h: 4 });
  expect(panelsOf(moved).find((panel) => panel.title === "Active Users")?.grid).toEqual({ x: 0, y: 0, w: 6, h: 4 });
  const without = JSON.parse(moved);
  for (const panel of without.dashboard.panels) delete panel.gridPos;
  expect(without).toEqual(JSON.parse(application));
  expect(movePanel(moved, panelsOf(moved), panels[3]?.id ?? "", { x: 0, y: 0, w: 6, h: 4 })).toBe(moved);
});

test("a value is set, and taken away again", () => {
  const panel = first(application);
  const set = setPanel(application, panel, ["fieldConfig", "defaults", "unit"], "reqps");
  expect(first(set).unit).toBe("reqps");
  expect(setPanel(application, panel, ["unit"], "")).toBe(application);
  expect(setPanel(setPanel(application, panel, ["unit"], "ms"), panel, ["unit"], undefined)).toBe(application);
});

test("panels come, are copied and go", () => {
  const added = addPanel(application, panelsOf(application));
  const places = panelsOf(added).map((panel) => panel.grid);
  expect(places.slice(0, 4)).toEqual(panelsOf(application).map((panel) => panel.grid));
  expect(places[4]).toEqual({ x: 0, y: 16, w: 12, h: 8 });
  const copied = duplicatePanel(application, panelsOf(application), first(application));
  expect(panelsOf(copied).at(-1)?.title).toBe("Request Rate (copy)");
  expect(panelsOf(removePanel(application, first(application))).map((panel) => panel.title)[0]).toBe("Error Rate");
});

test("a new document is empty and can be filled", () => {
  const text = newDocument("Mine");
  expect(readDocument(text).dashboard).toMatchObject({ title: "Mine", panels: [] });
  expect(panelsOf(addPanel(text, []))).toHaveLength(1);
});
