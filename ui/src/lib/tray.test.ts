import { expect, test } from "vitest";
import { type Pin, trayMarkdown, withPin } from "./tray.ts";

const pin = (id: string, url: string, note = ""): Pin => ({
  id,
  url,
  note,
  title: `T[${id}]`,
  pinnedUnixMilli: 0,
  range: "Last 1 h",
});

test("an address is pinned once and keeps its note", () => {
  const pins = withPin(withPin([], pin("1", "/a", "why")), pin("2", "/b"));
  expect(withPin(pins, pin("3", "/a")).map((each) => [each.id, each.note])).toEqual([
    ["2", ""],
    ["3", "why"],
  ]);
});

test("the tray becomes Markdown with links that lead back", () => {
  const text = trayMarkdown(
    "Outage",
    [pin("1", "/a?x=1", " slow since 14:00 ")],
    (path) => `https://o.example${path}`,
    () => "14:07",
  );
  expect(text).toBe("## Outage\n\n- 14:07 [T\\[1\\]](https://o.example/a?x=1) (Last 1 h)\n  slow since 14:00\n");
});
