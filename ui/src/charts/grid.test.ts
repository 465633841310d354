import { expect, test } from "vitest";
import { finest, place } from "./grid.ts";

test("the same times keep their values, what is not finite is a gap", () => {
  expect(place([1, 2, 3], [5, Number.POSITIVE_INFINITY, null], [1, 2, 3])).toEqual([5, null, null]);
});

test("on finer times the line between the values is kept, and so are gaps", () => {
  const onto = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  expect(place([0, 4, 6, 8], [0, 8, null, 1], onto)).toEqual([0, 2, 4, 6, 8, null, null, null, 1]);
});

test("an extreme between two times is not lost", () => {
  expect(place([0, 1.9, 4], [0, 9, 0], [0, 1, 2, 3, 4])).toEqual(
    [0, 4.5, 9, expect.closeTo(4.29, 2), 0].map((v) => (v === 4.5 ? expect.closeTo(4.74, 2) : v)),
  );
});

test("nothing is made up before the first value and after the last, and a shift moves times", () => {
  expect(place([2, 4], [1, 3], [0, 1, 2, 3, 4, 5])).toEqual([null, null, 1, 2, 3, null]);
  expect(place([0, 10], [1, 2], [100, 110], 100)).toEqual([1, 2]);
  expect(place([], [], [1])).toEqual([null]);
});

test("the finest list is the longest", () => {
  expect(finest([[1, 2], [1, 2, 3], []])).toEqual([1, 2, 3]);
  expect(finest([])).toEqual([]);
});
