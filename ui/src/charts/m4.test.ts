import { expect, test } from "vitest";
import { decimate } from "./m4.ts";

test.each([1, 2, 3, 4, 5])("each column keeps its first, least, greatest and last value (%d)", (seed) => {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const n = 5000 + seed * 37;
  const columns = 200;
  const times = Array.from({ length: n }, (_, i) => i);
  const series = Array.from({ length: 3 }, () =>
    times.map(() => (random() < 0.1 ? null : Math.round(random() * 1000))),
  );
  const out = decimate(times, series, columns);
  expect(out?.times).toHaveLength(columns * 4);
  series.forEach((list, s) => {
    for (let column = 0; column < columns; column++) {
      const own = list.slice(Math.floor((column * n) / columns), Math.floor(((column + 1) * n) / columns));
      const known = own.filter((value): value is number => value !== null);
      const four = out?.values[s]?.slice(column * 4, column * 4 + 4) ?? [];
      if (known.length === 0) {
        expect(four).toEqual([null, null, null, null]);
        continue;
      }
      expect([four[0], four[3]]).toEqual([known[0], known.at(-1)]);
      expect([Math.min(...(four as number[])), Math.max(...(four as number[]))]).toEqual([
        Math.min(...known),
        Math.max(...known),
      ]);
    }
  });
  expect(out?.times).toEqual([...(out?.times ?? [])].sort((a, b) => a - b));
});

test("what fits is left as it is", () => {
  expect(decimate([1, 2, 3], [[1, 2, 3]], 100)).toBeNull();
});
