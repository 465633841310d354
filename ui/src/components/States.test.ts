import { expect, test } from "vitest";
import { byteRange, corrected } from "./States.tsx";

test("positions count UTF-8 bytes, text counts UTF-16 units", () => {
  expect(byteRange("abc", 1, 1)).toEqual([1, 2]);
  expect(byteRange("\u00b5s \u{1f600} x", 3, 1)).toEqual([2, 3]);
  expect(byteRange("\u{1f600} x", 5, 1)).toEqual([3, 4]);
  expect(byteRange("abc", 3, 1)).toEqual([3, 3]);
});

test("a suggestion replaces the part the error is about", () => {
  expect(corrected("service:api (level:error", "(level:error)", { offset: 12, length: 12 })).toBe(
    "service:api (level:error)",
  );
  expect(corrected("level:errr x", "error", { offset: 6, length: 4 })).toBe("level:error x");
  expect(corrected("anything", "whole query")).toBe("whole query");
});
