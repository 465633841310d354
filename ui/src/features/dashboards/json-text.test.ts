import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { appendTo, removeAt, setAt, textAt } from "./json-text.ts";

const text = `{
  "a": {"keep":   1.0, "x": [1, 2,3]},
  "list": [
    {
      "title": "one"
    }
  ],
  "empty": {}
}
`;

test("only the value that changes is written", () => {
  expect(setAt(text, ["a", "x"], [9])).toContain('"a": {"keep":   1.0, "x": [');
  expect(setAt(text, ["list", 0, "title"], 'q"')).toBe(text.replace('"one"', '"q\\""'));
  expect(textAt(text, ["a", "keep"])).toBe("1.0");
  expect(textAt(text, ["a", "none"])).toBeNull();
});

test("new keys go to the end, with the indentation of their neighbours", () => {
  expect(setAt(text, ["list", 0, "type"], "stat")).toBe(text.replace('"one"', '"one",\n      "type": "stat"'));
  expect(setAt(text, ["a", "y"], true)).toContain('"x": [1, 2,3], "y": true}');
  expect(setAt(text, ["empty", "k"], 1)).toContain('"empty": {\n    "k": 1\n  }');
  expect(setAt('{"a":1}', ["b"], { c: 2 })).toBe('{"a":1,"b":{"c":2}}');
});

test("items come and go with their commas", () => {
  const two = appendTo(text, ["list"], { title: "two" });
  expect(JSON.parse(two).list).toEqual([{ title: "one" }, { title: "two" }]);
  expect(removeAt(two, ["list", 1])).toBe(text);
  expect(JSON.parse(removeAt(two, ["list", 0])).list).toEqual([{ title: "two" }]);
  expect(JSON.parse(removeAt(text, ["list", 0])).list).toEqual([]);
  expect(JSON.parse(removeAt(text, ["a"]))).toEqual({ list: [{ title: "one" }], empty: {} });
  expect(appendTo('{"l":[]}', ["l"], 1)).toBe('{"l":[1]}');
});

test("every edit of a shipped document is the same as on the parsed value, and touches nothing else", () => {
  const document = readFileSync(fileURLToPath(new URL("./shipped/application.json", import.meta.url)), "utf8");
  const parsed = JSON.parse(document);
  parsed.dashboard.panels.forEach((panel: { targets: { expr: string }[] }, index: number) => {
    const path = ["dashboard", "panels", index, "targets", 0, "expr"];
    const changed = setAt(document, path, "up");
    const expected = structuredClone(parsed);
    expected.dashboard.panels[index].targets[0].expr = "up";
    expect(JSON.parse(changed)).toEqual(expected);
    expect(setAt(changed, path, panel.targets[0]?.expr)).toBe(document);
    const grid = setAt(document, ["dashboard", "panels", index, "gridPos"], { x: 0, y: 0, w: 12, h: 8 });
    expect(removeAt(grid, ["dashboard", "panels", index, "gridPos"])).toBe(document);
  });
});
