import { expect, test } from "vitest";
import type { LogRow } from "./rows.ts";
import { linesOf, rowTops } from "./wrap.ts";

test("lines are counted by characters, with line breaks and wide ones", () => {
  expect(linesOf("", 10)).toBe(1);
  expect(linesOf("a".repeat(10), 10)).toBe(1);
  expect(linesOf("a".repeat(11), 10)).toBe(2);
  expect(linesOf("a\n\nb", 10)).toBe(3);
  expect(linesOf("\u6f22".repeat(6), 10)).toBe(2);
});

test("tops rise by at least one line", () => {
  const rows = Array.from({ length: 50 }, (_, i) => ({ line: "x".repeat(i * 7) }) as LogRow);
  const tops = rowTops(rows, 40);
  for (let i = 0; i < rows.length; i++) expect((tops[i + 1] ?? 0) - (tops[i] ?? 0)).toBeGreaterThanOrEqual(22);
});
