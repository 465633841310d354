import { expect, test } from "vitest";
import { parseInline, parseMarkdown } from "./markdown-tree.ts";

test("headings, lists, code and paragraphs", () => {
  expect(parseMarkdown("# A\n\none\ntwo\n- x\n- y\n```\n<b>\n```").map((block) => block.kind)).toEqual([
    "heading",
    "paragraph",
    "list",
    "code",
  ]);
});

test("HTML and scripts stay text", () => {
  expect(parseInline("<img src=x onerror=alert(1)>")).toEqual([{ kind: "text", text: "<img src=x onerror=alert(1)>" }]);
  expect(parseInline("[x](javascript:alert(1))")[0]).toMatchObject({ kind: "text" });
  expect(parseInline("[x](//evil.example)")[0]).toMatchObject({ kind: "text" });
  expect(parseInline("see [x](/logs) **b** `c`").map((part) => part.kind)).toEqual([
    "text",
    "link",
    "text",
    "bold",
    "text",
    "code",
  ]);
});
