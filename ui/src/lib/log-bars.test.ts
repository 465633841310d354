import { expect, test } from "vitest";
import { logBars } from "./log-bars.ts";

test("no count is lost and bars follow each other", () => {
  const cells = Array.from({ length: 200 }, (_, i): [number, number, number] => [1.1 ** i, 1.1 ** (i + 1), i % 17]);
  const bars = logBars(cells, 36);
  expect(bars).toHaveLength(36);
  expect(bars.reduce((sum, bar) => sum + bar.count, 0)).toBe(cells.reduce((sum, [, , n]) => sum + n, 0));
  for (let i = 1; i < bars.length; i++) expect(bars[i]?.low).toBeCloseTo(bars[i - 1]?.high ?? 0, 5);
  expect(logBars([], 36)).toEqual([]);
  expect(logBars([[5, 5, 3]], 4).reduce((sum, bar) => sum + bar.count, 0)).toBe(3);
});
